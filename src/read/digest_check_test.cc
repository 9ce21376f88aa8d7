#include "read/digest_check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hash/running.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

using Bytes = std::vector<std::byte>;

const Bytes kBytes = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}};

std::string digest_of(Checksum algorithm) {
  hash::RunningDigest digest(algorithm);
  digest.update(kBytes);
  return hash::format_digest(digest.finish());
}

// Two pieces, the second one first, and then the last byte.
std::string rule_of(DigestCheck& check) {
  try {
    check.expect(2);
    check.take(1, std::span(kBytes).subspan(1, 3));
    check.take(0, std::span(kBytes).first(1));
    check.append(std::span(kBytes).last(1));
    check.finish();
    return "";
  } catch (const Error& error) {
    return error.rule();
  }
}

TEST(DigestCheck, TakesPiecesInAnyOrderAndWhatLiesBehindThem) {
  for (const Checksum algorithm : {Checksum::crc32c, Checksum::sha256}) {
    const std::string text = digest_of(algorithm);
    DigestCheck right({nullptr, {}, text}, Verify::always, false);
    EXPECT_TRUE(right.is_on());
    EXPECT_FALSE(right.over_decoded());
    EXPECT_EQ(right.needs_order(), algorithm == Checksum::sha256);
    EXPECT_EQ(rule_of(right), "");
  }
  const std::string text = digest_of(Checksum::xxh3);
  DigestCheck right({nullptr, {}, text, {}, true}, Verify::standard, false);
  EXPECT_TRUE(right.over_decoded());
  EXPECT_EQ(rule_of(right), "");
  DigestCheck wrong({nullptr, {}, "xxh3:0000000000000001", {}, true}, Verify::standard, false);
  EXPECT_EQ(rule_of(wrong), "digest.mismatch");
}

TEST(DigestCheck, IsOffWhereNothingIsWantedOrKnown) {
  const auto is_on = [](std::string_view text, Verify verify, bool decoded) {
    return DigestCheck({nullptr, {}, text, {}, decoded}, verify, true).is_on();
  };
  EXPECT_FALSE(is_on("", Verify::always, false));
  EXPECT_FALSE(is_on("md5:00", Verify::always, false));
  EXPECT_FALSE(is_on("crc32c:0x00000001", Verify::always, true)) << "not a digest of generation 2";
  EXPECT_FALSE(is_on("crc32c:0x00000001", Verify::never, false));
  EXPECT_TRUE(is_on("crc32c:0x00000001", Verify::standard, false));
  EXPECT_FALSE(is_on(digest_of(Checksum::sha256), Verify::standard, true));
}

}  // namespace
}  // namespace zt::read
