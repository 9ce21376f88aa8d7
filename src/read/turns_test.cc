#include "read/turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "many_threads.h"
#include "random.h"

namespace zt::read {
namespace {

// Each thread brings pieces in a random order, so that some wait for their turn.
TEST(ThreadsTurns, TheDigestIsThatOfThePiecesInOrder) {
  constexpr std::size_t kPieces = 64;
  constexpr std::size_t kLength = 5000;
  test::Random random(41);
  SCOPED_TRACE(random.name());
  const std::vector<std::byte> bytes = random.bytes(kPieces * kLength);
  for (const Checksum checksum : {Checksum::crc32c, Checksum::xxh3}) {
    hash::RunningDigest expected(checksum);
    expected.update(bytes);
    const hash::Digest whole = expected.finish();
    for (int round = 0; round < 10; ++round) {
      std::vector<std::size_t> order(kPieces);
      std::iota(order.begin(), order.end(), std::size_t{0});
      for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
      DigestInTurn digest(checksum);
      test::together(4, [&](std::size_t thread) {
        for (std::size_t i = thread; i < kPieces; i += 4) {
          digest.bring(order[i], std::span(bytes).subspan(order[i] * kLength, kLength));
        }
      });
      EXPECT_EQ(digest.finish(), whole);
    }
  }
}

}  // namespace
}  // namespace zt::read
