#include "io/growth.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/utf8.h"
#include "container/zt12.h"
#include "grown_file.h"
#include "io/file.h"
#include "io/publish.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;
using test::Contents;
using test::Faults;
using test::read_file;
using test::TempDir;
using test::write_file;

template <class Work>
Error error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return {Code::internal, "", "nothing was thrown"};
}

struct Case {
  Tail tail;
  bool durable;
  std::uint64_t hop_limit;
  const char* name;
};

std::ostream& operator<<(std::ostream& out, const Case& tested) { return out << tested.name; }

// Each law holds for both generations, whatever is synced, and however often a 1.2 manifest has to move.
class Grow : public ::testing::TestWithParam<Case> {
 protected:
  GrowthOptions options() const { return {GetParam().durable, GetParam().hop_limit}; }
  Tail tail() const { return GetParam().tail; }
  fs::path path() const { return dir_ / "f"; }
  void make(const Contents& contents) { write_file(path(), test::make_file(tail(), contents)); }
  void append(const Contents& added) { test::append(path(), tail(), options(), added); }
  Contents read() const { return test::read_contents(tail(), path()); }
  TempDir dir_;
};

constexpr std::uint64_t kFar = std::uint64_t{256} << 20;
INSTANTIATE_TEST_SUITE_P(Files, Grow,
                         ::testing::Values(Case{Tail::manifest_size, false, kFar, "Sized"},
                                           Case{Tail::manifest_size, true, kFar, "SizedDurable"},
                                           Case{Tail::manifest_size, false, 700, "SizedHops"},
                                           Case{Tail::manifest_size, true, 700, "SizedHopsDurable"},
                                           Case{Tail::manifest_size, false, 5000, "SizedHopsFar"},
                                           Case{Tail::footer40, false, kFar, "Footer"},
                                           Case{Tail::footer40, true, kFar, "FooterDurable"}),
                         [](const auto& tested) { return tested.param.name; });

Contents one() { return {{"a", std::string(100, 'a')}}; }

Contents some() {
  return {{"b", std::string(5000, 'b')}, {"c", ""}, {"d", "d"}, {"e", std::string(12'000, 'e')}, {"f", "ff"}};
}

Contents both(Contents first, const Contents& second) {
  first.insert(second.begin(), second.end());
  return first;
}

TEST_P(Grow, AddsWhatWasWritten) {
  const Faults quick;
  make(one());
  append(some());
  EXPECT_EQ(read(), both(one(), some()));
  append({{"g", "gg"}});
  EXPECT_EQ(read(), both(both(one(), some()), {{"g", "gg"}}));
}

TEST_P(Grow, IsOldOrNewAtEachSystemCall) {
  make(one());
  const std::string old = read_file(path());
  const Contents grown = both(one(), some());
  Faults faults;
  bool was_new = false;
  faults.watch = [&](const sys::Event&) {
    const Contents now = read();
    if (now == grown) was_new = true;
    EXPECT_EQ(now, was_new ? grown : one());
    EXPECT_EQ(read_file(path()).substr(0, old.size()), old);
  };
  append(some());
  EXPECT_TRUE(was_new);
}

TEST_P(Grow, ExtendsAndCommitsWithinOnePage) {
  make(one());
  Faults faults;
  std::size_t looked = 0;
  faults.watch = [&](const sys::Event& event) {
    if (event.call != sys::Call::pwrite) return;
    ++looked;
    const std::uint64_t size = fs::file_size(path());
    const std::uint64_t past = event.offset + event.bytes.size();
    if (past > size || event.bytes.size() == 8) {
      EXPECT_EQ(event.offset / 4096, (past - 1) / 4096) << event.offset;
      EXPECT_EQ(event.offset / 512, (past - 1) / 512) << event.offset;
    }
  };
  append(some());
  EXPECT_GT(looked, 4u);
}

TEST_P(Grow, IsOldOrNewWhereverItIsKilledAndGrowsOn) {
  const std::string old = test::make_file(tail(), one());
  const Contents grown = both(one(), some());
  std::size_t at = 0;
  for (bool hit = true; hit; ++at) {
    write_file(path(), old);
    {
      Faults faults(Faults::Kind::die, at);
      try {
        append(some());
      } catch (const Error&) {}
      hit = faults.hit();
    }
    const Contents left = read();
    ASSERT_TRUE(left == one() || left == grown) << at;
    if (left == grown && hit) continue;
    // Killed once more, and then not.
    for (std::size_t again = 3; again < 40; again += 4) {
      Faults faults(Faults::Kind::die, again);
      try {
        append({{"x", std::string(9'000, 'x')}});
      } catch (const Error&) {}
      if (!faults.hit()) break;
      const Contents now = read();
      ASSERT_TRUE(now == left || now.count("x") == 1) << at << ' ' << again;
      if (now.count("x") == 1) break;
    }
    const Contents before = read();
    const Faults quick;
    append({{"z", "zz"}});
    ASSERT_EQ(read(), both(before, {{"z", "zz"}})) << at;
  }
  EXPECT_GT(at, 8u);
}

TEST_P(Grow, IsTakenBackWhereverACallFails) {
  const std::string old = test::make_file(tail(), one());
  for (const Faults::Kind kind : {Faults::Kind::fail, Faults::Kind::short_fail}) {
    for (const int os_error : {ENOSPC, EIO}) {
      bool hit = true;
      for (std::size_t at = 0; hit; ++at) {
        write_file(path(), old);
        bool threw = false;
        {
          Faults faults(kind, at, os_error);
          try {
            append(some());
          } catch (const Error& error) {
            threw = true;
            EXPECT_EQ(error.code(), Code::io);
            EXPECT_EQ(error.os_error(), os_error);
          }
          hit = faults.hit();
        }
        if (threw && read_file(path()) != old) {
          // Only the sync of what is published already comes too late to take anything back.
          ASSERT_TRUE(GetParam().durable);
          ASSERT_EQ(read(), both(one(), some()));
        }
        if (!threw) {
          ASSERT_EQ(read(), both(one(), some()));
        }
        const Faults quick;
        append({{"z", "zz"}});
        ASSERT_EQ(read().count("z"), 1u);
      }
    }
  }
}

}  // namespace
}  // namespace zt::io
