// What an open source keeps in memory is bounded by the size of its index (docs/design.md).

#include <gtest/gtest.h>
#include <malloc.h>
#include <ztensor/ztensor.h>

#include <optional>
#include <string>
#include <string_view>

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

class IndexMemory : public testing::TestWithParam<const char*> {};

TEST_P(IndexMemory, IsAtMostTwoAndAHalfTimesTheManifest) {
  if (!kCounted) GTEST_SKIP() << "sanitizers have an allocator of their own, which mallinfo2 does not count";
  const zt::test::TempDir folder;
  constexpr std::uint64_t kCount = 100000;
  std::uint64_t blobs = 0, manifest = 0;
  {
    const bool floor = std::string_view(GetParam()) == "2 floor";
    zt::Writer writer = zt::Writer::create(
        folder / "many.zt",
        {.format = std::string(GetParam(), floor ? 1 : 3), .canonical = floor ? std::optional(false) : std::nullopt});
    const float element[1] = {1};
    for (std::uint64_t i = 0; i < kCount; ++i) {
      writer.add("model.layers." + std::to_string(i) + ".weight", {1, 1}, std::span<const float>(element));
    }
    blobs = writer.bytes_written();
    writer.finalize();
    manifest = writer.bytes_written() - blobs;
  }
  const std::size_t before = in_use();
  const zt::Source source = zt::open(folder / "many.zt");
  const std::size_t kept = in_use() - before;
  EXPECT_EQ(source.size(), kCount);
  EXPECT_LE(kept, manifest * 5 / 2) << "of a manifest of " << manifest << " bytes";
  EXPECT_GT(kept, manifest / 4) << "the count itself is off";
}

INSTANTIATE_TEST_SUITE_P(Formats, IndexMemory, testing::Values("1.0", "1.2", "2 floor"), [](const auto& tested) {
  const std::string_view name = tested.param;
  return name == "1.0" ? "Zt10" : name == "1.2" ? "Zt12" : "Zt2";
});

}  // namespace
