#include <cerrno>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "io/publish.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;
using test::Faults;
using test::read_file;
using test::TempDir;
using test::write_file;

// Stops a save at each of its system calls: for unnamed and named files, and for new files and files that replace
// another.
class PublishCrash : public ::testing::TestWithParam<std::tuple<bool, bool, bool>> {
 protected:
  PublishOptions options() const { return {.durable = std::get<2>(GetParam()), .unnamed = std::get<0>(GetParam())}; }
  bool replaces() const { return std::get<1>(GetParam()); }
  fs::path path() const { return dir_ / "f"; }

  void prepare() {
    fs::remove(path());
    if (replaces()) write_file(path(), "old");
  }
  // Whether the save reached its end.
  bool save(const std::string& content) {
    try {
      Publication file(path(), options());
      file.write(as_bytes(content).first(content.size() / 2));
      file.write(as_bytes(content).subspan(content.size() / 2));
      file.publish();
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::io);
      return false;
    }
  }
  std::string read() const { return fs::exists(path()) ? read_file(path()) : "none"; }
  std::string old() const { return replaces() ? "old" : "none"; }
  std::size_t old_count() const { return replaces() ? 1 : 0; }
  TempDir dir_;
};

std::string name_of(const ::testing::TestParamInfo<std::tuple<bool, bool, bool>>& tested) {
  const auto [unnamed, replaces, durable] = tested.param;
  return std::string(unnamed ? "Unnamed" : "Named") + (replaces ? "Replacing" : "New") + (durable ? "Durable" : "");
}

INSTANTIATE_TEST_SUITE_P(Files, PublishCrash,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool(), ::testing::Bool()), name_of);

TEST_P(PublishCrash, LeavesTheOldFileOrTheNewOneWhereverItIsKilled) {
  bool hit = true;
  std::size_t at = 0;
  for (; hit; ++at) {
    prepare();
    {
      const Faults faults(Faults::Kind::die, at);
      save("new content");
      hit = faults.hit();
    }
    ASSERT_TRUE(read() == old() || read() == "new content") << at << ": " << read();
    ASSERT_LE(dir_.count(), 2u) << at;  // at most one name is left behind
    const Faults quick;
    ASSERT_TRUE(save("next content"));
    ASSERT_EQ(read(), "next content");
    // The next save that searches the folder removes the files that were left behind.
    ASSERT_TRUE(save("last content"));
    ASSERT_EQ(read(), "last content");
    ASSERT_EQ(dir_.count(), 1u) << at;
  }
  EXPECT_GT(at, 4u);
}

TEST_P(PublishCrash, LeavesNothingElseWhereverACallFails) {
  for (const Faults::Kind kind : {Faults::Kind::fail, Faults::Kind::short_fail}) {
    for (const int os_error : {ENOSPC, EIO}) {
      bool hit = true;
      for (std::size_t at = 0; hit; ++at) {
        prepare();
        bool saved = false;
        {
          const Faults faults(kind, at, os_error);
          saved = save("new content");
          hit = faults.hit();
        }
        // Only the sync of the folder may fail after the new file is in place.
        const bool late = !saved && options().durable && read() == "new content";
        ASSERT_EQ(read(), saved || late ? "new content" : old()) << at;
        ASSERT_LE(dir_.count(), read() == "none" ? 0u : 1u) << at;
      }
    }
  }
}

}  // namespace
}  // namespace zt::io
