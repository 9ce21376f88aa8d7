// How a file of generation 2 grows: its end is a footer.

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "errors.h"
#include "grow/growth.h"
#include "grown_file.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::grow {
namespace {

using test::one;
using test::read_file;
using test::some;
using test::TempDir;
using test::write_file;

TEST(GrowFooter, EndsInTheFormerFooterAndTheNewOne) {
  const TempDir dir;
  const std::string old = test::make_file(Tail::footer, one());
  write_file(dir / "f", old);
  test::append(dir / "f", Tail::footer, {}, some());
  const std::string now = read_file(dir / "f");
  EXPECT_EQ(now.substr(now.size() - 80, 40), old.substr(old.size() - 40));
  EXPECT_EQ(now.size() % 4096, 40u);
}

TEST(GrowFooter, PutsAManifestIntoAFormerRegionOrAPlacedOne) {
  const TempDir dir;
  const std::string old = test::make_file(Tail::footer, one());
  const auto grow = [&](const std::optional<Region>& region) {
    write_file(dir / "f", old);
    Growth growth(dir / "f", {});
    growth.begin(Tail::footer, test::live_of(Tail::footer, *growth.store()));
    const Region placed{growth.place(65'536, 30), 30};
    const auto footer = [&](std::uint64_t offset) { return std::vector<std::byte>(40, std::byte(offset / 4096)); };
    return growth.commit(as_bytes("manifest"), footer, region ? region : placed, 4096).manifest;
  };
  EXPECT_EQ(grow(Region{4096, 100}), 4096u);
  EXPECT_EQ(read_file(dir / "f").substr(4096, 8), "manifest");
  EXPECT_EQ(grow(std::nullopt), 65'536u);
  std::string now = read_file(dir / "f");
  EXPECT_EQ(now.substr(65'536, 8), "manifest");
  EXPECT_EQ(now.substr(now.size() - 40), std::string(40, 16));
  for (const Region& bad : {Region{4096, 7}, Region{~std::uint64_t{0} - 5, 100}, Region{1 << 20, 100}}) {
    EXPECT_EQ(test::error_of([&] { grow(bad); }).code(), Code::usage);
    EXPECT_EQ(read_file(dir / "f"), old);
  }
}

}  // namespace
}  // namespace zt::grow
