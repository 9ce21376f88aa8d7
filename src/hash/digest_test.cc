#include "hash/digest.h"

#include <gtest/gtest.h>

namespace zt::hash {
namespace {

constexpr std::string_view kAbc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Digest crc(std::uint32_t value) { return {.algorithm = Checksum::crc32c, .crc = value}; }

TEST(ParseDigest, ReadsAllFormsOfACrc) {
  EXPECT_EQ(parse_digest("crc32c:0xE3069283"), crc(0xE3069283));
  EXPECT_EQ(parse_digest("crc32c:0Xe3069283"), crc(0xE3069283));
  EXPECT_EQ(parse_digest("crc32c:0x0000000000000000001f"), crc(0x1F));
  EXPECT_EQ(parse_digest("crc32c:0x+1F"), crc(0x1F));
  EXPECT_EQ(parse_digest("crc32c:0x0"), crc(0));
}

TEST(ParseDigest, RefusesWhatIsNotTheFormOfACrc) {
  for (const char* digits : {"", "+", "++1", "-1", "1 ", " 1", "12G4", "123456789", "0x12", "1.0"}) {
    EXPECT_EQ(parse_digest("crc32c:0x" + std::string(digits)), std::nullopt) << digits;
  }
}

TEST(ParseDigest, ReadsASha256OfEitherCase) {
  const auto lower = parse_digest(kAbc);
  ASSERT_TRUE(lower.has_value());
  EXPECT_EQ(lower->algorithm, Checksum::sha256);
  EXPECT_EQ(lower->sha[0], std::byte{0xBA});
  EXPECT_EQ(lower->sha[31], std::byte{0xAD});
  std::string upper(kAbc);
  for (std::size_t i = 7; i < upper.size(); ++i) {
    if (upper[i] >= 'a') upper[i] = static_cast<char>(upper[i] - 32);
  }
  EXPECT_EQ(parse_digest(upper), lower);
}

TEST(ParseDigest, RefusesWhatIsNotTheFormOfASha256) {
  const std::string good(kAbc);
  EXPECT_EQ(parse_digest("sha256:"), std::nullopt);
  EXPECT_EQ(parse_digest(good.substr(0, good.size() - 1)), std::nullopt);
  EXPECT_EQ(parse_digest(good + "0"), std::nullopt);
  for (const char bad : {'g', '+', '-', ' ', '\0'}) {
    std::string text = good;
    text[8] = bad;
    EXPECT_EQ(parse_digest(text), std::nullopt) << bad;
  }
}

TEST(ParseDigest, KnowsNoOtherAlgorithm) {
  for (const char* text :
       {"", "crc32c:1234", "crc32:0x12", "CRC32C:0x12", "SHA256:00", "xxh3:0123456789abcdef", "sha256"}) {
    EXPECT_EQ(parse_digest(text), Digest{}) << text;
  }
}

TEST(FormatDigest, WritesWhatEveryReaderTakes) {
  EXPECT_EQ(format_digest(crc(0x00000AbC)), "crc32c:0x00000ABC");
  EXPECT_EQ(format_digest(crc(0xE3069283)), "crc32c:0xE3069283");
  EXPECT_EQ(format_digest(parse_digest(kAbc).value()), kAbc);
  EXPECT_EQ(format_digest({}), "");
}

TEST(ChecksumName, IsFoundAgain) {
  for (const Checksum checksum : {Checksum::none, Checksum::crc32c, Checksum::sha256, Checksum::crc32}) {
    EXPECT_EQ(find_checksum(checksum_name(checksum)), checksum);
  }
  EXPECT_EQ(find_checksum("CRC32C"), std::nullopt);
  EXPECT_EQ(find_checksum(""), std::nullopt);
  EXPECT_EQ(find_checksum("xxh3"), Checksum::xxh3);
  EXPECT_EQ(find_checksum("xxh128"), std::nullopt);
}

TEST(DecodedDigest, IsOfItsFormOrOfAnAlgorithmWeDoNotKnow) {
  const Digest abc{.algorithm = Checksum::xxh3, .xxh3 = 0x78af5f94892f3950};
  EXPECT_EQ(parse_decoded_digest("xxh3:78af5f94892f3950"), abc);
  EXPECT_EQ(format_digest(abc), "xxh3:78af5f94892f3950");
  EXPECT_EQ(format_digest({.algorithm = Checksum::xxh3, .xxh3 = 1}), "xxh3:0000000000000001");
  for (const char* text : {"xxh3:1", "xxh3:78AF5F94892F3950", "xxh3:", "sha256:00", "xxh3:078af5f94892f3950"}) {
    EXPECT_EQ(parse_decoded_digest(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_decoded_digest("blake3:00"), Digest{});
  EXPECT_EQ(parse_decoded_digest("crc32c:0xABCDEF01"), Digest{}) << "generation 2 does not know it";
  EXPECT_EQ(parse_digest("xxh3:78af5f94892f3950"), Digest{}) << "1.x does not know it";
}

TEST(DecodedDigest, OfAnArchiveIsItsCrc32) {
  const Digest digest{.algorithm = Checksum::crc32, .crc = 0xCBF43926};
  EXPECT_EQ(parse_decoded_digest("crc32:cbf43926"), digest);
  EXPECT_EQ(format_digest(digest), "crc32:cbf43926");
  EXPECT_EQ(parse_decoded_digest("crc32:0x12"), Digest{}) << "a file of generation 2 may say this, of any bytes";
}

}  // namespace
}  // namespace zt::hash
