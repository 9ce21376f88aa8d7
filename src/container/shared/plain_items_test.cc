#include "container/shared/plain_items.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "wire/cbor.h"

namespace zt::container {
namespace {

// Literals with zeros inside.
template <std::size_t N>
std::string_view raw(const char (&literal)[N]) {
  return {literal, N - 1};
}

PlainItems items_of(std::string_view bytes) { return PlainItems(as_bytes(bytes)); }

bool takes_number(std::string_view bytes, std::uint64_t expected = 0) {
  std::uint64_t number = 0;
  return items_of(bytes).number(number) && number == expected;
}

bool takes_text(std::string_view bytes, std::string_view expected = "") {
  std::string_view text;
  return items_of(bytes).text(text) && text == expected;
}

TEST(PlainItems, TakeNumbersInTheirShortestFormAlone) {
  EXPECT_TRUE(takes_number("\x17", 23));
  EXPECT_TRUE(takes_number("\x18\x18", 24));
  EXPECT_TRUE(takes_number(raw("\x19\x01\x00"), 256));
  EXPECT_TRUE(takes_number(raw("\x1A\x00\x01\x00\x00"), 65536));
  EXPECT_TRUE(takes_number("\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", ~std::uint64_t{0}));
  for (const std::string_view longer : {raw("\x18\x17"), raw("\x19\x00\xFF"), raw("\x1A\x00\x00\xFF\xFF"),
                                        raw("\x1B\x00\x00\x00\x00\xFF\xFF\xFF\xFF"), raw("\x1C"), raw("\x20")}) {
    std::uint64_t number = 0;
    EXPECT_FALSE(items_of(longer).number(number)) << longer.size();
  }
}

TEST(PlainItems, TakeShortAsciiTextAlone) {
  EXPECT_TRUE(
      takes_text("\x63"
                 "f32",
                 "f32"));
  const std::string longer(255, 'x');
  EXPECT_TRUE(takes_text("\x78\xFF" + longer, longer));
  EXPECT_FALSE(
      takes_text("\x78\x03"
                 "f32",
                 "f32"));  // a shorter head is possible
  EXPECT_FALSE(takes_text("\x62\xC3\xA9", "\xC3\xA9"));
  EXPECT_FALSE(
      takes_text("\x43"
                 "f32",
                 "f32"));  // a byte string
  EXPECT_FALSE(takes_text(raw("\x79\x00\x03"
                              "f32"),
                          "f32"));
}

TEST(PlainItems, StopWhereTheBytesEnd) {
  wire::CborWriter out;
  out.text("dtype");
  out.text("a text of more than 23 bytes");
  out.array(2);
  out.unsigned_integer(1);
  out.unsigned_integer(70000);
  const auto whole = [](std::span<const std::byte> bytes) {
    PlainItems items(bytes);
    std::string_view text;
    std::vector<std::uint64_t> numbers;
    return items.key("dtype") && items.text(text) && items.numbers(numbers, 2) && items.position() == bytes.size();
  };
  EXPECT_TRUE(whole(out.buffer()));
  for (std::size_t size = 0; size < out.buffer().size(); ++size) {
    const std::vector<std::byte> cut(out.buffer().begin(), out.buffer().begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(whole(cut)) << size;
  }
}

TEST(PlainItems, StayBeforeAnotherKey) {
  PlainItems items = items_of(
      "\x64type\x65"
      "dtype");
  EXPECT_FALSE(items.key("dtype"));
  EXPECT_EQ(items.position(), 0U);
  EXPECT_TRUE(items.key("type"));
  EXPECT_TRUE(items.key("dtype"));
  EXPECT_FALSE(items.key("dtype"));
}

}  // namespace
}  // namespace zt::container
