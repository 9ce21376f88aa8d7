#include "wire/json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::wire {
namespace {

JsonText text_of(std::string_view json) {
  JsonText text(json.size());
  std::copy_n(as_bytes(json).data(), json.size(), text.bytes().data());
  return text;
}

JsonDocument parse(std::string_view json, std::uint32_t depth = 64) { return JsonDocument(text_of(json), depth); }

#ifdef ZT_HAVE_SIMDJSON

std::string refusal(std::string_view json, std::uint32_t depth = 64) {
  try {
    const JsonDocument document = parse(json, depth);
    check_unique_keys(document.root());
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

TEST(Json, WalksMembersInTheOrderOfTheText) {
  const JsonDocument document = parse(R"({"b": 1, "a": {"x": [1, 2]}, "c": 1.5, "\u0064": "e\n", "f": [], "g": null})");
  std::vector<std::string> keys;
  JsonMembersView members(document.root());
  while (members.next()) keys.emplace_back(members.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"b", "a", "c", "d", "f", "g"}));
}

TEST(Json, WalksItemsOfMixedKinds) {
  const JsonDocument document =
      parse(R"([0, -1, 1.5, 18446744073709551615, "t", [], {}, [[1]], true, false, null, 7])");
  std::vector<std::uint64_t> numbers;
  std::size_t count = 0;
  for (JsonItemsView items(document.root()); items.next(); ++count) {
    if (const auto number = items.value().unsigned_integer()) numbers.push_back(*number);
  }
  EXPECT_EQ(count, 12U);
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{0, 18446744073709551615ULL, 7}));
}

TEST(Json, CountsWhatAContainerHolds) {
  const auto count = [](std::string_view json) { return parse(json).root().count(); };
  EXPECT_EQ(count(R"({"a": [1, 2, 3], "b": {"c": 1}, "a": 2})"), 3U);
  EXPECT_EQ(count("[0, [1, 2], {}, 3]"), 4U);
  for (const char* other : {"[]", "{}", "5", "-1", "1.5", "\"abc\"", "true", "null"})
    EXPECT_EQ(count(other), 0U) << other;
}

TEST(Json, UnescapesTextAndKeepsNul) {
  const JsonDocument document = parse(R"("\u00e4\ud83d\ude00\u0000z")");
  EXPECT_EQ(document.root().text(), std::string_view("\xC3\xA4\xF0\x9F\x98\x80\0z", 8));
}

TEST(Json, TakesOnlyPlainIntegersForNumbers) {
  const auto number = [](std::string_view json) { return parse(json).root().unsigned_integer(); };
  EXPECT_EQ(number("12"), 12U);
  EXPECT_EQ(number("-0"), 0U);
  EXPECT_EQ(number("9223372036854775808"), 9223372036854775808ULL);
  for (const char* other : {"-1", "1e3", "16.0", "\"16\"", "[16]", "null", "true", "{}"}) {
    EXPECT_EQ(number(other), std::nullopt) << other;
  }
}

TEST(Json, HasNoMembersOrItemsInOtherKinds) {
  const JsonDocument document = parse(R"([{"a": 1}, 5, "t"])");
  EXPECT_FALSE(JsonMembersView(document.root()).next());
  JsonItemsView items(document.root());
  ASSERT_TRUE(items.next());
  EXPECT_FALSE(JsonItemsView(items.value()).next());
  ASSERT_TRUE(items.next());
  EXPECT_FALSE(JsonItemsView(items.value()).next());
  EXPECT_FALSE(JsonMembersView(items.value()).next());
  EXPECT_EQ(items.value().text(), std::nullopt);
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* bad : {"",
                          " ",
                          "{",
                          "{}}",
                          "{} x",
                          "{\"a\":}",
                          "{\"a\" 1}",
                          "{'a':1}",
                          "{\"a\":1,}",
                          "[1,]",
                          "01",
                          "+1",
                          "NaN",
                          "nul",
                          "18446744073709551616",
                          "\"\\ud800\"",
                          "\"\\x\"",
                          "\"\n\"",
                          "\xEF\xBB\xBF{}",
                          "\"open",
                          "[1 2]",
                          "{1:2}",
                          "// note\n{}"}) {
    EXPECT_EQ(refusal(bad), "malformed json.syntax") << bad;
  }
  EXPECT_EQ(refusal(std::string_view("{}\0", 3)), "malformed json.syntax");
}

TEST(Json, RefusesInvalidUtf8) {
  for (const char* bad : {"\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\""}) {
    EXPECT_EQ(refusal(bad), "malformed json.utf8") << bad;
  }
}

TEST(Json, CountsDepthFromTheRoot) {
  EXPECT_EQ(refusal("[[[1]]]", 3), "");
  EXPECT_EQ(refusal("{\"a\":[{\"b\":{}}]}", 4), "");
  EXPECT_EQ(refusal("[[[[1]]]]", 3), "malformed json.depth");
  EXPECT_EQ(refusal("[[[{\"a\":1}]]]", 3), "malformed json.depth");
  EXPECT_EQ(refusal(std::string(200000, '[') + std::string(200000, ']')), "malformed json.depth");
  EXPECT_EQ(refusal(std::string(200000, '[')),
            "malformed json.syntax");  // the parser looks for the last bracket first
}

TEST(Json, FindsRepeatedKeysAtEveryLevelAfterUnescaping) {
  EXPECT_EQ(refusal(R"({"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 2}]})"), "");
  for (const char* bad :
       {R"({"a": 1, "a": 1})", R"({"w": 1, "\u0077": 2})", R"([1, {"x": [[{"a": 0, "b": [], "a": 0}]]}])"}) {
    EXPECT_EQ(refusal(bad), "malformed json.key.duplicate") << bad;
  }
}

TEST(Json, FindsRepeatedKeysAmongMany) {
  std::string keys;
  for (int i = 0; i < 1000; ++i) keys += "\"" + std::to_string(i) + "\": 1, ";
  EXPECT_EQ(refusal("{" + keys + "\"x\": 2}"), "");
  EXPECT_EQ(refusal("{" + keys + "\"500\": 2}"), "malformed json.key.duplicate");
  EXPECT_EQ(refusal(R"({"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0})"), "");
  EXPECT_EQ(refusal(R"({"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"7":0})"), "malformed json.key.duplicate");
  EXPECT_EQ(refusal(R"({"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"8":0})"), "malformed json.key.duplicate");
}

TEST(Json, OutlivesItsTextAndMoves) {
  JsonDocument first = parse(R"({"name": "value that is longer than a small string"})");
  const JsonDocument second = std::move(first);
  JsonMembersView members(second.root());
  ASSERT_TRUE(members.next());
  EXPECT_EQ(members.value().text(), "value that is longer than a small string");
}

#else

TEST(Json, IsUnsupportedWithoutItsParser) {
  try {
    parse("{}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
  }
}

#endif

}  // namespace
}  // namespace zt::wire
