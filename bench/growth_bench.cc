// Times 200 appends of one tensor each to a file of 100,000 tensors, and compares the size of the file with that of a
// new file of the same tensors. Also times opening a file of 100,000 tensors, in each format.

#include <benchmark/benchmark.h>
#include <ztensor/ztensor.h>

#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTensors = 100000;
constexpr std::size_t kAppends = 200;

std::string name_of(std::size_t i) {
  return "model.layers." + std::to_string(i / 100) + ".block." + std::to_string(i % 100) + ".weight";
}

// A file that is removed at the end of the benchmark.
class Scratch {
 public:
  explicit Scratch(const std::string& name) : path_(fs::temp_directory_path() / ("zt-bench-" + name + ".zt")) {}
  ~Scratch() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write_many(const fs::path& path, const std::string& format, std::size_t count) {
  zt::WriterOptions options{.to = format};
  if (format == "2") options.canonical = false;
  zt::Writer writer = zt::Writer::create(path, options);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(i);  // all differ, because equal parts would be stored once
    const float elements[4] = {value, 2, 3, 4};
    writer.add(name_of(i), {4}, std::span<const float>(elements));
  }
  writer.finalize();
}

void Append(benchmark::State& state, const std::string& format) {
  const Scratch file("append-" + format);
  const Scratch anew("anew-" + format);
  for (auto _ : state) {
    state.PauseTiming();
    write_many(file.path(), format, kTensors);
    state.ResumeTiming();
    for (std::size_t i = 0; i < kAppends; ++i) {
      zt::Writer writer = zt::Writer::create(file.path(), zt::WriteMode::append);
      const auto value = static_cast<float>(kTensors + i);
      const float elements[4] = {value, 6, 7, 8};
      writer.add(name_of(kTensors + i), {4}, std::span<const float>(elements));
      writer.finalize();
    }
  }
  write_many(anew.path(), format, kTensors + kAppends);
  const auto size = static_cast<double>(fs::file_size(file.path()));
  state.counters["MB"] = size / 1e6;
  state.counters["times_live"] = size / static_cast<double>(fs::file_size(anew.path()));
}
BENCHMARK_CAPTURE(Append, zt12, "1.2")->Unit(benchmark::kSecond)->Iterations(1)->UseRealTime();
BENCHMARK_CAPTURE(Append, zt2, "2")->Unit(benchmark::kSecond)->Iterations(1)->UseRealTime();

void OpenMany(benchmark::State& state, const std::string& format) {
  const Scratch file("open-" + format);
  write_many(file.path(), format, kTensors);
  for (auto _ : state) benchmark::DoNotOptimize(zt::open(file.path()));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kTensors));
}
BENCHMARK_CAPTURE(OpenMany, zt10, "1.0")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(OpenMany, zt12, "1.2")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(OpenMany, zt2, "2")->Unit(benchmark::kMillisecond);

}  // namespace
