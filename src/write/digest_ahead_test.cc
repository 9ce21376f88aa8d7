#include "write/digest_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "hash/crc32c.h"
#include "random.h"

namespace zt::write {
namespace {

using Span = std::span<const std::byte>;

constexpr std::size_t kLengths[] = {
    0, 1, DigestAhead::kPiece, DigestAhead::kPiece + 1, DigestAhead::kLead, 2 * DigestAhead::kLead + 5};

TEST(ThreadsDigestAhead, TakesAllBytesOnceAndInOrder) {
  for (const std::size_t length : kLengths) {
    const std::vector<std::byte> bytes = test::Random(1).bytes(length);
    for (const std::size_t step : {std::size_t{100'000}, DigestAhead::kPiece, std::size_t{1} << 20, length + 1}) {
      std::uint32_t crc = 0;
      DigestAhead ahead(bytes, [&](Span piece) { crc = hash::crc32c(piece, crc); });
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
  const std::vector<std::byte> bytes = test::Random(2).bytes(3 * DigestAhead::kLead);
  std::uint32_t crc = 0;
  DigestAhead ahead(bytes, [&](Span piece) { crc = hash::crc32c(piece, crc); });
  ahead.finish();
  EXPECT_EQ(crc, hash::crc32c(bytes));
}

TEST(ThreadsDigestAhead, GoesAheadByItsLeadAndNoFurther) {
  const std::vector<std::byte> bytes(3 * DigestAhead::kLead);
  std::atomic<std::size_t> taken = 0;
  DigestAhead ahead(bytes, [&](Span piece) { taken += piece.size(); });
  while (taken < DigestAhead::kLead) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(taken, DigestAhead::kLead);
  ahead.passed(DigestAhead::kLead);
  while (taken < 2 * DigestAhead::kLead) std::this_thread::yield();
}

TEST(ThreadsDigestAhead, MayBeDroppedAtAnyTime) {
  const std::vector<std::byte> bytes(2 * DigestAhead::kLead);
  for (std::size_t passed = 0; passed < bytes.size(); passed += 3 * DigestAhead::kPiece) {
    DigestAhead ahead(bytes, [](Span) {});
    ahead.passed(passed);
  }
}

TEST(ThreadsDigestAhead, AFaultOfTheSecondThreadIsThrownAtTheEnd) {
  const std::vector<std::byte> bytes(DigestAhead::kLead);
  DigestAhead ahead(bytes, [](Span) { throw std::runtime_error("broken"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THROW(ahead.finish(), std::runtime_error);
}

}  // namespace
}  // namespace zt::write
