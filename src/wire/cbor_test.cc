#include "wire/cbor.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "wire/float_bits.h"
#include "ztensor/error.h"

namespace zt::wire {
namespace {

std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> out;
  int digit = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (digit >= 0) out.push_back(static_cast<std::byte>(digit << 4 | value));
    digit = digit >= 0 ? -1 : value;
  }
  return out;
}

constexpr CborRules kStrict{.strict = true, .depth = 33};

// "malformed cbor.x", or "" if the whole input is one good item. read() and skip() must agree.
std::string refusal(std::span<const std::byte> input, CborRules rules = {}) {
  try {
    CborCursor cursor(input, rules);
    cursor.skip();
    cursor.finish();
    return "";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("offset "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(", found "), std::string::npos) << error.what();
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}
std::string refusal(std::string_view hex, CborRules rules = {}) { return refusal(from_hex(hex), rules); }
std::string strict_refusal(std::string_view hex) { return refusal(hex, kStrict); }

std::string read_refusal(std::string_view hex) {
  const auto input = from_hex(hex);
  try {
    CborCursor(input).read();
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

// Reads one scalar; its bytes must outlive the item.
CborItem read_one(const std::vector<std::byte>& input) { return CborCursor(input).read(); }

std::uint64_t float_bits(std::string_view hex) {
  const auto input = from_hex(hex);
  return std::bit_cast<std::uint64_t>(read_one(input).floating);
}

std::string written(double value) {
  CborWriter writer;
  writer.floating(value);
  std::string out;
  for (const std::byte b : writer.buffer()) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}
std::string written_bits(std::uint64_t bits) { return written(std::bit_cast<double>(bits)); }

TEST(CborCursor, ReadsAMapMemberByMember) {
  const auto input = from_hex("a2 61 61 83 01 20 f5 62 c3a9 43 010203");
  CborCursor cursor(input, kStrict);
  const CborItem map = cursor.read();
  EXPECT_EQ(map.kind, CborKind::map);
  EXPECT_EQ(map.number, 2u);
  ASSERT_TRUE(cursor.more());
  EXPECT_EQ(as_text(cursor.read().content), "a");
  EXPECT_EQ(cursor.read().kind, CborKind::array);
  ASSERT_TRUE(cursor.more());
  EXPECT_EQ(cursor.read().number, 1u);
  ASSERT_TRUE(cursor.more());
  const CborItem minus_one = cursor.read();
  EXPECT_EQ(minus_one.kind, CborKind::negative_integer);
  EXPECT_EQ(minus_one.number, 0u);
  ASSERT_TRUE(cursor.more());
  EXPECT_EQ(cursor.read().kind, CborKind::boolean);
  EXPECT_FALSE(cursor.more());
  ASSERT_TRUE(cursor.more());
  const CborItem key = cursor.read();
  EXPECT_EQ(key.kind, CborKind::text);
  EXPECT_EQ(key.content.data(), input.data() + 8);  // a span of the input, not a copy
  EXPECT_EQ(cursor.read().content.size(), 3u);
  EXPECT_FALSE(cursor.more());
  cursor.finish();
}

TEST(CborCursor, SkipGivesTheBytesOfOneItem) {
  const auto input = from_hex("a2 01 82 02 9f 03 ff 04 c1 05 06");
  CborCursor cursor(input);
  cursor.read();
  ASSERT_TRUE(cursor.more());
  cursor.read();
  EXPECT_EQ(cursor.skip().size(), 5u);
  ASSERT_TRUE(cursor.more());
  cursor.read();
  EXPECT_EQ(cursor.skip().size(), 2u);  // the tag counts
  EXPECT_FALSE(cursor.more());
  EXPECT_EQ(cursor.read().number, 6u);  // items may follow each other at the root
  cursor.finish();
}

TEST(CborCursor, CloseLeavesTheContainerFromAnyPlaceInIt) {
  for (const int reads : {0, 1, 2}) {
    const auto input = from_hex("82 bf 01 81 02 03 04 ff 05");
    CborCursor cursor(input);
    cursor.read();
    cursor.more();
    cursor.read();
    if (reads > 0) cursor.more(), cursor.read();
    if (reads > 1) cursor.read();
    cursor.close();
    if (reads > 1) cursor.close();  // the first closed the inner array
    ASSERT_TRUE(cursor.more());
    EXPECT_EQ(cursor.read().number, 5u);
  }
}

TEST(CborCursor, SaysSoWhenItsCallerForgetsMore) {
  const auto input = from_hex("81 01");
  CborCursor cursor(input);
  cursor.read();
  EXPECT_THROW(cursor.read(), Error);
  EXPECT_TRUE(cursor.more());
  EXPECT_THROW(cursor.more(), Error);
}

TEST(CborCursor, LenientTakesIndefiniteLengthsLongHeadsAndTags) {
  EXPECT_EQ(refusal("bf 61 61 9f 01 ff 7f 61 62 60 ff 5f 41 00 ff ff"), "");
  EXPECT_EQ(refusal("1b 0000000000000001"), "");
  EXPECT_EQ(refusal("79 0001 61"), "");
  EXPECT_EQ(refusal("c6 d8 18 d9 d9f7 a1 c1 01 c1 02"), "");
  EXPECT_EQ(refusal("85 f7 f0 f8 ff f97e01 fb 3ff0000000000000"), "");
  EXPECT_EQ(refusal("a2 61 62 00 61 62 01"), "");   // the schema refuses repeated names
  const auto text = from_hex("7f 61 c3 61 a9 ff");  // a character split between chunks
  CborCursor cursor(text);
  EXPECT_EQ(as_text(cursor.read().content), "\xc3\xa9");
}

TEST(CborCursor, LenientReadsBignumsOfUpTo64Bits) {
  const auto big = from_hex("c2 4a 0000 ffffffffffffffff");
  EXPECT_EQ(read_one(big).kind, CborKind::unsigned_integer);
  EXPECT_EQ(read_one(big).number, std::numeric_limits<std::uint64_t>::max());
  const auto negative = from_hex("d8 18 c3 5f 41 01 41 00 ff");
  EXPECT_EQ(read_one(negative).kind, CborKind::negative_integer);
  EXPECT_EQ(read_one(negative).number, 256u);
  const auto zero = from_hex("c2 40");
  EXPECT_EQ(read_one(zero).kind, CborKind::unsigned_integer);
  EXPECT_EQ(read_one(zero).number, 0u);
  const auto other = from_hex("c2 d8 18 41 01");  // the tag next to the bytes is 24
  EXPECT_EQ(read_one(other).kind, CborKind::bytes);
  const auto text = from_hex("c2 61 61");
  EXPECT_EQ(read_one(text).kind, CborKind::text);
}

TEST(CborCursor, RefusesToReadALargerBignumButPassesOverIt) {
  EXPECT_EQ(read_refusal("c2 49 010000000000000000"), "malformed cbor.bignum");
  EXPECT_EQ(refusal("82 c2 49 010000000000000000 01"), "");
}

TEST(CborCursor, DeliversTagsWhenTheyAreKept) {
  const auto input = from_hex("c2 41 05");
  CborCursor cursor(input, {.keep_tags = true});
  const CborItem tag = cursor.read();
  EXPECT_EQ(tag.kind, CborKind::tag);
  EXPECT_EQ(tag.number, 2u);
  ASSERT_TRUE(cursor.more());
  EXPECT_EQ(cursor.read().kind, CborKind::bytes);
  EXPECT_FALSE(cursor.more());
  cursor.finish();
}

TEST(CborCursor, RefusesInputCutShortAnywhere) {
  const auto input = from_hex("a2 7f 61 61 ff 9f 19 0100 f9 3c00 ff c2 42 0102 82 01 62 c3a9");
  EXPECT_EQ(refusal(input), "");
  for (std::size_t size = 0; size < input.size(); ++size) {
    const std::string why = refusal(std::span(input).first(size));
    EXPECT_TRUE(why == "malformed cbor.truncated" || why == "malformed cbor.count") << size << " " << why;
  }
}

TEST(CborCursor, RefusesWhatIsNotWellFormed) {
  EXPECT_EQ(refusal("1c"), "malformed cbor.head.reserved");
  EXPECT_EQ(refusal("1f"), "malformed cbor.head.reserved");
  EXPECT_EQ(refusal("df 01"), "malformed cbor.head.reserved");
  EXPECT_EQ(refusal("fe"), "malformed cbor.head.reserved");
  EXPECT_EQ(refusal("ff"), "malformed cbor.break");
  EXPECT_EQ(refusal("bf 01 ff"), "malformed cbor.break");
  EXPECT_EQ(refusal("9f c1 ff"), "malformed cbor.break");
  EXPECT_EQ(refusal("5f 61 61 ff"), "malformed cbor.chunk");
  EXPECT_EQ(refusal("7f 7f ff ff"), "malformed cbor.chunk");
  EXPECT_EQ(refusal("f8 1f"), "malformed cbor.simple");
  EXPECT_EQ(refusal("f8 14"), "malformed cbor.simple");
  EXPECT_EQ(refusal("62 c328"), "malformed cbor.utf8");
  EXPECT_EQ(refusal("69 6162636465666768 80"), "malformed cbor.utf8");
  EXPECT_EQ(refusal("01 02"), "malformed cbor.trailing");
}

// Text is looked at several bytes at a time, and short text is read by itself.
TEST(CborCursor, RefusesAByteThatIsNoTextWhereverItStands) {
  for (std::size_t size = 1; size <= 40; ++size) {
    CborWriter out;
    out.array(1);
    out.text(std::string(size, 'x'));
    std::vector<std::byte> input = out.buffer();
    const auto code = [&] {
      CborCursor cursor(input);
      cursor.read();
      cursor.more();
      try {
        EXPECT_EQ(cursor.read().content.size(), size);
        EXPECT_FALSE(cursor.more());
        return std::string();
      } catch (const Error& error) {
        return std::string(error.rule());
      }
    };
    EXPECT_EQ(code(), "");
    for (std::size_t at = input.size() - size; at < input.size(); ++at) {
      input[at] = std::byte{0x80};
      EXPECT_EQ(code(), "cbor.utf8") << size << " bytes, the one at " << at;
      input[at] = std::byte{'x'};
    }
  }
}

TEST(CborCursor, HoldsCountsAgainstTheBytesLeft) {
  EXPECT_EQ(refusal("82 01"), "malformed cbor.count");
  EXPECT_EQ(refusal("a2 01 02 03"), "malformed cbor.count");
  EXPECT_EQ(refusal("9b ffffffffffffffff"), "malformed cbor.count");
  EXPECT_EQ(refusal("bb 8000000000000000 00"), "malformed cbor.count");
  EXPECT_EQ(refusal("5b ffffffffffffffff 00"), "malformed cbor.truncated");
}

TEST(CborCursor, CountsLevelsWithTheRoot) {
  EXPECT_EQ(refusal("00", {.depth = 1}), "");
  EXPECT_EQ(refusal("81 00", {.depth = 1}), "limit cbor.depth");
  EXPECT_EQ(refusal("81 00", {.depth = 2}), "");
  EXPECT_EQ(refusal("a1 80 00", {.depth = 2}), "");
  EXPECT_EQ(refusal("c1 c1 c1 00", {.depth = 1}), "");  // a dropped tag is not a level
  std::vector<std::byte> deep(32, std::byte{0x81});
  deep.push_back(std::byte{0});  // level 32, if the root is 0: zt-2 accepts it
  EXPECT_EQ(refusal(deep, kStrict), "");
  deep.insert(deep.begin(), std::byte{0x81});
  EXPECT_EQ(refusal(deep, kStrict), "limit cbor.depth");
  EXPECT_EQ(refusal(std::vector<std::byte>(1000000, std::byte{0x81})), "limit cbor.depth");
}

TEST(CborCursor, StrictTakesTheDeterministicForm) {
  EXPECT_EQ(strict_refusal("a3 01 f4 61 62 f6 62 61 61 85 17 18 18 19 0100 1a 00010000 1b 0000000100000000"), "");
  EXPECT_EQ(strict_refusal("a2 80 01 81 00 02"), "");  // keys of any kind
  EXPECT_EQ(strict_refusal("86 f9 7e00 f9 8000 f9 fc00 f9 0001 fa 3f800001 fb 3fb999999999999a"), "");
}

TEST(CborCursor, StrictRefusesEachOtherForm) {
  EXPECT_EQ(strict_refusal("18 17"), "malformed cbor.strict.shortest");
  EXPECT_EQ(strict_refusal("19 00ff"), "malformed cbor.strict.shortest");
  EXPECT_EQ(strict_refusal("3a 0000ffff"), "malformed cbor.strict.shortest");
  EXPECT_EQ(strict_refusal("1b 00000000ffffffff"), "malformed cbor.strict.shortest");
  EXPECT_EQ(strict_refusal("78 01 61"), "malformed cbor.strict.shortest");
  EXPECT_EQ(strict_refusal("a2 61 62 00 61 61 00"), "malformed cbor.strict.order");
  EXPECT_EQ(strict_refusal("a2 62 61 61 00 61 62 00"), "malformed cbor.strict.order");
  EXPECT_EQ(strict_refusal("a2 81 01 00 80 00"), "malformed cbor.strict.order");
  EXPECT_EQ(strict_refusal("a2 61 61 00 61 61 00"), "malformed cbor.strict.duplicate");
  EXPECT_EQ(strict_refusal("a2 a1 01 02 00 a1 01 02 00"), "malformed cbor.strict.duplicate");
  EXPECT_EQ(strict_refusal("c0 00"), "malformed cbor.strict.tag");
  EXPECT_EQ(strict_refusal("9f ff"), "malformed cbor.strict.indefinite");
  EXPECT_EQ(strict_refusal("7f ff"), "malformed cbor.strict.indefinite");
  EXPECT_EQ(strict_refusal("f7"), "malformed cbor.strict.simple");
  EXPECT_EQ(strict_refusal("e0"), "malformed cbor.strict.simple");
  EXPECT_EQ(strict_refusal("f8 20"), "malformed cbor.strict.simple");
  EXPECT_EQ(strict_refusal("f9 7e01"), "malformed cbor.strict.float");
  EXPECT_EQ(strict_refusal("f9 fe00"), "malformed cbor.strict.float");
  EXPECT_EQ(strict_refusal("fa 7fc00000"), "malformed cbor.strict.float");
  EXPECT_EQ(strict_refusal("fb 7ff0000000000001"), "malformed cbor.strict.float");
  EXPECT_EQ(strict_refusal("fa 3f800000"), "malformed cbor.strict.float");
  EXPECT_EQ(strict_refusal("fb 36a0000000000000"), "malformed cbor.strict.float");  // the smallest single
  EXPECT_EQ(strict_refusal("fa 33800000"), "malformed cbor.strict.float");          // the smallest half
}

TEST(CborCursor, SaysWhereAndWhatItFound) {
  const auto input = from_hex("82 01 62 61");
  CborCursor cursor(input);
  try {
    cursor.skip();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "CBOR at offset 3: expected 2 more bytes, found 1 before the end");
  }
}

TEST(CborFloats, WidenWithoutLosingABit) {
  EXPECT_EQ(float_bits("f9 3c00"), 0x3FF0000000000000u);
  EXPECT_EQ(float_bits("f9 0001"), 0x3E70000000000000u);
  EXPECT_EQ(float_bits("f9 83ff"), 0xBF0FF80000000000u);
  EXPECT_EQ(float_bits("f9 8000"), 0x8000000000000000u);
  EXPECT_EQ(float_bits("f9 7bff"), 0x40EFFC0000000000u);  // 65504
  EXPECT_EQ(float_bits("f9 7c01"), 0x7FF0040000000000u);  // a signalling NaN stays one
  EXPECT_EQ(float_bits("fa ff800001"), 0xFFF0000020000000u);
  EXPECT_EQ(float_bits("fa 00000001"), 0x36A0000000000000u);
  EXPECT_EQ(float_bits("fa 7f7fffff"), 0x47EFFFFFE0000000u);
  EXPECT_EQ(float_bits("fb 7ff0000000000001"), 0x7FF0000000000001u);
}

TEST(CborFloats, AreWrittenInTheShortestWidthThatKeepsTheBits) {
  EXPECT_EQ(written(1.5), "f93e00");
  EXPECT_EQ(written(-0.0), "f98000");
  EXPECT_EQ(written(100000.0), "fa47c35000");
  EXPECT_EQ(written(0.1), "fb3fb999999999999a");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "f97c00");
  EXPECT_EQ(written(65504.0), "f97bff");
  EXPECT_EQ(written(65536.0), "fa47800000");
  EXPECT_EQ(written(std::numeric_limits<double>::denorm_min()), "fb0000000000000001");
  EXPECT_EQ(written_bits(0x7FF8000000000000u), "f97e00");
  EXPECT_EQ(written_bits(0x7FF0040000000000u), "f97c01");
  EXPECT_EQ(written_bits(0xFFF0000020000000u), "faff800001");
  EXPECT_EQ(written_bits(0x7FF0000000000001u), "fb7ff0000000000001");
}

TEST(CborFloats, NarrowIsTheInverseOfWiden) {
  for (std::uint64_t half = 0; half < 0x10000; ++half) EXPECT_EQ(narrow(widen(half, kHalf), kHalf), half);
  std::mt19937 random(7);
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t single = random() & 0xFFFFFFFFu;
    const std::uint64_t wide = widen(single, kSingle);
    ASSERT_EQ(narrow(wide, kSingle), single);
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(single));
    if (value == value) {
      ASSERT_EQ(std::bit_cast<double>(wide), static_cast<double>(value));
    }
    const auto half = narrow(wide, kHalf);
    if (half) {
      ASSERT_EQ(widen(*half, kHalf), wide);
    }
    EXPECT_EQ(narrow(wide | 1, kSingle), std::nullopt);
  }
}

TEST(CborWriter, WritesWhatTheStrictCursorTakes) {
  CborWriter writer;
  const std::uint64_t numbers[] = {0, 23, 24, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000, ~std::uint64_t{0}};
  writer.array(2 * std::size(numbers) + 4);
  for (const std::uint64_t number : numbers) writer.unsigned_integer(number), writer.negative_integer(number);
  writer.integer(std::numeric_limits<std::int64_t>::min());
  writer.text(std::string(300, 'x'));
  writer.null();
  writer.boolean(true);
  EXPECT_EQ(refusal(writer.buffer(), kStrict), "");
  CborCursor cursor(writer.buffer(), kStrict);
  cursor.read();
  for (const std::uint64_t number : numbers) {
    cursor.more();
    EXPECT_EQ(cursor.read().number, number);
    cursor.more();
    EXPECT_EQ(cursor.read().number, number);
  }
  cursor.more();
  EXPECT_EQ(cursor.read().number, (std::uint64_t{1} << 63) - 1);
}

}  // namespace
}  // namespace zt::wire
