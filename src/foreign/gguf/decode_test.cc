#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "errors.h"
#include "foreign/gguf/gguf.h"
#include "foreign/gguf/types.h"
#include "foreign/gguf/values.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace zt::foreign::gguf {
namespace {

// A little-endian file of version 3 that is made step by step.
class File {
 public:
  File(std::uint64_t tensors, std::uint64_t keys) {
    out_.bytes(as_bytes("GGUF"));
    out_.u32(3);
    out_.u64(tensors);
    out_.u64(keys);
  }
  File& key(std::string_view key, Kind kind) {
    out_.string(as_bytes(key));
    out_.u32(static_cast<std::uint32_t>(kind));
    return *this;
  }
  File& number(std::uint64_t value, unsigned bytes) {
    out_.number(value, bytes);
    return *this;
  }
  File& array(Kind kind, std::uint64_t count) {
    out_.u32(static_cast<std::uint32_t>(kind));
    out_.u64(count);
    return *this;
  }
  File& string(std::string_view text) {
    out_.string(as_bytes(text));
    return *this;
  }
  File& bytes(std::uint64_t count) {
    out_.buffer().resize(out_.buffer().size() + count);
    return *this;
  }
  File& tensor(std::string_view name, std::vector<std::uint64_t> dimensions, std::uint32_t type, std::uint64_t offset) {
    string(name).number(dimensions.size(), 4);
    for (const std::uint64_t size : dimensions) number(size, 8);
    return number(type, 4).number(offset, 8);
  }
  std::uint64_t size() const { return out_.buffer().size(); }
  File& pad() { return bytes((32 - out_.buffer().size() % 32) % 32); }
  model::Catalog decode(const Limits& limits = {}) { return gguf::decode(MemoryStore(out_.buffer()), limits); }

 private:
  mutable HeaderWriter out_{3};
};

Value attributes_of(const model::Catalog& catalog) { return Value::parse(catalog.attributes); }

const char* rule_of(File& file) {
  try {
    file.decode();
  } catch (const Error& error) {
    return error.rule();
  }
  return "";
}

TEST(GgufSniff, KnowsContentAndName) {
  const auto store = [](std::string_view text) {
    return MemoryStore(std::vector<std::byte>(as_bytes(text).begin(), as_bytes(text).end()));
  };
  EXPECT_TRUE(sniff(store("GGUF"), ""));
  EXPECT_TRUE(sniff(store("FUGG...."), ""));
  EXPECT_TRUE(sniff(store(""), "m.gguf"));
  EXPECT_FALSE(sniff(store("GGU"), ""));
  EXPECT_FALSE(sniff(store("GGML...."), "gguf"));
}

TEST(GgufDecode, GivesShapesWithTheFastestDimensionLast) {
  File file(2, 0);
  file.tensor("w", {3, 2}, 0, 0).tensor("q", {64, 5}, 2, 32).pad().bytes(32 + 180);
  const model::Catalog catalog = file.decode();
  const auto shape = catalog.shape(catalog.tensor(0));
  EXPECT_EQ(std::vector<std::uint64_t>(shape.begin(), shape.end()), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(catalog.part(0).dtype, DType::f32);
  EXPECT_EQ(catalog.word(catalog.tensor(1).layout), "gguf.q4_0/1");
  EXPECT_EQ(catalog.part(1).recipe.stored_length, 180U);
  const Value block = Value::parse(as_bytes(catalog.text(catalog.tensor(1).attributes)));
  EXPECT_EQ(block.find("elems_per_block")->unsigned_integer(), 32U);
  EXPECT_EQ(block.find("block_bytes")->unsigned_integer(), 18U);
}

TEST(GgufDecode, GivesAttributesInTheOrderOfTheFile) {
  File file(0, 3);
  file.key("z", Kind::string)
      .string("last letter")
      .key("a", Kind::u8)
      .number(7, 1)
      .key("b", Kind::i32)
      .number(~0ULL, 4);
  const Value found = attributes_of(file.decode());
  const Value::Map& members = *found.members();
  ASSERT_EQ(members.size(), 5U);
  EXPECT_EQ(*members[0].first.text(), "z");
  EXPECT_EQ(*members[1].first.text(), "a");
  EXPECT_EQ(members[1].second, Value(7));
  EXPECT_EQ(members[2].second, Value(-1));
  EXPECT_EQ(members[3].second, Value(3));                               // the version
  EXPECT_EQ(*found.find(kValueTypes), Value(Value::Map{{"a", "u8"}}));  // the i32 is of the usual type
}

TEST(GgufDecode, KeepsAnArrayOfBytesAsBytes) {  // GG-06: hundreds of megabytes of them are no more in the attributes
  constexpr std::uint64_t kCount = 5'000'000;
  File file(0, 1);
  file.key("k", Kind::array).array(Kind::u8, kCount).bytes(kCount);
  const model::Catalog catalog = file.decode();
  EXPECT_LT(catalog.attributes.size(), kCount + 100);
  EXPECT_EQ(attributes_of(catalog).find("k")->bytes()->size(), kCount);
}

TEST(GgufDecode, TakesStringsThatAreLongerThanItsWindow) {  // GG-26
  const std::string text(3'000'000, 'x');
  File file(0, 2);
  file.key("a", Kind::string).string(text).key("b", Kind::u32).number(5, 4);
  const Value found = attributes_of(file.decode());
  EXPECT_EQ(*found.find("a")->text(), text);
  EXPECT_EQ(*found.find("b"), Value(5));
}

TEST(GgufDecode, OpensManyKeysAndTensors) {  // GG-13: not by comparing each with all others
  constexpr std::uint64_t kCount = 200'000;
  File file(kCount, kCount);
  for (std::uint64_t i = 0; i < kCount; ++i) file.key("key." + std::to_string(i), Kind::boolean).number(1, 1);
  for (std::uint64_t i = 0; i < kCount; ++i) file.tensor("tensor." + std::to_string(i), {8}, 0, 32 * i);
  file.pad().bytes(32 * kCount);
  const model::Catalog catalog = file.decode();
  EXPECT_EQ(catalog.size(), kCount);
  EXPECT_EQ(attributes_of(catalog).members()->size(), kCount + 1);
}

TEST(GgufDecode, KeepsPiecesOfCharactersAsBytes) {
  File file(0, 1);
  file.key("tokens", Kind::array).array(Kind::string, 2).string("a").string("\xE4");
  const Value found = attributes_of(file.decode());
  const Value::Array& tokens = *found.find("tokens")->array();
  EXPECT_EQ(tokens[0], Value("a"));
  EXPECT_EQ(tokens[1], Value(std::vector<std::byte>{std::byte{0xE4}}));
  EXPECT_EQ(found.find(kValueTypes), nullptr);
}

TEST(GgufDecode, RefusesAKeyThatIsTooLong) {
  File file(0, 1);
  file.key(std::string(65536, 'k'), Kind::u8).number(1, 1);
  EXPECT_STREQ(rule_of(file), "gguf.key.length");
  File longest(0, 1);
  longest.key(std::string(65535, 'k'), Kind::u8).number(1, 1);
  EXPECT_STREQ(rule_of(longest), "");
}

TEST(GgufDecode, AsksLittleMemoryForClaims) {
  File file(1'000'000'000, 0);
  EXPECT_STREQ(rule_of(file), "gguf.count.tensors");
}

TEST(GgufDecode, StopsAtTheLimitOfTheIndex) {
  File file(0, 1);
  file.key("k", Kind::array).array(Kind::u8, 1000).bytes(1000);
  EXPECT_NO_THROW(file.decode({.index_bytes = 2000}));
  try {
    file.decode({.index_bytes = 900});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::limit);
    EXPECT_STREQ(error.rule(), "gguf.header.limit");
  }
}

TEST(GgufDecode, AnEmptyTensorNeedsNoPaddingBeforeIt) {
  const auto file = [](std::uint64_t offset) {
    return File(2, 0).tensor("a", {3}, 0, 0).tensor("none", {0}, 0, offset).pad().bytes(12);  // 3 floats, no padding
  };
  const model::Catalog catalog = file(32).decode();
  EXPECT_EQ(catalog.fault(catalog.tensor(1).fault), nullptr);
  EXPECT_LE(catalog.part(1).recipe.offset, file(32).size());
  const model::Catalog far = file(64).decode();
  ASSERT_NE(far.fault(far.tensor(1).fault), nullptr);
  EXPECT_STREQ(far.fault(far.tensor(1).fault)->rule, "gguf.tensor.bounds");
}

TEST(GgufSplit, IsToldByTheKeys) {
  File file(0, 4);
  file.key("general.name", Kind::string).string("x").key("split.no", Kind::u16).number(1, 2);
  file.key("split.count", Kind::u16).number(3, 2).key("split.tensors.count", Kind::i32).number(99, 4);
  const model::Catalog catalog = file.decode();
  const auto split = split_of(catalog.attributes);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->number, 1U);
  EXPECT_EQ(split->count, 3U);
  EXPECT_EQ(split->tensors, 99U);
  EXPECT_EQ(catalog.notes.size(), 1U);
  File whole(0, 0);
  EXPECT_FALSE(split_of(whole.decode().attributes));
}

}  // namespace
}  // namespace zt::foreign::gguf
