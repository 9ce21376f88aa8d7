#include "io/system.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "io/descriptor.h"
#include "many_threads.h"
#include "power_loss.h"
#include "system_faults.h"
#include "temp_dir.h"

namespace zt::io {
namespace {

using sys::Call;
using test::Faults;
using test::PowerLoss;
using test::read_file;
using test::TempDir;

class System : public ::testing::Test {
 protected:
  Descriptor create(const char* name) {
    return Descriptor(sys::openat(AT_FDCWD, (dir_ / name).c_str(), O_CREAT | O_RDWR, 0600));
  }
  TempDir dir_;
};

TEST_F(System, DoesWhatTheSystemDoesWithoutAHook) {
  const Descriptor file = create("f");
  ASSERT_TRUE(file);
  EXPECT_EQ(sys::write(file.get(), "abcdef", 6), 6);
  EXPECT_EQ(sys::pwrite(file.get(), "xy", 2, 1), 2);
  EXPECT_EQ(sys::ftruncate(file.get(), 5), 0);
  EXPECT_EQ(sys::fsync(file.get()), 0);
  EXPECT_EQ(sys::fdatasync(file.get()), 0);
  EXPECT_EQ(sys::fchmod(file.get(), 0640), 0);
  EXPECT_EQ(sys::flock(file.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(sys::flock(file.get(), LOCK_UN), 0);
  const auto path = [&](const char* name) { return (dir_ / name).native(); };
  EXPECT_EQ(sys::linkat(AT_FDCWD, path("f").c_str(), AT_FDCWD, path("g").c_str()), 0);
  EXPECT_EQ(sys::renameat(AT_FDCWD, path("g").c_str(), AT_FDCWD, path("h").c_str()), 0);
  EXPECT_EQ(sys::unlinkat(AT_FDCWD, path("h").c_str()), 0);
  EXPECT_EQ(read_file(dir_ / "f"), "axyde");
  EXPECT_EQ(dir_.count(), 1u);
  EXPECT_EQ(sys::pwrite(file.get(), "x", 1, ~std::uint64_t{0}), -1);
  EXPECT_EQ(errno, EFBIG);
  EXPECT_EQ(sys::ftruncate(file.get(), ~std::uint64_t{0}), -1);
  EXPECT_EQ(errno, EFBIG);
}

using ThreadsSystem = System;

TEST_F(ThreadsSystem, AHookSeesTheCallsOfAllThreads) {
  Faults faults;
  test::together(4, [&](std::size_t thread) {
    const Descriptor file = create(std::to_string(thread).c_str());
    for (int i = 0; i < 100; ++i) EXPECT_EQ(sys::write(file.get(), "abc", 3), 3);
  });
  EXPECT_EQ(faults.count(), 4U * 101U);
}

TEST_F(System, TellsTheHookWhatIsAboutToBeDone) {
  Faults faults;
  std::vector<Call> calls;
  std::string written;
  faults.watch = [&](const sys::Event& event) {
    calls.push_back(event.call);
    written += std::string(as_text(event.bytes)) + '@' + std::to_string(event.offset) + ' ';
  };
  const Descriptor file = create("f");
  sys::pwrite(file.get(), "ab", 2, 7);
  sys::ftruncate(file.get(), 3);
  sys::flock(file.get(), LOCK_EX);
  sys::flock(file.get(), LOCK_UN);
  EXPECT_EQ(calls, (std::vector{Call::create, Call::pwrite, Call::truncate, Call::lock, Call::unlock}));
  EXPECT_EQ(written, "@0 ab@7 @3 @0 @0 ");
  EXPECT_EQ(faults.count(), 5u);
}

TEST_F(System, FailsOnlyTheCallThatItIsToldTo) {
  const Descriptor file = create("f");
  const Faults faults(Faults::Kind::fail, 1, ENOSPC);
  EXPECT_EQ(sys::write(file.get(), "a", 1), 1);
  EXPECT_EQ(sys::write(file.get(), "b", 1), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(sys::write(file.get(), "c", 1), 1);
  EXPECT_TRUE(faults.hit());
  EXPECT_EQ(read_file(dir_ / "f"), "ac");
}

TEST_F(System, WritesShortBeforeItFails) {
  const Descriptor file = create("f");
  const Faults faults(Faults::Kind::short_fail, 0, EIO);
  EXPECT_EQ(sys::write(file.get(), "abcdef", 6), 3);
  EXPECT_EQ(sys::write(file.get(), "def", 3), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(sys::write(file.get(), "xyz", 3), 3);
  EXPECT_EQ(read_file(dir_ / "f"), "abcxyz");
}

TEST_F(System, DoesNothingAnyMoreAfterDeath) {
  const Descriptor file = create("f");
  const Faults faults(Faults::Kind::die, 1);
  EXPECT_EQ(sys::write(file.get(), "a", 1), 1);
  EXPECT_EQ(sys::write(file.get(), "b", 1), -1);
  EXPECT_EQ(sys::unlinkat(AT_FDCWD, (dir_ / "f").c_str()), -1);
  EXPECT_EQ(sys::ftruncate(file.get(), 0), -1);
  EXPECT_EQ(read_file(dir_ / "f"), "a");
}

TEST_F(System, LosesOnlyWhatWasNotSynced) {
  test::write_file(dir_ / "f", "0123");
  const Descriptor file = create("f");
  PowerLoss power(dir_ / "f");
  sys::pwrite(file.get(), "ab", 2, 0);
  sys::fdatasync(file.get());
  sys::pwrite(file.get(), "x", 1, 3);
  sys::pwrite(file.get(), "y", 1, 5);
  std::vector<std::string> before, after;
  power.each(30, 1, [&](const std::string& content, std::size_t synced) {
    (synced == 0 ? before : after).push_back(content);
  });
  const auto has = [](const std::vector<std::string>& found, const std::string& content) {
    return std::ranges::find(found, content) != found.end();
  };
  EXPECT_TRUE(has(before, "0123"));
  EXPECT_TRUE(has(before, "ab23"));
  EXPECT_FALSE(has(after, "0123"));
  const std::string hole("\0", 1);
  for (const std::string& content :
       {std::string("ab23"), std::string("ab2x"), "ab23" + hole + "y", "ab2x" + hole + "y"}) {
    EXPECT_TRUE(has(after, content)) << content;
  }
  EXPECT_EQ(power.syncs(), 1u);
}

}  // namespace
}  // namespace zt::io
