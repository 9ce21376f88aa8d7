#include "write/attributes.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "container/zt10/zt10.h"
#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "errors.h"
#include "foreign/safetensors.h"

namespace zt::write {
namespace {

const model::Encoder& k10 = container::zt10::kEncoder;
const model::Encoder& k12 = container::zt12::kEncoder;
const model::Encoder& k2 = container::zt2::kEncoder;

template <class Work>
bool passes(Work&& work) {
  return test::code_of(work) == Code::internal;  // error_of() gives this if there is no error
}

TEST(Attributes, AttributesAreStoredAsTheFormatHasThem) {
  const Value map = Value::Map{{"b", 1}, {"a", 2}};
  EXPECT_TRUE(encode_attributes({}, k12, true, {}).empty());
  EXPECT_EQ(encode_attributes(map, k12, true, {}), map.encode());
  EXPECT_EQ(encode_attributes(map, k2, true, {}), map.encode_sorted());
  EXPECT_EQ(test::code_of([] { encode_attributes(Value(1), k12, true, {}); }), Code::usage);
  EXPECT_EQ(test::code_of([] { encode_attributes(Value::Map{{1, 1}}, k12, true, {}); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { encode_attributes(map, k10, true, {}); }), Code::unsupported) << "1.0 holds only text";
  const Value empty_key = Value::Map{{"", 1}};
  EXPECT_TRUE(passes([&] { encode_attributes(empty_key, k12, true, {}); }));
  EXPECT_EQ(test::code_of([&] { encode_attributes(empty_key, k2, true, {}); }), Code::usage);
  // An array with one array in braces is a copy of the latter for some compilers: name the Value.
  const Value deep = Value::Map{{"a", Value::Array{Value(Value::Array{1})}}};
  Limits shallow{.depth = 8};  // the index around the attributes takes four levels
  EXPECT_TRUE(passes([&] { encode_attributes(deep, k12, true, shallow); }));
  shallow.depth = 7;
  EXPECT_EQ(test::code_of([&] { encode_attributes(deep, k12, true, shallow); }), Code::usage);
}

std::size_t losses(const Value& attributes, const model::Encoder& encoder, bool of_file) {
  return losses_of_attributes(attributes, encoder, of_file).size();
}

TEST(Attributes, TellsWhatAttributesLoseAndKeepsTheRest) {
  const Value plain = Value::Map{{"a", Value::Array{1, "x"}}};
  for (const model::Encoder* encoder : {&k12, &k2}) {
    EXPECT_EQ(losses(plain, *encoder, true), 0U);
    EXPECT_TRUE(reduced_attributes(plain, *encoder, true) == plain);
  }
  EXPECT_EQ(losses(plain, k10, false), 1U) << "1.0 holds no attributes of tensors";
  EXPECT_TRUE(reduced_attributes(plain, k10, false).is_null());
  EXPECT_EQ(losses(plain, k10, true), 1U) << "1.0 holds only text in attributes of files";
  const Value odd = Value::Map{{1, "no text key"}, {"", "no key"}, {"t", Value::tagged(9000, Value(1))}, {"a", 1}};
  EXPECT_EQ(losses(odd, k12, true), 1U);
  EXPECT_EQ(losses(odd, k2, true), 3U);
  EXPECT_TRUE(reduced_attributes(odd, k2, true) == Value(Value::Map{{"t", 1}, {"a", 1}}));
}

TEST(Attributes, WhatTheLibraryNotesForItselfIsLeftOutWhereItMeansNothing) {
  const model::Encoder& safetensors = foreign::safetensors::kEncoder;
  const Value map = Value::Map{{"ztensor.source.format", "pt"}, {"k", "v"}};
  EXPECT_EQ(losses(map, safetensors, true), 0U);
  EXPECT_TRUE(reduced_attributes(map, safetensors, true) == Value(Value::Map{{"k", "v"}}));
  EXPECT_EQ(encode_attributes(map, safetensors, true, {}), Value(Value::Map{{"k", "v"}}).encode());
  const Value twice = Value::Map{{"k", "v"}, {"k", "w"}};
  EXPECT_EQ(test::code_of([&] { encode_attributes(twice, safetensors, true, {}); }), Code::usage);
}

}  // namespace
}  // namespace zt::write
