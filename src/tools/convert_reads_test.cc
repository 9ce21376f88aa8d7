// How often a conversion reads each part.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/system.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

// Records the reads of a file while this object lives.
class Reads final : public io::sys::Hook {
 public:
  explicit Reads(const fs::path& path) {
    EXPECT_TRUE(io::os::status_of(path, file_));
    io::sys::set_hook(this);
  }
  ~Reads() override { io::sys::set_hook(nullptr); }
  Reads(const Reads&) = delete;
  Reads& operator=(const Reads&) = delete;

  io::sys::Verdict before(const io::sys::Event&) noexcept override { return {}; }
  void reading(int file, std::uint64_t offset, std::uint64_t length) noexcept override {
    io::os::Status status;
    if (!io::os::status_of(file, status) || status.identity != file_.identity) return;
    const std::lock_guard lock(mutex_);
    ranges_.emplace_back(offset, offset + length);
  }
  std::uint64_t bytes_within(std::uint64_t begin, std::uint64_t end) const {
    std::uint64_t sum = 0;
    for (const auto& [from, to] : ranges_) {
      if (from < end && begin < to) sum += std::min(to, end) - std::max(from, begin);
    }
    return sum;
  }

 private:
  io::os::Status file_;
  std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;
};

using PartReads = std::map<std::string, std::uint64_t>;

// How often a conversion reads the stored bytes of each part, rounded down.
PartReads reads_of(const fs::path& in, const fs::path& out, const WriterOptions& options) {
  Reads reads(in);
  ConvertOptions convert_options;
  convert_options.overwrite = true;
  convert_options.writer = options;
  convert({in}, out, convert_options);
  PartReads times;
  const Source source = open(in);
  for (const Tensor tensor : source) {
    for (std::size_t i = 0; i < tensor.parts(); ++i) {
      const Part part = tensor.part(i);
      times[std::string(tensor.name()) + "/" + std::string(part.role())] =
          reads.bytes_within(part.offset(), part.offset() + part.stored_length()) / part.stored_length();
    }
  }
  return times;
}

TEST(ConvertReads, ReadNoPartMoreThanOnceBeforeItIsWritten) {
  const test::TempDir folder;
  constexpr std::size_t kSize = 3000;
  const std::vector<float> values(kSize, 1.0F);
  const std::vector<std::uint8_t> bools(kSize, 1);
  std::vector<std::uint64_t> ends(kSize + 1);
  for (std::size_t i = 0; i < ends.size(); ++i) ends[i] = i;
  const auto wide = [](std::span<const std::uint64_t> numbers) {
    return ArrayView{.dtype = DType::u64, .shape = {numbers.size()}, .data = std::as_bytes(numbers).data()};
  };
  const ArrayView floats{.dtype = DType::f32, .shape = {kSize}, .data = std::as_bytes(std::span(values)).data()};
  const auto indices = wide(std::span(ends).first(kSize));
  for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1)}) {
    WriterOptions packed;
    packed.encoding = encoding;
    Writer writer = Writer::create(folder / "in.zt", packed);
    writer.add("dense", {kSize}, std::span<const float>(values));
    writer.add("bool", {.dtype = DType::boolean, .shape = {kSize}, .data = std::as_bytes(std::span(bools)).data()});
    writer.add_csr("csr", {kSize, kSize}, floats, indices, wide(ends));
    writer.add_coo("coo", {kSize}, floats, indices);
    writer.finalize();

    WriterOptions options{.to = "1.2"};
    const PartReads old = reads_of(folder / "in.zt", folder / "old.zt", options);
    options.to = "2";
    const PartReads canonical = reads_of(folder / "in.zt", folder / "new.zt", options);
    ASSERT_EQ(old.size(), 7U);
    ASSERT_EQ(canonical.size(), 7U);
    for (const auto& [part, times] : old) {
      EXPECT_EQ(times, part == "bool/data" ? 2U : 1U) << part << ": bool bytes are checked before they are written";
      EXPECT_LE(canonical.at(part), 2U) << part;
    }
    EXPECT_EQ(canonical.at("dense/data"), 1U);
    if (!encoding.is_raw()) continue;
    options.canonical = false;
    for (const auto& [part, times] : reads_of(folder / "in.zt", folder / "floor.zt", options))
      EXPECT_LE(times, 2U) << part;
  }
}

}  // namespace
}  // namespace zt
