#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <windows.h>

#include "base/utf8.h"
#include "io/descriptor.h"
#include "io/file.h"
#include "io/publish.h"
#include "publishing.h"
#include "temp_dir.h"
#include "ztensor/paths.h"

namespace zt::io {
namespace {

using test::read_file;
using test::save;
using test::TempDir;
using test::write_file;

Descriptor open_folder(const TempDir& folder) { return Descriptor(os::open(folder.path(), O_PATH | O_DIRECTORY)); }

TEST(Windows, RefusesNamesThatMeanMoreThanAName) {
  const TempDir dir;
  write_file(dir / "f", "x");
  const Descriptor folder = open_folder(dir);
  ASSERT_TRUE(folder);
  os::Status status;
  EXPECT_TRUE(os::status_at(folder.get(), "f", status));
  for (const char* name : {"", "..", "f:stream", "f::$DATA", "a\\f", "./f", "/f", "f*", "f?", "f\n", "\xFF"}) {
    EXPECT_FALSE(os::status_at(folder.get(), name, status)) << name;
    EXPECT_EQ(errno, EINVAL) << name;
    EXPECT_LT(os::openat(folder.get(), name, O_CREAT | O_EXCL | O_RDWR, 0666), 0) << name;
  }
  EXPECT_EQ(dir.count(), 1U);
}

TEST(Windows, LocksAFileAndLetsOthersReadIt) {
  const TempDir dir;
  write_file(dir / "f", "content");
  const Descriptor one(os::open(dir / "f", O_RDWR));
  const Descriptor other(os::open(dir / "f", O_RDWR));
  EXPECT_EQ(os::flock(one.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(os::flock(other.get(), LOCK_EX | LOCK_NB), -1);
  EXPECT_EQ(errno, EWOULDBLOCK);
  EXPECT_EQ(read_file(dir / "f"), "content");
  EXPECT_EQ(os::flock(one.get(), LOCK_UN), 0);
  EXPECT_EQ(os::flock(other.get(), LOCK_EX | LOCK_NB), 0);
}

TEST(Windows, ReadsAtAnOffsetWithoutMovingTheFile) {
  const TempDir dir;
  write_file(dir / "f", "0123456789");
  const Descriptor file(os::open(dir / "f", O_RDWR));
  ASSERT_EQ(os::lseek(file.get(), 4, SEEK_SET), 4);
  std::string out(3, ' ');
  EXPECT_EQ(os::pread(file.get(), out.data(), out.size(), 7), 3);
  EXPECT_EQ(out, "789");
  EXPECT_EQ(os::pread(file.get(), out.data(), out.size(), 10), 0);
  EXPECT_EQ(os::lseek(file.get(), 0, SEEK_CUR), 4);
}

TEST(Windows, TakesNamesOfAnyScript) {
  const TempDir dir;
  const std::string name =
      "gr\xC3\xB6\xC3\x9F"
      "e-\xE6\xA8\xA1\xE5\x9E\x8B.zt";
  save(dir.path() / path_of(name), "x", {});
  EXPECT_EQ(read_file(dir.path() / path_of(name)), "x");
  const std::vector<std::string> names =
      os::names_in(open_folder(dir).get(), 100, [](std::string_view) { return true; });
  EXPECT_NE(std::ranges::find(names, name), names.end());
  EXPECT_EQ(utf8_of(path_of(name)), name);
}

TEST(Windows, TakesPathsThatAreLongerThanTheOldLimit) {
  const TempDir dir;
  std::filesystem::path folder = dir.path();
  for (int i = 0; i < 3; ++i) {
    folder /= std::string(120, 'a');
    ASSERT_NE(::CreateDirectoryW((LR"(\\?\)" + folder.native()).c_str(), nullptr), 0) << i;
  }
  save(folder / "f", "old", {});
  save(folder / "f", "new", {});
  const auto identity = [&] {
    const auto file = File::open(folder / "f");
    const Bytes bytes = file->map(Mapping::shared);
    EXPECT_EQ(as_text(bytes.view()), "new");
    return file->identity();
  }();
  remove_file(folder / "f", identity);
}

}  // namespace
}  // namespace zt::io
