#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/utf8.h"
#include "foreign/gguf/gguf.h"
#include "foreign/gguf/types.h"
#include "foreign/gguf/values.h"
#include "random.h"
#include "ztensor/value.h"

namespace zt::foreign::gguf {
namespace {

model::Catalog with_attributes(const Value& attributes) {
  model::Catalog catalog;
  catalog.attributes = attributes.encode();
  return catalog;
}

Value written_and_read(const Value& attributes) {
  return Value::parse(decode(MemoryStore(kEncoder.index_head(with_attributes(attributes))), {}).attributes);
}

std::string fault(const Value& value) { return kEncoder.attribute_fault("k", value.encode()); }

TEST(GgufValues, HaveTheTypesThatFilesMostlyUse) {
  const auto type = [](const Value& value) { return usual_type(value.encode()); };
  EXPECT_EQ(type(7), "u32");
  EXPECT_EQ(type(std::uint64_t{1} << 32), "u64");
  EXPECT_EQ(type(-7), "i32");
  EXPECT_EQ(type(std::int64_t{-3'000'000'000}), "i64");
  EXPECT_EQ(type(0.5), "f32");
  EXPECT_EQ(type(0.1), "f64");
  EXPECT_EQ(type(true), "bool");
  EXPECT_EQ(type("a"), "str");
  EXPECT_EQ(type(std::vector<std::byte>(3)), "[u8]");
  EXPECT_EQ(type(Value::Array{1, -1}), "[i32]");
  EXPECT_EQ(type(Value::Array{1, std::uint64_t{1} << 31}), "[u32]");
  EXPECT_EQ(type(Value::Array{-1, std::uint64_t{1} << 31}), "[i64]");
  EXPECT_EQ(type(Value::Array{~std::uint64_t{0}}), "[u64]");
  EXPECT_EQ(type(Value::Array{0.5, 1e-46}), "[f64]");
  EXPECT_EQ(type(Value::Array{"a", std::vector<std::byte>(1)}), "[str]");
  EXPECT_EQ(type(Value::Array{Value::Array{1}, Value::Array{2}}), "[[i32]]");
  EXPECT_EQ(type(Value::Array{Value::Array{1}, Value::Array{"a"}}), "[[i32],[str]]");
}

TEST(GgufValues, HaveNoTypeThatGgufLacks) {
  EXPECT_NE(fault(Value()), "");
  EXPECT_NE(fault(Value::Map{{"a", 1}}), "");
  EXPECT_NE(fault(Value::Array{1, "a"}), "");
  EXPECT_NE(fault(Value::Array{1, 0.5}), "");
  EXPECT_NE(fault(Value::Array{-1, ~std::uint64_t{0}}), "");
  EXPECT_NE(fault(Value(Value::Negative{~std::uint64_t{0}})), "");
  EXPECT_NE(fault(Value::tagged(1, 5)), "");
  const auto nested = [](const Value& inner) { return Value(Value::Array{inner}); };
  const Value deep = nested(nested(nested(nested(1))));
  EXPECT_EQ(fault(deep), "");
  EXPECT_NE(fault(nested(deep)), "");
  EXPECT_NE(kEncoder.attribute_fault("general.alignment", Value(3).encode()), "");
  EXPECT_NE(kEncoder.attribute_fault("", Value(3).encode()), "");
}

TEST(GgufEncode, RefusesKeysOfASplitThatReadersRefuse) {
  for (const char* key : {"split.no", "split.count", "split.tensors.count"}) {
    EXPECT_NE(kEncoder.attribute_fault(key, Value("1").encode()), "") << key;
    EXPECT_NE(kEncoder.attribute_fault(key, Value(-1).encode()), "") << key;
    EXPECT_EQ(kEncoder.attribute_fault(key, Value(1).encode()), "") << key;
  }
  EXPECT_EQ(kEncoder.attribute_fault("split.other", Value("1").encode()), "");
}

TEST(GgufEncode, KeepsAttributesOfUsualTypes) {
  const Value given(Value::Map{{"z", "text"},
                               {"a", 5},
                               {"list", Value::Array{0.5, -2.0}},
                               {"bytes", std::vector<std::byte>(9)},
                               {"nested", Value::Array{Value::Array{1}, Value::Array{"a"}}}});
  const Value found = written_and_read(given);
  for (const auto& [key, value] : *given.members()) EXPECT_EQ(*found.find(*key.text()), value) << *key.text();
  EXPECT_EQ((*found.members())[0].first, Value("z"));
}

// Attributes that a decoder gave make the same file.
TEST(GgufEncode, MakesTheSameBytesAgain) {
  test::Random random(31);
  for (int round = 0; round < test::rounds(300); ++round) {
    HeaderWriter file(3);
    file.bytes(as_bytes("GGUF"));
    file.u32(3);
    file.u64(0);
    const std::uint64_t count = random.below(6);
    file.u64(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      file.string(as_bytes("k" + std::to_string(i)));
      auto kind = static_cast<std::uint32_t>(random.below(kKinds));
      file.u32(kind);
      std::uint64_t items = 1;
      for (unsigned depth = 0; kind == static_cast<std::uint32_t>(Kind::array) && items == 1; ++depth) {
        kind = static_cast<std::uint32_t>(random.below(kKinds));
        if (depth == 3 && kind == static_cast<std::uint32_t>(Kind::array)) kind = 0;
        items = kind == static_cast<std::uint32_t>(Kind::array) ? random.below(2) : random.below(4);
        file.u32(kind);
        file.u64(items);
        if (items != 1) break;
      }
      if (kind == static_cast<std::uint32_t>(Kind::array)) continue;
      for (std::uint64_t k = 0; k < items; ++k) {
        if (static_cast<Kind>(kind) == Kind::string) {
          file.string(random.bytes(random.below(4)));
        } else if (static_cast<Kind>(kind) == Kind::boolean) {
          file.number(random.below(2), 1);
        } else {
          file.bytes(random.bytes(row_of(static_cast<Kind>(kind)).bytes));
        }
      }
    }
    const std::vector<std::byte> original = file.buffer();
    model::Catalog catalog;
    catalog.attributes = decode(MemoryStore(original), {}).attributes;
    ASSERT_TRUE(kEncoder.index_head(catalog) == original) << random.name() << ", round " << round;
  }
}

TEST(GgufEncode, WritesAChangedValueAsItsUsualType) {
  const Value found = written_and_read(Value::Map{{"a", 300}, {kValueTypes, Value::Map{{"a", "u8"}}}});
  EXPECT_EQ(*found.find("a"), Value(300));
  EXPECT_EQ(found.find(kValueTypes), nullptr);
}

TEST(GgufEncode, IgnoresTypesThatAreNone) {
  for (const char* type : {"", "[", "]", "[]", "[[", "[[]", "[,]", "[[u8],[u8]]", "u9", "[array]", "array"}) {
    const Value found = written_and_read(Value::Map{
        {"a", Value::Array{Value(Value::Array{1, 2})}}, {"b", 1}, {kValueTypes, Value::Map{{"a", type}, {"b", type}}}});
    EXPECT_EQ(*found.find("a"), Value(Value::Array{Value(Value::Array{1, 2})})) << type;
    EXPECT_EQ(*found.find("b"), Value(1)) << type;
  }
}

std::string tensor_fault(std::string_view layout, std::vector<std::uint64_t> shape, std::optional<DType> dtype,
                         const Value& attributes = {}) {
  const std::vector<std::byte> cbor = attributes.is_null() ? std::vector<std::byte>() : attributes.encode();
  return kEncoder.tensor_fault({.layout = layout, .shape = shape, .dtype = dtype, .attributes = cbor});
}

TEST(GgufEncode, HoldsTheTensorsOfItsTypes) {
  const Value q4(Value::Map{{"elems_per_block", 32}, {"block_bytes", 18}});
  EXPECT_EQ(tensor_fault("dense", {2, 3}, DType::bf16), "");
  EXPECT_EQ(tensor_fault("gguf.q4_0/1", {2, 64}, DType::u8, q4), "");
  EXPECT_NE(tensor_fault("dense", {2, 3}, DType::u8), "");
  EXPECT_NE(tensor_fault("dense", {2, 3}, DType::boolean), "");
  EXPECT_NE(tensor_fault("dense", {1, 1, 1, 1, 1}, DType::f32), "");
  EXPECT_NE(tensor_fault("gguf.q4_0/1", {64, 2}, DType::u8, q4), "");
  EXPECT_NE(tensor_fault("gguf.q4_1/1", {2, 64}, DType::u8, q4), "");
  EXPECT_NE(tensor_fault("gguf.q4_0/1", {2, 64}, DType::u8), "");
  EXPECT_NE(tensor_fault("gguf.q9_9/1", {2, 64}, DType::u8, q4), "");
}

TEST(GgufEncode, AlignsTheDataAsTheAttributesSay) {
  model::Catalog catalog = with_attributes(Value::Map{{"general.alignment", 256}});
  const std::vector<std::uint64_t> shape = {4};
  catalog.add_tensor("w", shape, "dense", {});
  catalog.add_part("data", DType::f32, {.stored_length = 16, .decoded_length = 16}, "");
  EXPECT_EQ(kEncoder.index_head(catalog).size() % 256, 0U);
  EXPECT_EQ(kEncoder.alignment_of(catalog.attributes), 256U);
  EXPECT_EQ(kEncoder.alignment_of({}), 32U);
}

TEST(GgufEncode, KeepsVersions) {
  for (const int version : {1, 2, 3}) {
    const Value found = written_and_read(Value::Map{{"a", "b"}, {kVersion, version}});
    EXPECT_EQ(*found.find(kVersion), Value(version));
    EXPECT_EQ(*found.find("a"), Value("b"));
  }
}

}  // namespace
}  // namespace zt::foreign::gguf
