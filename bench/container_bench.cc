// Times the C++ library by itself: opening, looking up, mapping, reading and writing.

#include <benchmark/benchmark.h>
#include <ztensor/ztensor.h>

#include <string>
#include <vector>

namespace {

constexpr std::size_t kElements = std::size_t{1} << 24;  // 64 MiB of floats

class VectorSink final : public zt::ByteSink {
 public:
  explicit VectorSink(std::vector<std::byte>& out) : out_(out) {}
  void write(std::span<const std::byte> bytes) override { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

 private:
  std::vector<std::byte>& out_;
};

class NullSink final : public zt::ByteSink {
 public:
  void write(std::span<const std::byte>) override {}
};

std::string name_of(std::size_t i) {
  return "model.layers." + std::to_string(i / 100) + ".block." + std::to_string(i % 100) + ".weight";
}

std::shared_ptr<const zt::ByteStore> make_many(std::size_t count) {
  const float elements[4] = {1, 2, 3, 4};
  std::vector<std::byte> bytes;
  zt::Writer writer = zt::Writer::to(std::make_unique<VectorSink>(bytes));
  for (std::size_t i = 0; i < count; ++i) writer.add(name_of(i), {4}, std::span<const float>(elements));
  writer.finalize();
  return std::make_shared<const zt::MemoryStore>(std::move(bytes));
}

std::shared_ptr<const zt::ByteStore> make_large(zt::Encoding encoding) {
  std::vector<float> elements(kElements);
  for (std::size_t i = 0; i < kElements; ++i) elements[i] = static_cast<float>(i % 1000);
  std::vector<std::byte> bytes;
  zt::Writer writer = zt::Writer::to(std::make_unique<VectorSink>(bytes), {.encoding = encoding});
  writer.add("w", {kElements}, std::span<const float>(elements));
  writer.finalize();
  return std::make_shared<const zt::MemoryStore>(std::move(bytes));
}

void Open(benchmark::State& state) {
  const auto store = make_many(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(zt::open(store, "memory"));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Open)->Arg(1000)->Arg(100000)->Unit(benchmark::kMillisecond);

void Find(benchmark::State& state) {
  const zt::Source source = zt::open(make_many(100000), "memory");
  const std::string name = name_of(54321);
  for (auto _ : state) benchmark::DoNotOptimize(source.tensor(name).data().map());
}
BENCHMARK(Find);

void Read(benchmark::State& state, zt::Encoding encoding, zt::Verify verify) {
  const zt::Source source = zt::open(make_large(encoding), "memory");
  std::vector<float> out(kElements);
  for (auto _ : state) source.tensor("w").read_into(std::as_writable_bytes(std::span(out)), verify);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kElements * sizeof(float)));
}
BENCHMARK_CAPTURE(Read, raw_crc, zt::Encoding::raw(), zt::Verify::standard)->UseRealTime();
BENCHMARK_CAPTURE(Read, raw_unchecked, zt::Encoding::raw(), zt::Verify::never)->UseRealTime();
BENCHMARK_CAPTURE(Read, zstd, zt::Encoding::zstd(), zt::Verify::standard)->UseRealTime();

void Write(benchmark::State& state, zt::Encoding encoding, zt::Checksum checksum) {
  const std::vector<float> elements(kElements, 1.5F);
  for (auto _ : state) {
    zt::Writer writer = zt::Writer::to(std::make_unique<NullSink>(), {.encoding = encoding, .checksum = checksum});
    writer.add("w", {kElements}, std::span<const float>(elements));
    writer.finalize();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kElements * sizeof(float)));
}
BENCHMARK_CAPTURE(Write, raw_crc, zt::Encoding::raw(), zt::Checksum::crc32c)->UseRealTime();
BENCHMARK_CAPTURE(Write, raw_none, zt::Encoding::raw(), zt::Checksum::none)->UseRealTime();
BENCHMARK_CAPTURE(Write, zstd, zt::Encoding::zstd(), zt::Checksum::crc32c)->UseRealTime();

void WriteMany(benchmark::State& state) {
  const float elements[4] = {1, 2, 3, 4};
  for (auto _ : state) {
    zt::Writer writer = zt::Writer::to(std::make_unique<NullSink>());
    for (std::size_t i = 0; i < 100000; ++i) writer.add(name_of(i), {4}, std::span<const float>(elements));
    writer.finalize();
  }
  state.SetItemsProcessed(state.iterations() * 100000);
}
BENCHMARK(WriteMany)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
