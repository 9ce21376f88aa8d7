#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/utf8.h"
#include "child.h"
#include "errors.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "lacking_calls.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;
using sys::Call;
using sys::Event;
using test::error_of;
using test::Lacking;
using test::makes_unnamed;
using test::read_file;
using test::result_of_child;
using test::TempDir;
using test::write_file;

constexpr uid_t kOther = 1234;
constexpr gid_t kGroup = 5678;
constexpr int kNoMount = 77;

std::vector<std::string> save(const fs::path& path, std::string_view content, const PublishOptions& options = {}) {
  Publication file(path, options);
  file.write(as_bytes(content));
  file.publish();
  return file.notes();
}

struct stat status_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0);
  return status;
}

mode_t mode_of(const fs::path& path) { return status_of(path).st_mode & 07777; }

class OddMount : public ::testing::Test {
 protected:
  OddMount() : umask_(::umask(022)) {}
  ~OddMount() override { ::umask(umask_); }
  fs::path path() const { return dir_ / "f"; }
  TempDir dir_;

 private:
  mode_t umask_;
};

TEST_F(OddMount, NeverSetsTheModeThatTheFileHasAlready) {
  write_file(path(), "old");
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  int asked = 0;
  const Lacking mount([&](const Event& event) { return event.call == Call::chmod ? (++asked, EPERM) : 0; });
  for (const bool unnamed : {true, false}) {
    EXPECT_TRUE(save(path(), "new", {.unnamed = unnamed}).empty());
    EXPECT_EQ(read_file(path()), "new");
    EXPECT_EQ(mode_of(path()), 0644U);
  }
  EXPECT_EQ(asked, 0);
}

TEST_F(OddMount, SavesWithFewerRightsWhereTheModeCannotBeSetAndSaysSo) {
  const Lacking mount([](const Event& event) { return event.call == Call::chmod ? EPERM : 0; });
  for (const bool unnamed : {true, false}) {
    fs::remove(path());
    write_file(path(), "old");
    ASSERT_EQ(::chmod(path().c_str(), 0640), 0);
    EXPECT_EQ(save(path(), "new", {.unnamed = unnamed}),
              std::vector<std::string>{"its mode could not be kept: Operation not permitted"});
    EXPECT_EQ(read_file(path()), "new");
    EXPECT_EQ(mode_of(path()), 0600U);
  }
}

TEST_F(OddMount, RefusesAModeThatItCannotNarrow) {
  const Lacking mount([](const Event& event) { return event.call == Call::chmod ? EPERM : 0; });
  Publication file(path(), {});
  write_file(path(), "secret");  // meanwhile
  ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { file.publish(); }).os_error(), EPERM);
  EXPECT_EQ(read_file(path()), "secret");
}

TEST_F(OddMount, SavesWhereThereIsNoSyncUnlessTheSaveIsToLast) {
  for (const int os_error : {EINVAL, EOPNOTSUPP, ENOSYS}) {
    write_file(path(), "old");
    const Lacking mount([&](const Event& event) { return event.call == Call::sync ? os_error : 0; });
    EXPECT_EQ(error_of([&] { save(path(), "lasting", {.durable = true}); }).os_error(), os_error);
    EXPECT_EQ(read_file(path()), "old");
    EXPECT_TRUE(save(path(), "new").empty());
    EXPECT_EQ(read_file(path()), "new");
  }
  const Lacking broken([&](const Event& event) { return event.call == Call::sync ? EIO : 0; });
  EXPECT_EQ(error_of([&] { save(path(), "lost"); }).os_error(), EIO);
  EXPECT_EQ(read_file(path()), "new");
}

TEST_F(OddMount, ForgivesAFolderThatCannotBeSynced) {
  for (const int os_error : {EINVAL, EOPNOTSUPP, ENOSYS}) {
    const Lacking mount([&](const Event& event) {
      struct stat status {};
      const bool folder = ::fstat(event.file, &status) == 0 && S_ISDIR(status.st_mode);
      return event.call == Call::sync && folder ? os_error : 0;
    });
    save(path(), std::to_string(os_error), {.durable = true});
    EXPECT_EQ(read_file(path()), std::to_string(os_error));
  }
}

// FUSE, 9p and some network mounts have no unnamed files, no links, and no renames that never replace a file.
int lacks_new_names(const Event& event) {
  if (makes_unnamed(event)) return EOPNOTSUPP;
  if (event.call == Call::link) return EPERM;
  return event.call == Call::rename && event.flags != 0 ? EINVAL : 0;
}

TEST_F(OddMount, CreatesANewFileWithoutLinksAndRenamesThatReplaceNothing) {
  const Lacking mount(lacks_new_names);
  for (const bool create_new : {true, false}) {
    fs::remove(path());
    save(path(), "new", {.create_new = create_new});
    EXPECT_EQ(read_file(path()), "new");
    EXPECT_EQ(mode_of(path()), 0644U);
    EXPECT_EQ(dir_.count(), 1U);
  }
  EXPECT_EQ(error_of([&] { save(path(), "again", {.create_new = true}); }).os_error(), EEXIST);
}

TEST_F(OddMount, NeverReplacesAFileThatAnotherMadeMeanwhile) {
  const Lacking mount([&](const Event& event) {
    if (event.call == Call::link) write_file(path(), "another's");
    return lacks_new_names(event);
  });
  EXPECT_EQ(error_of([&] { save(path(), "mine", {.create_new = true}); }).os_error(), EEXIST);
  EXPECT_EQ(read_file(path()), "another's");
  EXPECT_EQ(dir_.count(), 1U);
}

TEST_F(OddMount, OnlyOneOfManyCreatesANewFile) {
  const Lacking mount(lacks_new_names);
  for (int round = 0; round < 20; ++round) {
    fs::remove(path());
    std::vector<std::thread> threads;
    std::vector<char> created(4);
    for (std::size_t i = 0; i < created.size(); ++i) {
      threads.emplace_back([&, i] {
        const Error error = error_of([&] { save(path(), std::to_string(i), {.create_new = true}); });
        created[i] = error.os_error() != EEXIST;
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(std::count(created.begin(), created.end(), 1), 1) << round;
    ASSERT_EQ(created[std::stoul(read_file(path()))], 1) << round;
    ASSERT_EQ(dir_.count(), 1U);
  }
}

TEST_F(OddMount, TakesItsClaimBackWhereTheRenameFails) {
  bool claimed = false;
  const Lacking mount([&](const Event& event) {
    claimed = claimed || (event.call == Call::link);
    if (event.call == Call::rename && claimed) return event.flags != 0 ? EINVAL : EIO;
    return lacks_new_names(event);
  });
  EXPECT_EQ(error_of([&] { save(path(), "new", {.create_new = true}); }).os_error(), EIO);
  EXPECT_EQ(dir_.count(), 0U);
}

TEST_F(OddMount, CopiesAnUnnamedFileThatCannotBeLinked) {
  const Lacking mount([](const Event& event) { return event.call == Call::link ? EPERM : 0; });
  std::string content(3'000'001, 'x');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i % 251);
  save(path(), content, {.create_new = true});
  EXPECT_EQ(read_file(path()), content);
  ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
  save(path(), "new");
  EXPECT_EQ(read_file(path()), "new");
  EXPECT_EQ(mode_of(path()), 0600U);
  EXPECT_EQ(dir_.count(), 1U);
}

TEST_F(OddMount, RefusesBeforeTheFirstByteWhereNothingCanBeRenamed) {
  write_file(path(), "old");
  const Lacking mount([](const Event& event) {
    if (makes_unnamed(event)) return EOPNOTSUPP;
    return event.call == Call::link || event.call == Call::rename ? ENOSYS : 0;
  });
  const Error error = error_of([&] { Publication(path(), {}); });
  EXPECT_EQ(error.os_error(), ENOSYS);
  EXPECT_STREQ(error.rule(), "write.inplace");
  EXPECT_EQ(error_of([&] { Publication(dir_ / "new", {}); }).os_error(), ENOSYS);
  EXPECT_EQ(read_file(path()), "old");
  EXPECT_EQ(dir_.count(), 1U);
}

TEST_F(OddMount, RefusesAMountedFileBeforeTheFirstByte) {
  write_file(dir_ / "real", "old");
  write_file(path(), "");
  const int result = result_of_child([&] {
    if (::unshare(CLONE_NEWNS) != 0) return kNoMount;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kNoMount;
    if (::mount((dir_ / "real").c_str(), path().c_str(), nullptr, MS_BIND, nullptr) != 0) return kNoMount;
    const Error error = error_of([&] { Publication(path(), {}); });
    if (error.os_error() != EBUSY || std::string(error.rule()) != "write.inplace") return 1;
    if (error_of([&] { check_output(path(), true); }).os_error() != EBUSY) return 2;
    return read_file(path()) == "old" ? 0 : 3;
  });
  if (result == kNoMount) GTEST_SKIP() << "no right to mount a file";
  EXPECT_EQ(result, 0);
}

TEST_F(OddMount, RefusesAnothersFileInAStickyFolderBeforeTheFirstByte) {
  if (::getuid() != 0) GTEST_SKIP() << "only root makes files of other users";
  write_file(path(), "old");
  ASSERT_EQ(::chmod(path().c_str(), 0666), 0);
  ASSERT_EQ(::chmod(dir_.path().c_str(), 01777), 0);
  const int result = result_of_child([&] {
    if (::setgid(kGroup) != 0 || ::setuid(kOther) != 0) return 1;
    const Error error = error_of([&] { Publication(path(), {}); });
    if (error.os_error() != EPERM || std::string(error.rule()) != "write.inplace") return 2;
    save(dir_ / "own", "one");
    save(dir_ / "own", "two");
    return 0;
  });
  EXPECT_EQ(result, 0);
  EXPECT_EQ(read_file(path()), "old");
}

TEST_F(OddMount, ChecksAnOutputBeforeAnythingIsRead) {
  write_file(path(), "old");
  fs::create_directory(dir_ / "folder");
  EXPECT_STREQ(error_of([&] { check_output(path(), false); }).rule(), "write.exists");
  EXPECT_EQ(error_of([&] { check_output(path(), false); }).os_error(), EEXIST);
  EXPECT_NO_THROW(check_output(path(), true));
  EXPECT_NO_THROW(check_output(dir_ / "new", false));
  for (const bool overwrite : {false, true}) {
    EXPECT_EQ(error_of([&] { check_output(dir_ / "folder", overwrite); }).os_error(), EISDIR);
    EXPECT_EQ(error_of([&] { check_output(dir_ / "none" / "f", overwrite); }).os_error(), ENOENT);
    EXPECT_EQ(error_of([&] { check_output("", overwrite); }).os_error(), ENOENT);
    EXPECT_STREQ(error_of([&] { check_output("/dev/null", overwrite); }).rule(), "write.regular");
  }
}

// An access list as the system stores it: a version, and (tag, rights, id) of each entry.
std::string access_list(mode_t group, mode_t user, mode_t mask) {
  std::string list("\2\0\0\0", 4);
  const auto add = [&](std::uint16_t tag, mode_t rights, std::uint32_t id) {
    for (const std::uint16_t field : {tag, static_cast<std::uint16_t>(rights)}) {
      list += static_cast<char>(field & 0xFF);
      list += static_cast<char>(field >> 8);
    }
    for (int shift = 0; shift < 32; shift += 8) list += static_cast<char>(id >> shift & 0xFF);
  };
  add(0x01, 6, ~0U);        // the owner
  add(0x02, user, kOther);  // a user
  add(0x04, group, ~0U);
  add(0x10, mask, ~0U);
  add(0x20, 0, ~0U);  // others
  return list;
}

std::string attribute(const fs::path& path, const char* name) {
  char value[256];
  const ssize_t length = ::getxattr(path.c_str(), name, value, sizeof value);
  return length < 0 ? "none" : std::string(value, static_cast<std::size_t>(length));
}

class Traits : public OddMount {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "only root makes files of other users";
    write_file(path(), "old");
    ASSERT_EQ(::chown(path().c_str(), kOther, kGroup), 0);
    ASSERT_EQ(::chmod(path().c_str(), 0640), 0);
  }
};

TEST_F(Traits, OfAReplacedFileAreKept) {
  const bool attributes = ::setxattr(path().c_str(), "user.note", "1", 1, 0) == 0;
  for (const mode_t mode : {0640U, 0444U, 0600U, 0664U}) {
    ASSERT_EQ(::chmod(path().c_str(), mode), 0);
    for (const bool unnamed : {true, false}) {
      EXPECT_TRUE(save(path(), "new", {.unnamed = unnamed}).empty());
      EXPECT_EQ(status_of(path()).st_uid, kOther);
      EXPECT_EQ(status_of(path()).st_gid, kGroup);
      EXPECT_EQ(mode_of(path()), mode);
      EXPECT_EQ(attribute(path(), "user.note"), attributes ? "1" : "none");
    }
  }
}

TEST_F(Traits, ThatCannotBeKeptAreToldAndCostRights) {
  ::setxattr(path().c_str(), "user.note", "1", 1, 0);
  const Lacking user([](const Event& event) { return event.call == Call::chown ? EPERM : 0; });
  EXPECT_EQ(save(path(), "new"),
            (std::vector<std::string>{"its owner 1234 could not be kept: Operation not permitted",
                                      "its group 5678 could not be kept: Operation not permitted"}));
  EXPECT_EQ(read_file(path()), "new");
  EXPECT_EQ(mode_of(path()), 0600U) << "the group is another now";
}

TEST_F(Traits, OfAttributesThatTheMountCannotHoldAreTold) {
  if (::setxattr(path().c_str(), "user.note", "1", 1, 0) != 0) GTEST_SKIP() << "no attributes in this folder";
  const Lacking mount([](const Event& event) { return event.call == Call::attribute ? ENOTSUP : 0; });
  EXPECT_EQ(save(path(), "new"),
            std::vector<std::string>{"its attribute user.note could not be kept: Operation not supported"});
  EXPECT_EQ(mode_of(path()), 0640U);
}

TEST_F(Traits, OfAnAccessListAreKeptOrCostTheRightsThatItLimited) {
  constexpr const char* kList = "system.posix_acl_access";
  const std::string list = access_list(0, 4, 4);
  if (::setxattr(path().c_str(), kList, list.data(), list.size(), 0) != 0) GTEST_SKIP() << "no access lists here";
  EXPECT_TRUE(save(path(), "new").empty());
  EXPECT_EQ(attribute(path(), kList), list);
  EXPECT_EQ(mode_of(path()), 0640U);
  const Lacking mount([](const Event& event) { return event.call == Call::attribute ? ENOTSUP : 0; });
  EXPECT_EQ(save(path(), "newer"),
            std::vector<std::string>{"its access list could not be kept: Operation not supported"});
  EXPECT_EQ(mode_of(path()), 0600U) << "the list gave the group nothing";
}

TEST_F(Traits, AreNotThoseOfTheFoldersAccessList) {
  const std::string list = access_list(7, 7, 7);
  if (::setxattr(dir_.path().c_str(), "system.posix_acl_default", list.data(), list.size(), 0) != 0) {
    GTEST_SKIP() << "no access lists here";
  }
  for (const bool unnamed : {true, false}) {
    EXPECT_TRUE(save(path(), "new", {.unnamed = unnamed}).empty());
    EXPECT_EQ(attribute(path(), "system.posix_acl_access"), "none");
    EXPECT_EQ(mode_of(path()), 0640U);
  }
}

TEST_F(Traits, AtNoMomentLetOthersInThanTheOldFileDid) {
  std::size_t seen = 0;
  const Lacking watch([&](const Event&) {
    for (const fs::directory_entry& entry : fs::directory_iterator(dir_.path())) {
      if (entry.path() == path()) continue;
      const struct stat status = status_of(entry.path());
      ++seen;
      const mode_t refused = status.st_gid == kGroup ? 007 : 077;
      EXPECT_EQ(status.st_mode & refused, 0U) << std::oct << status.st_mode;
    }
    return 0;
  });
  for (const bool unnamed : {true, false}) save(path(), "new", {.unnamed = unnamed});
  EXPECT_GT(seen, 3U);
}

}  // namespace
}  // namespace zt::io
