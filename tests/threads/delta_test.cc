// Tensors that are stored as deltas, read and written by many threads. Their files are those of write_delta().

#include "ztensor/delta.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "many_threads.h"
#include "random.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

constexpr std::size_t kElements = 900'000;  // of bfloat16: two pieces
constexpr std::size_t kTensors = 3;

std::string name_of(std::size_t i) { return "w" + std::to_string(i); }

// base.zt, and d.zt over it.
class Files {
 public:
  explicit Files(unsigned threads = 1) {
    test::Random random(1510);
    for (std::size_t i = 0; i < kTensors; ++i) {
      std::vector<std::byte> base = random.bytes(2 * kElements), next = base;
      for (std::size_t k = 0; k < next.size(); k += 2) {
        base[k + 1] = next[k + 1] = static_cast<std::byte>(0x3C + random.below(3));
        if (random.chance(2)) next[k] ^= std::byte{1};
      }
      base_.push_back(std::move(base));
      next_.push_back(std::move(next));
    }
    write("base.zt", base_);
    write("new.zt", next_);
    DeltaOptions options;
    options.writer.threads = threads;
    const DeltaFileReport report =
        write_delta(open(folder_.path() / "base.zt"), open(folder_.path() / "new.zt"), path(), options);
    EXPECT_EQ(report.deltas, kTensors);
  }
  std::filesystem::path path() const { return folder_.path() / "d.zt"; }
  const std::vector<std::byte>& next(std::size_t i) const { return next_[i]; }

 private:
  void write(const char* name, const std::vector<std::vector<std::byte>>& tensors) {
    Writer writer = Writer::create(folder_.path() / name);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      writer.add(name_of(i), ArrayView{.dtype = DType::bf16, .shape = {kElements}, .data = tensors[i].data()});
    }
    writer.finalize();
  }

  test::TempDir folder_;
  std::vector<std::vector<std::byte>> base_, next_;
};

// Each thread reads slices of all tensors, from its own place on.
void expect_slices(const Source& source, const Files& files) {
  std::atomic<std::size_t> wrong = 0;
  test::together(4, [&](std::size_t thread) {
    for (std::size_t k = 0; k < 12; ++k) {
      const std::size_t i = (k + thread) % kTensors, first = (k * 70'001 + thread * 200'003) % (kElements - 10);
      std::vector<std::byte> out(20);
      source.tensor(name_of(i)).read_slice({zt::rows(first, first + 10)}, out);
      if (std::memcmp(out.data(), files.next(i).data() + 2 * first, out.size()) != 0) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0U);
}

TEST(ThreadsDeltaStore, DecodesPiecesForAnyThread) {
  const test::ManyThreads many;
  const Files files;
  const Source source = open(files.path());
  for (std::size_t i = 0; i < kTensors; ++i) EXPECT_EQ(source.tensor(name_of(i)).part("data").read(), files.next(i));
  expect_slices(source, files);
}

TEST(ThreadsDeltaBases, AreFoundByTheFirstThreadThatNeedsThem) {
  const Files files;
  const Source source = open(files.path());
  expect_slices(source, files);
}

TEST(ThreadsDeltaPart, FilesDoNotDependOnTheNumberOfThreads) {
  const test::ManyThreads many;
  const Files one(1), four(4);
  EXPECT_EQ(open(one.path()).stored_size(), open(four.path()).stored_size());
  EXPECT_TRUE(zt::diff(open(one.path()), open(four.path())).same());
}

}  // namespace
}  // namespace zt
