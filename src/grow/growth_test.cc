#include "grow/growth.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "errors.h"
#include "grown_file.h"
#include "io/publish.h"
#include "posix_only.h"
#include "power_loss.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::grow {
namespace {

namespace fs = std::filesystem;
using test::both;
using test::Contents;
using test::Faults;
using test::one;
using test::PowerLoss;
using test::read_file;
using test::some;
using test::TempDir;
using test::write_file;

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
  Contents read(std::string_view file) const {
    const auto bytes = as_bytes(file);
    return test::read_contents(tail(), MemoryStore(std::vector(bytes.begin(), bytes.end())));
  }
  Contents read() const { return test::read_contents(tail(), path()); }
  TempDir dir_;
};

constexpr std::uint64_t kFar = std::uint64_t{256} << 20;
constexpr Case kDurable[] = {{Tail::manifest_size, true, kFar, "SizedDurable"},
                             {Tail::manifest_size, true, 700, "SizedHopsDurable"},
                             {Tail::footer, true, kFar, "FooterDurable"}};
constexpr Case kQuick[] = {{Tail::manifest_size, false, kFar, "Sized"},
                           {Tail::manifest_size, false, 700, "SizedHops"},
                           {Tail::manifest_size, false, 2500, "SizedHopsFar"},
                           {Tail::footer, false, kFar, "Footer"}};
std::string name_of(const ::testing::TestParamInfo<Case>& tested) { return tested.param.name; }
INSTANTIATE_TEST_SUITE_P(Quick, Grow, ::testing::ValuesIn(kQuick), name_of);
INSTANTIATE_TEST_SUITE_P(Durable, Grow, ::testing::ValuesIn(kDurable), name_of);

class GrowDurable : public Grow {};
INSTANTIATE_TEST_SUITE_P(Files, GrowDurable, ::testing::ValuesIn(kDurable), name_of);

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
  faults.watch = [&](const io::sys::Event&) {
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
  faults.watch = [&](const io::sys::Event& event) {
    if (event.call != io::sys::Call::pwrite) return;
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
    // Killed a second time, and then not.
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
      if (kind == Faults::Kind::short_fail && os_error == EIO) continue;
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
          // Only the last sync, of the published version, comes too late to take anything back.
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

TEST_P(GrowDurable, SurvivesTheLossOfPower) {
  make(one());
  const Contents grown = both(one(), some());
  PowerLoss power(path());
  append(some());
  std::size_t seen = 0;
  power.each(5, 1, [&](const std::string& content, std::size_t synced) {
    const Contents now = read(content);
    // Before the last sync begins, the new version may be there or not. After it, only the new version may be there.
    const bool done = synced == power.syncs();
    ASSERT_TRUE(now == grown || (!done && now == one())) << synced;
    ++seen;
  });
  EXPECT_GT(seen, 150u);
}

TEST_P(GrowDurable, SurvivesTheLossOfPowerOverAFileThatWasKilled) {
  make(one());
  {
    const Faults faults(Faults::Kind::die, 9);
    EXPECT_THROW(append(some()), Error);
  }
  const Contents added = {{"x", std::string(6000, 'x')}, {"y", std::string(301, 'y')}};
  PowerLoss power(path());
  append(added);
  power.each(5, 2, [&](const std::string& content, std::size_t) {
    const Contents now = read(content);
    ASSERT_TRUE(now == one() || now == both(one(), added));
  });
}

TEST_P(Grow, GrowsTwoHundredTimesAndIsWholeAtEachSystemCall) {
  make(one());
  Contents so_far = one();
  Contents next = so_far;
  Faults faults;
  faults.watch = [&](const io::sys::Event&) {
    const Contents now = read();
    ASSERT_TRUE(now == so_far || now == next);
  };
  for (int i = 0; i < 200; ++i) {
    const Contents added = {{"t" + std::to_string(i), std::string(static_cast<std::size_t>(i % 7), 't')}};
    next = both(so_far, added);
    append(added);
    so_far = next;
    ASSERT_EQ(read(), next);
  }
}

TEST_P(Grow, UsesTheHoleOfAKilledAppendAgain) {
  make(one());
  const Faults quick;
  const fs::path whole = dir_ / "whole";
  fs::copy(path(), whole);
  test::append(whole, tail(), options(), some());
  for (int i = 0; i < 20; ++i) {
    const Faults faults(Faults::Kind::die, 7);
    EXPECT_THROW(append(some()), Error);
  }
  append(some());
  EXPECT_EQ(read(), both(one(), some()));
  if (GetParam().hop_limit == kFar) {
    EXPECT_LE(fs::file_size(path()), fs::file_size(whole) + 16'384);
  }
}

TEST_P(Grow, IsTakenBackWhenItIsAbortedOrDropped) {
  make(one());
  const std::string old = read_file(path());
  const Faults quick;
  for (const bool aborted : {true, false}) {
    Growth growth(path(), options());
    growth.begin(tail(), test::live_of(tail(), *growth.store()));
    EXPECT_EQ(growth.place(4096, 10'000) % 4096, 0u);
    growth.write(as_bytes(std::string(15'000, 'x')));
    EXPECT_EQ(read(), one());
    EXPECT_GT(fs::file_size(path()), old.size());
    if (!aborted) continue;
    growth.abort();
    EXPECT_EQ(read_file(path()), old);
    EXPECT_EQ(test::error_of([&] { growth.place(64, 1); }).code(), Code::usage);
    growth.abort();
  }
  EXPECT_EQ(read_file(path()), old);
}

TEST_P(Grow, TakesBackAKilledAppendWithItsOwn) {
  make(one());
  const std::string old = read_file(path());
  {
    const Faults faults(Faults::Kind::die, 8);
    EXPECT_THROW(append(some()), Error);
  }
  if (GetParam().hop_limit < kFar) return;  // the manifest has moved: bytes below it stay
  ASSERT_NE(read_file(path()), old);
  const Faults faults(Faults::Kind::fail, 3);
  EXPECT_THROW(append(some()), Error);
  EXPECT_EQ(read_file(path()), old);
}

TEST_P(Grow, ReadsBackAndForgetsWhatWasWritten) {
  make(one());
  const Faults quick;
  Growth growth(path(), options());
  growth.begin(tail(), test::live_of(tail(), *growth.store()));
  const std::uint64_t at = growth.place(4096, 6);
  growth.write(as_bytes("abc"));
  growth.write(as_bytes("def"));
  std::vector<std::byte> back(4);
  growth.read_back(at + 1, back);
  EXPECT_EQ(as_text(back), "bcde");
  growth.rewind(at + 2);
  growth.write(as_bytes("xy"));
  back.resize(4);
  growth.read_back(at, back);
  EXPECT_EQ(as_text(back), "abxy");
  EXPECT_EQ(test::error_of([&] { growth.rewind(at + 5); }).code(), Code::usage);
  growth.rewind(at);
  EXPECT_EQ(growth.place(64, 1), at);
  growth.write(as_bytes("z"));
  EXPECT_GT(growth.place(4096, 0), at);
  EXPECT_EQ(test::error_of([&] { growth.rewind(at); }).code(), Code::usage);
}

TEST_P(Grow, RefusesASecondWriterAtOnce) {
  make(one());
  {
    const Growth first(path(), options());
    const Error error = test::error_of([&] { Growth(path(), options()); });
    EXPECT_EQ(error.code(), Code::io);
    EXPECT_EQ(error.os_error(), EWOULDBLOCK);
    EXPECT_NE(std::strstr(error.what(), "another writer"), nullptr);
  }
  const Growth second(path(), options());
}

TEST_P(Grow, RefusesToPublishIntoAFileThatWasReplaced) {
  ZT_REPLACES_OPEN_FILES();
  make(one());
  const Faults quick;
  const std::string other = test::make_file(tail(), {{"other", "other"}});
  for (const bool gone : {false, true}) {
    make(one());
    fs::remove(dir_ / "kept");
    fs::create_hard_link(path(), dir_ / "kept");
    const std::string old = read_file(path());
    Faults faults;
    bool replaced = false;
    faults.watch = [&](const io::sys::Event& event) {
      if (event.call != io::sys::Call::pwrite || std::exchange(replaced, true)) return;
      fs::remove(path());
      if (!gone) write_file(path(), other);
    };
    EXPECT_EQ(test::error_of([&] { append(some()); }).code(), Code::usage);
    EXPECT_EQ(fs::exists(path()), !gone);
    if (!gone) {
      EXPECT_EQ(read_file(path()), other);
    }
    EXPECT_EQ(read_file(dir_ / "kept"), old);
    fs::remove(path());
  }
}

TEST_P(Grow, GrowsTheFileThatWasThereWhenTheLockWas) {
  ZT_REPLACES_OPEN_FILES();
  make({{"old", "old"}});
  Faults faults;
  bool replaced = false;
  faults.watch = [&](const io::sys::Event& event) {
    if (event.call != io::sys::Call::lock || std::exchange(replaced, true)) return;
    fs::remove(path());
    make(one());
  };
  append(some());
  EXPECT_EQ(read(), both(one(), some()));
}

TEST_P(Grow, RefusesAVersionThatTheEndDoesNotName) {
  make(one());
  const std::string old = read_file(path());
  const auto refused = [&](auto&& change) {
    Growth growth(path(), options());
    Live live = test::live_of(tail(), *growth.store());
    change(live);
    return test::error_of([&] { growth.begin(tail(), live); }).code();
  };
  EXPECT_EQ(refused([](Live& live) { live.manifest.offset += 1; }), Code::usage);
  EXPECT_EQ(refused([](Live& live) { live.manifest.length = ~std::uint64_t{0}; }), Code::usage);
  EXPECT_EQ(refused([](Live& live) { live.used_end = ~std::uint64_t{0}; }), Code::usage);
  EXPECT_EQ(read_file(path()), old);
  Growth growth(path(), options());
  EXPECT_EQ(test::error_of([&] { growth.place(64, 0); }).code(), Code::usage);
  growth.begin(tail(), test::live_of(tail(), *growth.store()));
  EXPECT_EQ(test::error_of([&] { growth.begin(tail(), test::live_of(tail(), *growth.store())); }).code(), Code::usage);
}

TEST_P(Grow, RefusesWhatNoFileCanHold) {
  make(one());
  const std::string old = read_file(path());
  for (const std::uint64_t bound : {~std::uint64_t{0}, (std::uint64_t{1} << 63) - 2000}) {
    Growth growth(path(), options());
    growth.begin(tail(), test::live_of(tail(), *growth.store()));
    EXPECT_EQ(test::error_of([&] { growth.place(64, bound); }).os_error(), EFBIG);
  }
  EXPECT_EQ(read_file(path()), old);
}

}  // namespace
}  // namespace zt::grow
