#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "errors.h"
#include "io/file.h"
#include "io/publish.h"
#include "posix_only.h"
#include "temp_dir.h"
#include "ztensor/error.h"

// What io/publish.h does with files by their names: identify, sync, remove.
namespace zt::io {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::expect_io;
using test::TempDir;
using test::write_file;

TEST(Identify, FollowsLinksAndIsEmptyForWhatIsNotThere) {
  ZT_POSIX_ONLY("links that anyone may make");
  const TempDir dir;
  write_file(dir / "f", "x");
  fs::create_symlink("f", dir / "link");
  fs::create_symlink("none", dir / "dangling");
  fs::create_symlink("loop", dir / "loop");
  EXPECT_EQ(identify(dir / "link"), File::open(dir / "f")->identity());
  EXPECT_EQ(identify(dir / "none"), std::nullopt);
  EXPECT_EQ(identify(dir / "f/none"), std::nullopt);
  EXPECT_EQ(identify(dir / "dangling"), std::nullopt);
  expect_io(ELOOP, [&] { identify(dir / "loop"); });
}

TEST(SyncFile, SyncsAFileAlsoThroughALink) {
  ZT_POSIX_ONLY("links that anyone may make");
  const TempDir dir;
  write_file(dir / "f", "x");
  fs::create_symlink("f", dir / "link");
  sync_file(dir / "link");
  expect_io(ENOENT, [&] { sync_file(dir / "none"); });
  expect_io(EISDIR, [&] { sync_file(dir.path()); });
}

TEST(RemoveFile, RemovesOnlyTheFileItWasShown) {
  ZT_REPLACES_OPEN_FILES();
  const TempDir dir;
  write_file(dir / "f", "x");
  write_file(dir / "g", "y");
  const auto f = File::open(dir / "f");
  EXPECT_EQ(test::error_of([&] { remove_file(dir / "g", *f); }).code(), Code::usage);
  remove_file(dir / "f", *f);
  EXPECT_FALSE(fs::exists(dir / "f"));
  EXPECT_TRUE(fs::exists(dir / "g"));
  expect_io(ENOENT, [&] { remove_file(dir / "f", *f); });
}

TEST(RemoveFile, KnowsAFileByItsIdentity) {
  const TempDir dir;
  write_file(dir / "f", "x");
  write_file(dir / "g", "y");
  EXPECT_EQ(test::error_of([&] { remove_file(dir / "g", *identify(dir / "f")); }).code(), Code::usage);
  remove_file(dir / "f", *identify(dir / "f"));
  EXPECT_FALSE(fs::exists(dir / "f"));
  EXPECT_TRUE(fs::exists(dir / "g"));
}

TEST(RemoveFile, KeepsAFileThatWasChangedSinceItWasOpened) {
  const TempDir dir;
  write_file(dir / "f", "x");
  const auto f = File::open(dir / "f");
  fs::resize_file(dir / "f", 2);
  EXPECT_EQ(test::error_of([&] { remove_file(dir / "f", *f); }).code(), Code::usage);
  EXPECT_TRUE(fs::exists(dir / "f"));
}

TEST(RemoveFile, RemovesNeitherALinkNorWhatItLeadsTo) {
  ZT_POSIX_ONLY("links that anyone may make");
  const TempDir dir;
  write_file(dir / "f", "x");
  fs::create_symlink("f", dir / "link");
  EXPECT_EQ(test::error_of([&] { remove_file(dir / "link", *File::open(dir / "f")); }).code(), Code::usage);
  expect_io(EISDIR, [&] { remove_file(dir.path(), *File::open(dir / "f")); });
  EXPECT_EQ(dir.count(), 2u);
}

}  // namespace
}  // namespace zt::io
