#include "container/zt01/zt01.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::container::zt01 {
namespace {

using model::Recipe;
using model::View;

MemoryStore store_of(std::string_view bytes) {
  return MemoryStore(std::vector<std::byte>(as_bytes(bytes).begin(), as_bytes(bytes).end()));
}

std::string refusal(std::string_view bytes) {
  try {
    decode(store_of(bytes), {});
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

std::string u64(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

// The fields of one entry of a test.
struct Fields {
  std::string name = "w";
  std::string dtype = "float32";
  std::string layout = "dense";
  std::vector<std::uint64_t> shape;
  std::uint64_t size = 0;
  std::string encoding = "raw";
  std::string endianness = {};
  std::string custom = {};  // one more member, as an encoded key and value
};

void put(wire::CborWriter& out, const Fields& fields) {
  out.map(7 + (fields.endianness.empty() ? 0U : 1U) + (fields.custom.empty() ? 0U : 1U));
  const auto text = [&](std::string_view key, std::string_view value) {
    out.text(key);
    out.text(value);
  };
  text("dtype", fields.dtype);
  text("layout", fields.layout);
  text("encoding", fields.encoding);
  if (!fields.endianness.empty()) text("data_endianness", fields.endianness);
  out.raw(as_bytes(fields.custom));
  text("name", fields.name);
  out.text("offset");
  out.unsigned_integer(64);
  out.text("size");
  out.unsigned_integer(fields.size);
  out.text("shape");
  out.array(fields.shape.size());
  for (const std::uint64_t dimension : fields.shape) out.unsigned_integer(dimension);
}

// A file of these tensors, all over the same blob of 256 zeros.
model::Catalog decode_file(const std::vector<Fields>& tensors) {
  wire::CborWriter index;
  index.array(tensors.size());
  for (const Fields& fields : tensors) put(index, fields);
  const std::string bytes =
      "ZTEN0001" + std::string(56 + 256, '\0') + std::string(as_text(index.buffer())) + u64(index.buffer().size());
  return decode(store_of(bytes), {});
}

const Recipe& recipe_of(const model::Catalog& catalog, std::string_view role) {
  const auto part = catalog.find_part(catalog.tensor(0), role);
  EXPECT_TRUE(part.has_value()) << role;
  const Recipe& recipe = catalog.part(part.value()).recipe;
  EXPECT_EQ(recipe.offset, 64U);
  return recipe;
}

View view_of(const model::Catalog& catalog, std::string_view role) {
  const Recipe& recipe = recipe_of(catalog, role);
  const View view = catalog.view(recipe.view);
  std::uint64_t bytes = view.element_bytes;
  for (const std::uint64_t size : view.shape) bytes *= size;
  EXPECT_EQ(recipe.decoded_length, bytes);
  return view;
}

void expect_view(const View& view, std::uint64_t start, const std::vector<std::uint64_t>& shape,
                 const std::vector<std::int64_t>& strides, std::uint32_t element) {
  EXPECT_EQ(view.start, start);
  EXPECT_TRUE(std::ranges::equal(view.shape, shape));
  EXPECT_TRUE(std::ranges::equal(view.strides, strides));
  EXPECT_EQ(view.element_bytes, element);
}

const model::Fault* fault_of(const model::Catalog& catalog) { return catalog.fault(catalog.tensor(0).fault); }

TEST(Zt01Decode, ReadsFilesWithoutTensors) {
  EXPECT_EQ(decode(store_of("ZTEN0001\x80" + u64(1)), {}).size(), 0U);
  EXPECT_EQ(decode(store_of("ZTEN0001" + u64(0)), {}).format, "zt-0.1");
}

TEST(Zt01Decode, RefusesFilesThatDoNotBeginWithTheMagic) {
  EXPECT_EQ(refusal("ZTEN0002\x80" + u64(1)), "malformed zt01.header.magic");
  EXPECT_EQ(refusal("ZTEN0001"), "malformed zt01.size");
}

TEST(Zt01Decode, GivesALittleEndianTensorAsItLies) {
  const model::Catalog catalog = decode_file({{.shape = {2, 2}, .size = 16, .endianness = "little"}});
  EXPECT_EQ(fault_of(catalog), nullptr);
  EXPECT_EQ(catalog.part(0).recipe.view, model::kWhole);
  EXPECT_EQ(catalog.part(0).recipe.decoded_length, 16U);
  EXPECT_EQ(catalog.part(0).dtype, DType::f32);
  EXPECT_EQ(catalog.word(catalog.part(0).storage), "float32");
}

TEST(Zt01Decode, TurnsBigEndianElementsAround) {
  const model::Catalog catalog = decode_file({{.shape = {2, 2}, .size = 16, .endianness = "big"}});
  EXPECT_EQ(recipe_of(catalog, "data").view, model::kWhole);
  EXPECT_EQ(recipe_of(catalog, "data").swap, 4U);
  EXPECT_EQ(catalog.word(catalog.part(0).storage), "float32");
}

TEST(Zt01Decode, SplitsRowsIntoThreeParts) {
  const model::Catalog catalog = decode_file({{.layout = "sparsecsr", .shape = {2, 3}, .size = 24 + 3 * 12}});
  EXPECT_EQ(fault_of(catalog), nullptr);
  EXPECT_EQ(catalog.word(catalog.tensor(0).layout), "sparse_csr");
  expect_view(view_of(catalog, "indptr"), 0, {3}, {8}, 8);
  expect_view(view_of(catalog, "indices"), 24, {3}, {8}, 8);
  expect_view(view_of(catalog, "values"), 48, {3}, {4}, 4);
  EXPECT_EQ(view_of(catalog, "values").blob_length, 60U);
}

TEST(Zt01Decode, GathersInterleavedRecordsAxisByAxis) {
  const model::Catalog catalog =
      decode_file({{.dtype = "bfloat16", .layout = "sparsecoo", .shape = {5, 6, 7}, .size = 4 * 26}});
  EXPECT_EQ(catalog.word(catalog.tensor(0).layout), "sparse_coo");
  expect_view(view_of(catalog, "coords"), 0, {3, 4}, {8, 26}, 8);
  expect_view(view_of(catalog, "values"), 24, {4}, {26}, 2);
}

TEST(Zt01Decode, TurnsIndicesAroundByTheirOwnSize) {
  const model::Catalog wide =
      decode_file({{.dtype = "int16", .layout = "sparsecoo", .shape = {9}, .size = 20, .endianness = "big"}});
  EXPECT_EQ(recipe_of(wide, "coords").swap, 8U);
  EXPECT_EQ(recipe_of(wide, "values").swap, 2U);
  const model::Catalog bytes =
      decode_file({{.dtype = "int8", .layout = "sparsecoo", .shape = {9}, .size = 18, .endianness = "big"}});
  EXPECT_EQ(recipe_of(bytes, "coords").swap, 0U);  // the mark means nothing for types of one byte
}

TEST(Zt01Decode, KeepsKeysThatItDoesNotKnowAsAttributes) {
  const model::Catalog catalog = decode_file({{.shape = {1}, .size = 4, .custom = "\x64note\x82\x01\xF6"}});
  EXPECT_EQ(catalog.text(catalog.tensor(0).attributes), "\xA1\x64note\x82\x01\xF6");
}

TEST(Zt01Decode, TakesTheFirstOfEqualNamesAndSaysSo) {
  const model::Catalog catalog =
      decode_file({{.shape = {1}, .size = 4}, {.shape = {2}, .size = 8}, {.name = "x", .shape = {1}, .size = 4}});
  EXPECT_EQ(catalog.size(), 2U);
  EXPECT_EQ(catalog.shape(catalog.tensor(0))[0], 1U);
  ASSERT_EQ(catalog.notes.size(), 1U);
  EXPECT_NE(catalog.notes[0].find("'w'"), std::string::npos) << catalog.notes[0];
}

TEST(Zt01Decode, ListsATensorThatItCannotRead) {
  const model::Catalog unknown = decode_file({{.dtype = "float128", .shape = {1}, .size = 16}});
  ASSERT_NE(fault_of(unknown), nullptr);
  EXPECT_STREQ(fault_of(unknown)->rule, "zt01.dtype");
  const model::Catalog foreign = decode_file({{.layout = "sparse_csr", .shape = {1, 1}, .size = 28}});
  ASSERT_NE(fault_of(foreign), nullptr);
  EXPECT_STREQ(fault_of(foreign)->rule, "zt01.layout");
  EXPECT_EQ(foreign.part(0).fault, model::kNone);  // its bytes can be read
}

TEST(Zt01Sniff, KnowsTheMagic) {
  EXPECT_TRUE(sniff(store_of("ZTEN0001"), ""));
  EXPECT_FALSE(sniff(store_of("ZTEN000"), "model.zt"));
  EXPECT_FALSE(sniff(store_of("ZTEN1000"), "model.zt"));
}

}  // namespace
}  // namespace zt::container::zt01
