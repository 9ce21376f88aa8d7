// What an open source keeps in memory is bounded by the size of its index (docs/design.md).

#include <gtest/gtest.h>
#include <malloc.h>
#include <ztensor/ztensor.h>

#include <string>

#include "temp_dir.h"

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounted = false;
#else
constexpr bool kCounted = true;
#endif

std::size_t in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(IndexMemory, IsAtMostTwoAndAHalfTimesTheManifest) {
  if (!kCounted) GTEST_SKIP() << "sanitizers have an allocator of their own, which mallinfo2 does not count";
  const zt::test::TempDir folder;
  constexpr std::uint64_t kCount = 100000;
  zt::Writer writer = zt::Writer::create(folder / "many.zt");
  const float element[1] = {1};
  for (std::uint64_t i = 0; i < kCount; ++i) {
    writer.add("model.layers." + std::to_string(i) + ".weight", {1, 1}, std::span<const float>(element));
  }
  const std::uint64_t blobs = writer.bytes_written();
  writer.finalize();
  const std::uint64_t manifest = writer.bytes_written() - blobs;

  const std::size_t before = in_use();
  const zt::Source source = zt::open(folder / "many.zt");
  const std::size_t kept = in_use() - before;
  EXPECT_EQ(source.size(), kCount);
  EXPECT_LE(kept, manifest * 5 / 2) << "of a manifest of " << manifest << " bytes";
  EXPECT_GT(kept, manifest / 4) << "the count itself is off";
}

}  // namespace
