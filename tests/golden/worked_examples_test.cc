// The bytes of the worked examples of spec/zt-1.2.md, written and read.

#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"
#include "memory_file.h"
#include "ztensor/error.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> out;
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != '\n') digits += c;
  }
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

std::vector<std::byte> padded_head() {
  std::vector<std::byte> head = from_hex("5a 54 45 4e 31 30 30 30");
  head.resize(64);
  return head;
}

std::vector<std::byte> join(std::vector<std::byte> head, std::string_view hex) {
  const std::vector<std::byte> tail = from_hex(hex);
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

// A 2x2 tensor "t" of 1 2 3 4, without a digest.
constexpr std::string_view kRawExample =
    "00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 40"
    "a2 67 76 65 72 73 69 6f 6e 65 31 2e 32 2e 30 67"
    "6f 62 6a 65 63 74 73 a1 61 74 a3 65 73 68 61 70"
    "65 82 02 02 66 66 6f 72 6d 61 74 65 64 65 6e 73"
    "65 6a 63 6f 6d 70 6f 6e 65 6e 74 73 a1 64 64 61"
    "74 61 a3 65 64 74 79 70 65 63 66 33 32 66 6f 66"
    "66 73 65 74 18 40 66 6c 65 6e 67 74 68 10 5e 00"
    "00 00 00 00 00 00 5a 54 45 4e 31 30 30 30";

// The same tensor, compressed, with a digest and a file attribute.
constexpr std::string_view kZstdExample =
    "28 b5 2f fd 20 10 81 00 00 00 00 80 3f 00 00 00"
    "40 00 00 40 40 00 00 80 40 a3 67 76 65 72 73 69"
    "6f 6e 65 31 2e 31 2e 30 6a 61 74 74 72 69 62 75"
    "74 65 73 a1 61 6b 61 76 67 6f 62 6a 65 63 74 73"
    "a1 61 74 a3 65 73 68 61 70 65 82 02 02 66 66 6f"
    "72 6d 61 74 65 64 65 6e 73 65 6a 63 6f 6d 70 6f"
    "6e 65 6e 74 73 a1 64 64 61 74 61 a6 65 64 74 79"
    "70 65 63 66 33 32 66 6f 66 66 73 65 74 18 40 66"
    "6c 65 6e 67 74 68 18 19 73 75 6e 63 6f 6d 70 72"
    "65 73 73 65 64 5f 6c 65 6e 67 74 68 10 68 65 6e"
    "63 6f 64 69 6e 67 64 7a 73 74 64 66 64 69 67 65"
    "73 74 71 63 72 63 33 32 63 3a 30 78 37 42 30 36"
    "37 39 31 34 ab 00 00 00 00 00 00 00 5a 54 45 4e"
    "31 30 30 30";

const std::vector<float> kElements = {1, 2, 3, 4};

TEST(Zt12Encode, WritesTheWorkedExampleByteForByte) {
  std::vector<std::byte> out;
  Writer writer = Writer::to(std::make_unique<test::VectorSink>(out), {.checksum = Checksum::none});
  writer.add("t", {2, 2}, std::span<const float>(kElements));
  writer.finalize();
  EXPECT_EQ(out, join(padded_head(), kRawExample));
}

TEST(Zt12Encode, WritesAnEmptyFileOf48Bytes) {
  std::vector<std::byte> out;
  Writer::to(std::make_unique<test::VectorSink>(out)).finalize();
  EXPECT_EQ(out.size(), 48U);
  EXPECT_EQ(test::open_bytes(out).size(), 0U);
}

TEST(Zt12Decode, ReadsTheWorkedExample) {
  const Source source = test::open_bytes(join(padded_head(), kRawExample));
  EXPECT_EQ(source.format(), "zt-1.2");
  EXPECT_EQ(source.tensor("t").read<float>(), kElements);
}

TEST(Zt12Decode, ReadsTheCompressedExampleAndChecksItsDigest) {
  const std::vector<std::byte> whole = join(padded_head(), kZstdExample);
  const Source source = test::open_bytes(whole);
  EXPECT_EQ(source.format(), "zt-1.1");
  EXPECT_EQ(*source.attributes().find("k")->text(), "v");
  EXPECT_EQ(source.tensor("t").read<float>(), kElements);
  EXPECT_EQ(source.tensor("t").data().digest(), "crc32c:0x7B067914");

  std::vector<std::byte> flipped = whole;
  flipped[75] ^= std::byte{1};
  try {
    test::open_bytes(flipped).tensor("t").read<float>();
    FAIL() << "a flipped bit went unnoticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::mismatch);
    EXPECT_STREQ(error.rule(), "digest.mismatch");
  }
}

}  // namespace
}  // namespace zt
