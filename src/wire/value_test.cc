#include "ztensor/value.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "ztensor/error.h"

namespace zt {
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

Value parse(std::string_view hex) { return Value::parse(from_hex(hex)); }

std::string refusal(std::span<const std::byte> cbor, std::uint32_t depth = 256) {
  try {
    (void)Value::parse(cbor, depth);
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

TEST(Value, KeepsEveryKindOfItem) {
  const Value value = parse("8b 01 20 3b ffffffffffffffff 42 0102 61 61 f4 f6 f7 f8 ff f9 3e00 a1 01 02");
  const Value expected = Value::Array{Value(1),
                                      Value(-1),
                                      Value(Value::Negative{~std::uint64_t{0}}),
                                      Value(std::vector{std::byte{1}, std::byte{2}}),
                                      Value("a"),
                                      Value(false),
                                      Value(),
                                      Value(Value::Undefined{}),
                                      Value(Value::Simple{255}),
                                      Value(1.5),
                                      Value(Value::Map{{Value(1), Value(2)}})};
  EXPECT_EQ(value, expected);
}

TEST(Value, ParsesAndEncodesShortestInputToTheSameBytes) {
  for (const char* hex : {
           "a3 61 62 01 61 61 02 61 62 03",  // order and repeated names stay
           "c2 49 010000000000000000",       // a bignum is a tag
           "d8 18 c3 d9 d9f7 82 c1 00 80",   // tags in tags
           "a1 a1 80 a0 c1 81 81 f7",        // containers as keys
           "87 f97c01 fa7f800001 fb7ff0000000000001 f97e00 f98000 f90001 fb3fb999999999999a",
           "84 1bffffffffffffffff 3bffffffffffffffff 18ff 391000",
           "82 e0 f820",
           "80",
           "60",
       }) {
    EXPECT_EQ(parse(hex).encode(), from_hex(hex)) << hex;
  }
}

TEST(Value, EncodesOtherFormsAsTheShortestOnes) {
  EXPECT_EQ(parse("bf 7f 61 61 61 62 ff 9f 18 01 ff ff").encode(), from_hex("a1 62 6162 81 01"));
  EXPECT_EQ(parse("fb 3ff8000000000000").encode(), from_hex("f9 3e00"));
  EXPECT_EQ(parse("d8 01 c2 5f 41 05 ff").encode(), from_hex("c1 c2 41 05"));
}

TEST(Value, RefusesWhatIsNotOneGoodItem) {
  EXPECT_EQ(refusal(from_hex("")), "malformed cbor.truncated");
  EXPECT_EQ(refusal(from_hex("01 01")), "malformed cbor.trailing");
  EXPECT_EQ(refusal(from_hex("61 ff")), "malformed cbor.utf8");
  EXPECT_EQ(refusal(from_hex("bf 01 ff")), "malformed cbor.break");
}

TEST(Value, RefusesNestingPastItsDepthTagsIncluded) {
  for (const std::byte head : {std::byte{0x81}, std::byte{0xC1}}) {
    std::vector<std::byte> deep(255, head);
    deep.push_back(std::byte{0});
    EXPECT_EQ(refusal(deep), "");
    EXPECT_EQ(Value::parse(deep).encode(), deep);
    deep.insert(deep.begin(), head);
    EXPECT_EQ(refusal(deep), "limit cbor.depth");
    EXPECT_EQ(refusal(deep, 257), "");
    EXPECT_EQ(refusal(std::vector<std::byte>(1000000, head)), "limit cbor.depth");
  }
}

TEST(Value, IntegersFitOrAreEmpty) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(Value(kLeast).integer(), kLeast);
  EXPECT_EQ(Value(-1).integer(), -1);
  EXPECT_EQ(Value(0).integer(), 0);
  EXPECT_EQ(Value(~std::uint64_t{0}).integer(), std::nullopt);
  EXPECT_EQ(Value(~std::uint64_t{0}).unsigned_integer(), ~std::uint64_t{0});
  EXPECT_EQ(Value(-1).unsigned_integer(), std::nullopt);
  EXPECT_EQ(Value(Value::Negative{std::uint64_t{1} << 63}).integer(), std::nullopt);
  EXPECT_EQ(Value(1.0).integer(), std::nullopt);
}

TEST(Value, ComparesKindAndContent) {
  EXPECT_NE(Value(1), Value(1.0));
  EXPECT_NE(Value(0.0), Value(-0.0));
  EXPECT_NE(Value(), Value(Value::Undefined{}));
  EXPECT_NE(Value(Value::Array{}), Value(Value::Map{}));
  const double nan = std::bit_cast<double>(std::uint64_t{0x7FF8000000000000});
  EXPECT_EQ(Value(nan), Value(nan));
  EXPECT_NE(Value(nan), Value(std::bit_cast<double>(std::uint64_t{0x7FF8000000000001})));
  EXPECT_EQ(Value::tagged(1, Value(nan)), Value::tagged(1, Value(nan)));
  EXPECT_NE(Value::tagged(1, Value(2)), Value::tagged(2, Value(2)));
  EXPECT_NE(Value::tagged(1, Value(2)), Value(2));
  EXPECT_NE(parse("a2 01 02 03 04"), parse("a2 03 04 01 02"));
}

TEST(Value, FindsAndSetsMembersByTextKey) {
  Value value;
  value.set("a", 1);
  value.set("b", "x");
  value.set("a", 2);
  ASSERT_TRUE(value.is_map());
  EXPECT_EQ(value.members()->size(), 2u);
  ASSERT_NE(value.find("a"), nullptr);
  EXPECT_EQ(value.find("a")->integer(), 2);
  EXPECT_EQ(value.find("c"), nullptr);
  EXPECT_EQ(Value(1).find("a"), nullptr);
  try {
    Value(1).set("a", 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::usage);
  }
}

TEST(Value, RefusesToEncodeWhatNoReaderTakes) {
  EXPECT_THROW(Value("\xff").encode(), Error);
  EXPECT_THROW(Value(Value::Simple{24}).encode(), Error);
  EXPECT_THROW(Value(Value::Simple{20}).encode(), Error);  // these bytes mean false
  EXPECT_EQ(Value(Value::Simple{32}).encode(), from_hex("f8 20"));
}

std::vector<std::byte> sorted(std::string_view hex) { return parse(hex).encode_sorted(); }

TEST(Value, SortsMapsByTheBytesOfTheirEncodedKeys) {
  EXPECT_EQ(sorted("a3 62 6161 01 61 62 02 61 61 03"), from_hex("a3 61 61 03 61 62 02 62 6161 01"));
  EXPECT_EQ(sorted("a5 f5 01 20 02 61 61 03 41 61 04 18 18 05"), from_hex("a5 18 18 05 20 02 41 61 04 61 61 03 f5 01"));
  // Keys of keys, and maps in arrays in maps.
  EXPECT_EQ(sorted("a2 a2 02 80 01 80 f4 00 81 a2 02 80 01 80"), from_hex("a2 00 81 a2 01 80 02 80 a2 01 80 02 80 f4"));
  EXPECT_EQ(sorted("a0"), from_hex("a0"));
  EXPECT_EQ(sorted("82 61 62 61 61"), from_hex("82 61 62 61 61"));
  EXPECT_EQ(parse("a2 61 62 01 61 61 02").encode_sorted(), parse("a2 61 61 02 61 62 01").encode_sorted());
}

TEST(Value, WritesEveryNanAsTheOneThatDeterministicCborHas) {
  for (const char* nan : {"f9 7e00", "f9 fe00", "fa 7f800001", "fb 7ff8000000000001"}) {
    EXPECT_EQ(sorted(nan), from_hex("f9 7e00")) << nan;
  }
  EXPECT_EQ(sorted("fb 7ff0000000000000"), from_hex("f9 7c00"));
  EXPECT_EQ(sorted("fb 8000000000000000"), from_hex("f9 8000"));
  EXPECT_EQ(sorted("fb 3fb999999999999a"), from_hex("fb 3fb999999999999a"));
}

TEST(Value, SortedStrictlyRefusesWhatDeterministicCborCannotHold) {
  for (const char* hex : {"c1 00", "81 f7", "e0", "a2 01 02 01 03", "a1 c1 00 00", "a1 00 a2 f9 7e00 00 f9 fe00 00"}) {
    const Value value = parse(hex);
    EXPECT_THROW(value.encode_sorted(), Error) << hex;
    EXPECT_FALSE(value.encode_sorted(Value::Sorted::any).empty()) << hex;
  }
  EXPECT_EQ(parse("a3 02 c1 f7 01 e0 01 f7").encode_sorted(Value::Sorted::any), from_hex("a3 01 e0 01 f7 02 c1 f7"));
  EXPECT_THROW(Value("\xff").encode_sorted(Value::Sorted::any), Error);
}

TEST(Value, SortedRefusesNestingPastItsDepth) {
  const Value deep = parse("81 a1 81 00 00");
  EXPECT_EQ(deep.encode_sorted(Value::Sorted::strict, 4), deep.encode());
  EXPECT_THROW(deep.encode_sorted(Value::Sorted::strict, 3), Error);
  EXPECT_THROW(parse("81 a1 81 00 00").encode_sorted(Value::Sorted::any, 3), Error);
}

TEST(Value, HandsOutTheContentOfATag) {
  const Value value = parse("c1 1a 514b67b0");
  ASSERT_NE(value.tag(), nullptr);
  EXPECT_EQ(value.tag()->number, 1u);
  EXPECT_EQ(value.tag()->content.integer(), 1363896240);
  EXPECT_EQ(Value(1).tag(), nullptr);
}

}  // namespace
}  // namespace zt
