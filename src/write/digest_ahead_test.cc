#include "write/digest_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "child.h"
#include "hash/crc32c.h"
#include "random.h"

namespace zt::write {
namespace {

using Span = std::span<const std::byte>;

constexpr std::size_t kLengths[] = {
    0, 1, DigestAhead::kPiece, DigestAhead::kPiece + 1, DigestAhead::kLead, 2 * DigestAhead::kLead + 5};

TEST(ThreadsDigestAhead, TakesAllBytesOnceAndInOrder) {
  DigestThread thread;
  for (const std::size_t length : kLengths) {
    const std::vector<std::byte> bytes = test::Random(1).bytes(length);
    for (const std::size_t step : {std::size_t{100'000}, DigestAhead::kPiece, std::size_t{1} << 20, length + 1}) {
      std::uint32_t crc = 0;
      DigestAhead ahead(thread, bytes, [&](Span piece) { crc = hash::crc32c(piece, crc); });
      for (std::size_t done = 0; done < length;) {
        done = std::min(length, done + step);
        ahead.passed(done);
      }
      ahead.finish();
      EXPECT_EQ(crc, hash::crc32c(bytes)) << length << " in steps of " << step;
    }
  }
}

TEST(ThreadsDigestAhead, FinishTakesWhatWasNotPassed) {
  DigestThread thread;
  const std::vector<std::byte> bytes = test::Random(2).bytes(3 * DigestAhead::kLead);
  std::uint32_t crc = 0;
  DigestAhead ahead(thread, bytes, [&](Span piece) { crc = hash::crc32c(piece, crc); });
  ahead.finish();
  EXPECT_EQ(crc, hash::crc32c(bytes));
}

TEST(ThreadsDigestAhead, GoesAheadByItsLeadAndNoFurther) {
  DigestThread thread;
  const std::vector<std::byte> bytes(3 * DigestAhead::kLead);
  std::atomic<std::size_t> taken = 0;
  DigestAhead ahead(thread, bytes, [&](Span piece) { taken += piece.size(); });
  while (taken < DigestAhead::kLead) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(taken, DigestAhead::kLead);
  ahead.passed(DigestAhead::kLead);
  while (taken < 2 * DigestAhead::kLead) std::this_thread::yield();
}

TEST(ThreadsDigestAhead, MayBeDroppedAtAnyTime) {
  DigestThread thread;
  const std::vector<std::byte> bytes(2 * DigestAhead::kLead);
  for (std::size_t passed = 0; passed < bytes.size(); passed += 3 * DigestAhead::kPiece) {
    DigestAhead ahead(thread, bytes, [](Span) {});
    ahead.passed(passed);
  }
}

TEST(ThreadsDigestAhead, AFaultIsThrownAtTheEndAndNotLater) {
  DigestThread thread;
  const std::vector<std::byte> bytes(DigestAhead::kLead);
  {
    DigestAhead ahead(thread, bytes, [](Span) { throw std::runtime_error("broken"); });
    ahead.passed(DigestAhead::kPiece);
    EXPECT_THROW(ahead.finish(), std::runtime_error);
  }
  std::size_t taken = 0;
  DigestAhead ahead(thread, bytes, [&](Span piece) { taken += piece.size(); });
  ahead.finish();
  EXPECT_EQ(taken, bytes.size());
}

TEST(ThreadsDigestAhead, AThreadThatEndedStartsAgain) {
  DigestThread thread;
  thread.end();
  const std::vector<std::byte> bytes(DigestAhead::kLead);
  for (int round = 0; round < 3; ++round) {
    std::atomic<std::size_t> taken = 0;
    {
      DigestAhead ahead(thread, bytes, [&](Span piece) { taken += piece.size(); });
      while (taken < bytes.size()) std::this_thread::yield();
      ahead.finish();
    }
    thread.end();
  }
}

// A forked child has a copy of the object, and no second thread.
TEST(ThreadsDigestAhead, AChildMayDropItsCopy) {
  ZT_POSIX_ONLY("fork");
  const std::vector<std::byte> bytes(DigestAhead::kLead);
  auto thread = std::make_unique<DigestThread>();
  DigestAhead(*thread, bytes, [](Span) {}).finish();
  EXPECT_TRUE(test::in_child([&] {
    thread.reset();
    return true;
  }));
}

}  // namespace
}  // namespace zt::write
