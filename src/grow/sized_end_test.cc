// How a file of generation 1.2 grows: its end has the size of the manifest.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/endian.h"
#include "base/utf8.h"
#include "grow/growth.h"
#include "grown_file.h"
#include "io/file.h"
#include "system_faults.h"
#include "temp_dir.h"

namespace zt::grow {
namespace {

namespace fs = std::filesystem;
using test::both;
using test::Faults;
using test::one;
using test::read_file;
using test::some;
using test::TempDir;
using test::write_file;

constexpr std::uint64_t kFar = std::uint64_t{256} << 20;

TEST(GrowSized, KeepsBytesThatAnotherToolLeftBehindTheManifest) {
  const TempDir dir;
  std::string file = test::make_file(Tail::manifest_size, one());
  const std::string footer = file.substr(file.size() - 16);
  file.resize(file.size() - 16);
  std::string longer = footer;
  longer[0] = static_cast<char>(longer[0] + 100);
  file += std::string(100, '?') + longer;
  write_file(dir / "f", file);
  ASSERT_EQ(test::read_contents(Tail::manifest_size, dir / "f"), one());
  test::append(dir / "f", Tail::manifest_size, {}, some());
  EXPECT_EQ(test::read_contents(Tail::manifest_size, dir / "f"), both(one(), some()));
  EXPECT_EQ(read_file(dir / "f").substr(0, file.size()), file);
}

TEST(GrowSized, WritesNothingOverTheLiveManifest) {
  const TempDir dir;
  write_file(dir / "f", test::make_file(Tail::manifest_size, one()));
  Growth growth(dir / "f", {false, 300});
  growth.begin(Tail::manifest_size, test::live_of(Tail::manifest_size, *growth.store()));
  growth.place(64, 0);
  for (int i = 0; i < 500; ++i) {
    growth.write(as_bytes("7 bytes"));
    ASSERT_EQ(test::read_contents(Tail::manifest_size, dir / "f"), one()) << i;
  }
}

TEST(GrowSized, EndsInAManifestWithoutTrailingBytes) {
  const TempDir dir;
  for (const std::uint64_t limit : {kFar, std::uint64_t{700}}) {
    write_file(dir / "f", test::make_file(Tail::manifest_size, one()));
    test::append(dir / "f", Tail::manifest_size, {false, limit}, some());
    const auto store = io::File::open(dir / "f");
    const Live live = test::live_of(Tail::manifest_size, *store);
    EXPECT_EQ(live.manifest.offset + live.manifest.length + 16, store->size());  // as 1.1 requires
  }
}

// The length of the manifest in a 1.2 footer.
std::uint64_t declared(const fs::path& path) {
  const auto file = io::File::open(path);
  std::array<std::byte, 8> bytes;
  file->read_at(file->size() - 16, bytes);
  return endian::load_le<std::uint64_t>(bytes.data());
}

TEST(GrowSized, KeepsTheManifestInReachOfReaders) {
  const TempDir dir;
  constexpr std::uint64_t kLimit = 2000;
  write_file(dir / "f", test::make_file(Tail::manifest_size, one()));
  Faults faults;
  std::uint64_t farthest = 0;
  faults.watch = [&](const io::sys::Event&) { farthest = std::max(farthest, declared(dir / "f")); };
  test::append(dir / "f", Tail::manifest_size, {false, kLimit}, some());
  EXPECT_LE(farthest, kLimit);
  EXPECT_GT(farthest, kLimit / 2);
}

TEST(GrowSized, MovesTheManifestOverMoreThanAGigabyteOfData) {
  const TempDir dir;
  write_file(dir / "f", test::make_file(Tail::manifest_size, one()));
  Growth growth(dir / "f", {});
  const Live live = test::live_of(Tail::manifest_size, *growth.store());
  growth.begin(Tail::manifest_size, live);
  const auto item = [&](std::uint64_t offset) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(live.manifest.length));
    io::File::open(dir / "f")->read_at(offset, bytes);
    return bytes;
  };
  const std::vector<std::byte> manifest = item(live.manifest.offset);
  Faults faults;
  std::size_t looked = 0;
  faults.watch = [&](const io::sys::Event&) {
    ++looked;
    const std::uint64_t length = declared(dir / "f");
    EXPECT_LE(length, kFar);
    EXPECT_EQ(item(fs::file_size(dir / "f") - 16 - length), manifest);
  };
  const std::uint64_t at = growth.place(64, std::uint64_t{1500} << 20);  // in the hole nothing is written
  EXPECT_LT(at, 1000u);
  EXPECT_GT(looked, 15u);
  EXPECT_LT(looked, 30u);
}

}  // namespace
}  // namespace zt::grow
