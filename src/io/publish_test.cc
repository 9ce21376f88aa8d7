#include "io/publish.h"

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "errors.h"
#include "posix_only.h"
#include "publishing.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;
using test::expect_io;
using test::read_file;
using test::save;
using test::write_file;

class Publish : public test::Publishing {};
INSTANTIATE_TEST_SUITE_P(Files, Publish, ::testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "Unnamed" : "Named"; });

class ThreadsPublish : public Publish {};
INSTANTIATE_TEST_SUITE_P(Files, ThreadsPublish, ::testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "Unnamed" : "Named"; });

TEST_P(Publish, ShowsANewFileOnlyWhenItIsWhole) {
  Publication file(dir_ / "f", options());
  file.write(as_bytes("one "));
  file.write({});
  file.write(as_bytes("two"));
  EXPECT_FALSE(fs::exists(dir_ / "f"));
  file.publish();
  EXPECT_EQ(read_file(dir_ / "f"), "one two");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(Publish, LeavesNoTraceWhenItIsDropped) {
  write_file(dir_ / "old", "old");
  for (const char* name : {"old", "new"}) {
    Publication file(dir_ / name, options());
    file.write(as_bytes("half"));
  }
  EXPECT_EQ(read_file(dir_ / "old"), "old");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(Publish, LeavesReadersOfTheOldFileTheirBytes) {
  ZT_REPLACES_OPEN_FILES();
  write_file(dir_ / "f", "old");
  const auto before = File::open(dir_ / "f");
  const Bytes bytes = before->map(Mapping::shared);
  save(dir_ / "f", "new", options());
  EXPECT_EQ(as_text(bytes.view()), "old");
  EXPECT_EQ(read_file(dir_ / "f"), "new");
}

TEST_P(Publish, DetachesTheTargetFromItsOtherHardLinks) {
  write_file(dir_ / "f", "old");
  fs::create_hard_link(dir_ / "f", dir_ / "other");
  save(dir_ / "f", "new", options());
  EXPECT_EQ(read_file(dir_ / "f"), "new");
  EXPECT_EQ(read_file(dir_ / "other"), "old");
}

TEST_P(Publish, CreateNewRefusesATargetThatExists) {
  write_file(dir_ / "f", "old");
  expect_io(EEXIST, [&] { Publication(dir_ / "f", create_new()); });
  Publication file(dir_ / "g", create_new());
  file.write(as_bytes("ours"));
  write_file(dir_ / "g", "theirs");
  expect_io(EEXIST, [&] { file.publish(); });
  EXPECT_EQ(read_file(dir_ / "g"), "theirs");
  EXPECT_EQ(dir_.count(), 2u);
  save(dir_ / "h", "new", create_new());
  EXPECT_EQ(read_file(dir_ / "h"), "new");
}

TEST_P(Publish, ReplacesAFileThatAppearedMeanwhile) {
  Publication file(dir_ / "f", options());
  file.write(as_bytes("ours"));
  write_file(dir_ / "f", "theirs");
  file.publish();
  EXPECT_EQ(read_file(dir_ / "f"), "ours");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(Publish, CreatesAFileThatDisappearedMeanwhile) {
  write_file(dir_ / "f", "old");
  Publication file(dir_ / "f", options());
  fs::remove(dir_ / "f");
  file.publish();
  EXPECT_EQ(read_file(dir_ / "f"), "");
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(Publish, IsOverAfterItWasPublishedOrMovedAway) {
  Publication file(dir_ / "f", options());
  Publication other = std::move(file);
  EXPECT_EQ(test::error_of([&] { file.write(as_bytes("x")); }).code(), Code::usage);
  other.publish();
  EXPECT_EQ(test::error_of([&] { other.publish(); }).code(), Code::usage);
  EXPECT_EQ(test::error_of([&] { other.write(as_bytes("x")); }).code(), Code::usage);
}

TEST_P(Publish, DurableSavesLikeAnyOther) {
  const PublishOptions durable{.durable = true, .unnamed = GetParam()};
  save(dir_ / "f", "one", durable);
  save(dir_ / "f", "two", durable);
  EXPECT_EQ(read_file(dir_ / "f"), "two");
  sync_file(dir_ / "f");
}

TEST_P(ThreadsPublish, ManySaversOfOneTargetDoNotDisturbEachOther) {
  ZT_REPLACES_OPEN_FILES();
  std::vector<std::thread> threads;
  for (char c = 'a'; c < 'e'; ++c) {
    threads.emplace_back([this, c] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_NO_THROW(save(dir_ / "f", std::string(5000, c), options()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string content = read_file(dir_ / "f");
  EXPECT_EQ(content, std::string(5000, content.at(0)));
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(ThreadsPublish, OnlyOneOfManyCreatesANewFile) {
  std::vector<std::thread> threads;
  std::atomic<int> created{0};
  for (char c = 'a'; c < 'i'; ++c) {
    threads.emplace_back([&, c] {
      const Error error = test::error_of([&] { save(dir_ / "f", std::string(5000, c), create_new()); });
      const bool threw = error.code() != Code::internal;
      EXPECT_EQ(error.os_error(), threw ? EEXIST : 0) << error.what();
      if (!threw) ++created;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(dir_.count(), 1u);
}

TEST_P(Publish, LeavesTheSiblingOfALivingSaverAlone) {
  ZT_REPLACES_OPEN_FILES();
  write_file(dir_ / "f", "old");
  Publication living(dir_ / "f", {.unnamed = false});
  living.write(as_bytes("from the living"));
  save(dir_ / "f", "from another", options());
  EXPECT_EQ(dir_.count(), 2u);
  living.publish();
  EXPECT_EQ(read_file(dir_ / "f"), "from the living");
  EXPECT_EQ(dir_.count(), 1u);
}

}  // namespace
}  // namespace zt::io
