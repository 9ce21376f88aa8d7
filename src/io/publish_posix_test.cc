#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/utf8.h"
#include "child.h"
#include "errors.h"
#include "io/publish.h"
#include "publishing.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;
using test::expect_io;
using test::read_file;
using test::result_of_child;
using test::save;
using test::TempDir;
using test::write_file;

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

class PublishOnPosix : public test::Publishing {};
INSTANTIATE_TEST_SUITE_P(Files, PublishOnPosix, ::testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "Unnamed" : "Named"; });

TEST_P(PublishOnPosix, ReplacesTheFileAndKeepsItsMode) {
  write_file(dir_ / "f", "old");
  for (const mode_t mode : {0600U, 0640U, 0444U, 0755U}) {
    ASSERT_EQ(::chmod((dir_ / "f").c_str(), mode), 0);
    save(dir_ / "f", std::to_string(mode), options());
    EXPECT_EQ(read_file(dir_ / "f"), std::to_string(mode));
    EXPECT_EQ(mode_of(dir_ / "f"), mode);
    EXPECT_EQ(dir_.count(), 1u);
  }
}

TEST_P(PublishOnPosix, TakesTheModeThatTheTargetHasWhenItIsReplaced) {
  write_file(dir_ / "f", "old");
  Publication file(dir_ / "f", options());
  ASSERT_EQ(::chmod((dir_ / "f").c_str(), 0600), 0);
  file.publish();
  EXPECT_EQ(mode_of(dir_ / "f"), 0600u);
}

TEST_P(PublishOnPosix, GivesANewFileTheModeOfTheUmask) {
  const mode_t before = ::umask(027);
  save(dir_ / "f", "x", options());
  ::umask(before);
  EXPECT_EQ(mode_of(dir_ / "f"), 0640u);
}

TEST_P(PublishOnPosix, CreateNewRefusesALinkToAFileButFollowsADanglingOne) {
  fs::create_symlink("f", dir_ / "link");
  save(dir_ / "link", "new", create_new());
  EXPECT_EQ(read_file(dir_ / "f"), "new");
  expect_io(EEXIST, [&] { Publication(dir_ / "link", create_new()); });
}

TEST_P(PublishOnPosix, ReplacesTheFileThatALinkLeadsTo) {
  fs::create_directories(dir_ / "a/b");
  write_file(dir_ / "a/b/f", "old");
  fs::create_symlink("b/f", dir_ / "a/near");
  fs::create_symlink(dir_ / "a/near", dir_ / "far");
  save(dir_ / "far", "new", options());
  EXPECT_EQ(read_file(dir_ / "a/b/f"), "new");
  EXPECT_TRUE(fs::is_symlink(dir_ / "a/near"));
  EXPECT_TRUE(fs::is_symlink(dir_ / "far"));
}

TEST_P(PublishOnPosix, CreatesTheFileThatADanglingLinkNames) {
  fs::create_directory(dir_ / "a");
  fs::create_directory(dir_ / "b");
  fs::create_symlink("../b/f", dir_ / "a/link");
  save(dir_ / "a/link", "new", options());
  EXPECT_EQ(read_file(dir_ / "b/f"), "new");
  EXPECT_TRUE(fs::is_symlink(dir_ / "a/link"));
}

TEST_P(PublishOnPosix, FollowsLinksOnTheWayToTheFolder) {
  fs::create_directories(dir_ / "deep/er");
  fs::create_symlink("deep/er", dir_ / "short");
  save(dir_ / "short/../f", "x", options());  // the parent of the folder that the link leads to
  EXPECT_EQ(read_file(dir_ / "deep/f"), "x");
}

TEST_P(PublishOnPosix, RefusesTargetsThatAreNoPlaceForAFile) {
  fs::create_symlink("loop", dir_ / "loop");
  fs::create_symlink("none/f", dir_ / "astray");
  write_file(dir_ / "f", "");
  expect_io(ELOOP, [&] { Publication(dir_ / "loop", options()); });
  expect_io(ENOENT, [&] { Publication(dir_ / "none/f", options()); });
  expect_io(ENOENT, [&] { Publication(dir_ / "astray", options()); });
  expect_io(ENOTDIR, [&] { Publication(dir_ / "f/g", options()); });
  expect_io(EISDIR, [&] { Publication(dir_.path(), options()); });
  expect_io(EISDIR, [&] { Publication(dir_ / "new/", options()); });
  expect_io(EISDIR, [&] { Publication("/", options()); });
  expect_io(ENOENT, [&] { Publication("", options()); });
  expect_io(ENAMETOOLONG, [&] { Publication(dir_ / std::string(256, 'x'), options()); });
}

TEST_P(PublishOnPosix, RefusesTargetsThatAreNoRegularFiles) {
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  fs::create_symlink("fifo", dir_ / "link");
  for (const fs::path& path : {dir_ / "fifo", dir_ / "link", fs::path("/dev/null")}) {
    EXPECT_EQ(test::error_of([&] { Publication(path, options()); }).code(), Code::usage) << path;
  }
  EXPECT_EQ(test::error_of([&] { Publication(dir_ / std::string("a\0b", 3), options()); }).code(), Code::usage);
}

TEST_P(PublishOnPosix, RefusesATargetThatBecameAFifoOrAFolder) {
  Publication first(dir_ / "f", options());
  Publication second(dir_ / "g", options());
  ASSERT_EQ(::mkfifo((dir_ / "f").c_str(), 0600), 0);
  fs::create_directory(dir_ / "g");
  EXPECT_EQ(test::error_of([&] { first.publish(); }).code(), Code::usage);
  expect_io(EISDIR, [&] { second.publish(); });
  EXPECT_EQ(dir_.count(), 2u);
}

TEST_P(PublishOnPosix, ReachesTheFolderThoughItWasRenamed) {
  fs::create_directory(dir_ / "before");
  Publication file(dir_ / "before/f", options());
  fs::rename(dir_ / "before", dir_ / "after");
  file.publish();
  EXPECT_TRUE(fs::exists(dir_ / "after/f"));
}

TEST_P(PublishOnPosix, TakesTheLongestNamesThatTheSystemTakes) {
  std::string name(255, 'x');
  for (std::size_t at = 1; at + 1 < name.size(); at += 2) name.replace(at, 2, "\xC3\xA9");  // an e with an accent
  save(dir_ / name, "old", options());
  save(dir_ / name, "new", options());
  EXPECT_EQ(read_file(dir_ / name), "new");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(PublishOnPosix, TakesAPathWithoutAFolder) {
  EXPECT_EQ(result_of_child([&] {
              fs::current_path(dir_.path());
              save("f", "x", options());
              return 0;
            }),
            0);
  EXPECT_EQ(read_file(dir_ / "f"), "x");
}

TEST_P(PublishOnPosix, LeavesTheOldFileWholeWhenTheNewOneOutgrowsALimit) {
  write_file(dir_ / "f", "old");
  const int result = result_of_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    for (const char* name : {"f", "new"}) {
      Publication file(dir_ / name, options());
      file.write(as_bytes(std::string(4000, 'x')));
      if (test::error_of([&] { file.write(as_bytes(std::string(4000, 'x'))); }).os_error() != EFBIG) return 2;
      if (test::error_of([&] { file.publish(); }).code() != Code::usage) return 3;
    }
    return 0;
  });
  EXPECT_EQ(result, 0);
  EXPECT_EQ(read_file(dir_ / "f"), "old");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(PublishOnPosix, LeavesTheOldFileWholeOnAFullFileSystem) {
  constexpr int kNoMount = 77;
  const int result = result_of_child([&] {
    if (::unshare(CLONE_NEWNS) != 0) return kNoMount;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kNoMount;
    if (::mount("zt-test", dir_.path().c_str(), "tmpfs", 0, "size=256k") != 0) return kNoMount;
    write_file(dir_ / "f", "old");
    for (const char* name : {"f", "new"}) {
      const Error error = test::error_of([&] { save(dir_ / name, std::string(1 << 20, 'x'), options()); });
      if (error.code() != Code::io || error.os_error() != ENOSPC) return 1;
    }
    if (read_file(dir_ / "f") != "old" || dir_.count() != 1) return 2;
    save(dir_ / "f", std::string(200'000, 'y'), options());  // the failed saves have freed their space
    return dir_.count() == 1 ? 0 : 3;
  });
  if (result == kNoMount) GTEST_SKIP() << "no right to mount a tmpfs";
  EXPECT_EQ(result, 0);
}

TEST_P(PublishOnPosix, RefusesAFolderItMayNotWriteTo) {
  fs::create_directory(dir_ / "sealed");
  write_file(dir_ / "sealed/f", "old");
  fs::permissions(dir_ / "sealed", fs::perms(0555));
  fs::permissions(dir_.path(), fs::perms(0755));
  const int result = result_of_child([&] {
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
    for (const char* name : {"sealed/f", "sealed/new"}) {
      if (test::error_of([&] { Publication(dir_ / name, options()); }).os_error() != EACCES) return 2;
    }
    return 0;
  });
  EXPECT_EQ(result, 0);
  fs::permissions(dir_ / "sealed", fs::perms(0755));
}

TEST_P(PublishOnPosix, WorksInAFolderThatItMayNotList) {
  fs::create_directory(dir_ / "dark");
  fs::permissions(dir_ / "dark", fs::perms(0333));
  fs::permissions(dir_.path(), fs::perms(0755));
  const int result = result_of_child([&] {
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
    save(dir_ / "dark/f", "one", options());
    save(dir_ / "dark/f", "two", options());
    const PublishOptions durable{.durable = true, .unnamed = GetParam()};
    return test::error_of([&] { Publication(dir_ / "dark/f", durable); }).os_error() == EACCES ? 0 : 2;
  });
  EXPECT_EQ(result, 0);
  EXPECT_EQ(read_file(dir_ / "dark/f"), "two");
  fs::permissions(dir_ / "dark", fs::perms(0755));
}

TEST_P(PublishOnPosix, AKilledSaverLeavesTheOldFileOrTheNewOne) {
  const unsigned seed = 20240611;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  write_file(dir_ / "f", std::string(20'000, 'a'));
  for (int round = 0; round < 40; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (char c = 'a';; c = c == 'z' ? 'a' : static_cast<char>(c + 1)) {
        try {
          save(dir_ / "f", std::string(20'000, c), options());
        } catch (...) {
          ::_exit(1);
        }
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const std::string content = read_file(dir_ / "f");
    ASSERT_EQ(content, std::string(20'000, content.at(0)));
    ASSERT_LE(dir_.count(), 2u);  // each child removed the file that the child before it left
  }
  save(dir_ / "f", "whole", options());
  EXPECT_EQ(read_file(dir_ / "f"), "whole");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(PublishOnPosix, RemovesWhatDeadSaversLeftAndNothingElse) {
  write_file(dir_ / "f", "old");
  write_file(dir_ / ".f.0123456789abcdef.tmp", "stale");
  for (const char* name : {".f.0123456789abcde.tmp", ".f.0123456789abcdeX.tmp", ".g.0123456789abcdef.tmp",
                           ".f.0123456789abcdef.tm", "f.0123456789abcdef.tmp"}) {
    write_file(dir_ / name, "someone's");
  }
  fs::create_symlink("f", dir_ / ".f.1123456789abcdef.tmp");
  fs::create_directory(dir_ / ".f.2123456789abcdef.tmp");
  ASSERT_EQ(::mkfifo((dir_ / ".f.3123456789abcdef.tmp").c_str(), 0600), 0);
  save(dir_ / "f", "new", options());
  EXPECT_FALSE(fs::exists(dir_ / ".f.0123456789abcdef.tmp"));
  EXPECT_EQ(dir_.count(), 9u);
}

TEST_P(PublishOnPosix, AForkedChildThatDropsItsCopyTakesNothingFromItsParent) {
  write_file(dir_ / "f", "old");
  std::optional<Publication> file(std::in_place, dir_ / "f", options());
  file->write(as_bytes("new"));
  const int result = result_of_child([&] {
    file.reset();
    return 0;
  });
  EXPECT_EQ(result, 0);
  file->publish();
  EXPECT_EQ(read_file(dir_ / "f"), "new");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(PublishOnPosix, LeavesThePublishedFileUnlockedThoughAForkedChildLives) {
  write_file(dir_ / "f", "old");
  Publication file(dir_ / "f", options());
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  file.publish();
  const int opened = ::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(::flock(opened, LOCK_EX | LOCK_NB), 0);
  ::close(opened);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(Publication, TakesRoomWithoutAByteOrASize) {
  const TempDir folder;
  Publication file(folder / "f", {.create_new = true, .unnamed = false});
  file.write(as_bytes(std::string_view("abc")));
  file.reserve(3, 1 << 20);
  file.reserve(std::uint64_t{1} << 63, 1 << 20);  // there is not so much room: nothing happens
  struct stat status {};
  for (const auto& entry : fs::directory_iterator(folder.path())) ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 3);
  file.publish();
  EXPECT_EQ(read_file(folder / "f"), "abc");
}

TEST(Publication, AnUnnamedFileIsInvisibleUntilItIsPublished) {
  const TempDir dir;
  Publication file(dir / "f", {});
  if (dir.count() != 0) GTEST_SKIP() << "this file system has no unnamed files";
  file.publish();
  EXPECT_EQ(dir.count(), 1u);
}

}  // namespace
}  // namespace zt::io
