#include "ztensor/dequantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "memory_file.h"

namespace zt {
namespace {

using test::open_bytes;
using test::written;

template <class T>
PartView part(std::string_view role, DType dtype, const std::vector<T>& elements, std::uint64_t count) {
  return {role, {.dtype = dtype, .shape = {count}, .data = std::as_bytes(std::span(elements)).data()}};
}

Value mx_attributes() { return Value::Map{{"block_size", 4}, {"scale_form", "e8m0_exponent"}}; }

Source with(const Shape& shape, std::string_view layout, const Value& attributes, const std::vector<PartView>& parts,
            const OpenOptions& options = {}, Encoding encoding = Encoding::raw()) {
  return open_bytes(
      written({.encoding = encoding},
              [&](Writer& writer) { writer.add_object("w", shape, layout, parts, {.attributes = attributes}); }),
      options);
}

// A file that someone cuts while it is open.
class CutStore final : public ByteStore {
 public:
  explicit CutStore(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (is_cut) throw Error(Code::io, "", "cut");
    bytes_.read_at(offset, out);
  }
  bool is_cut = false;

 private:
  MemoryStore bytes_;
};

template <class F>
void expect_error(Code code, const std::string& rule, F&& work) {
  try {
    work();
    FAIL() << "no error, expected " << rule;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(error.rule(), rule) << error.what();
    EXPECT_TRUE(std::string(error.what()).starts_with("memory.zt: tensor 'w': ")) << error.what();
  }
}

TEST(DequantizeTensor, Mxfp4OfAFileIsTheValuesWorkedOutByHand) {
  const std::vector<std::uint8_t> data = {0x21, 0x43, 0x65, 0xF7};  // 0.5 1 1.5 2 | 3 4 6 -6
  const std::vector<std::uint8_t> scales = {128, 126};
  const std::vector<PartView> parts = {part("data", DType::f4_e2m1, data, 8),
                                       part("scales", DType::f8_e8m0, scales, 2)};
  const Source source = with({2, 4}, "zt.mx/1", mx_attributes(), parts);
  EXPECT_EQ(dequantize(source.tensor("w")), (std::vector<float>{1, 2, 3, 4, 1.5, 2, 3, -3}));
}

TEST(DequantizeTensor, BlocksAlongTheFirstAxisTakeEachColumnsScale) {
  const std::vector<std::uint8_t> data = {64, 128, 32, 0, 64, 192, 64, 64};  // [4, 2] of i8: 1 -2 | .5 0 | 1 -1 | 1 1
  const std::vector<std::uint8_t> scales = {127, 129};
  Value attributes = mx_attributes();
  attributes.set("axis", 0);
  const std::vector<PartView> parts = {part("data", DType::i8, data, 8), part("scales", DType::f8_e8m0, scales, 2)};
  const Source source = with({4, 2}, "zt.mx/1", attributes, parts);
  EXPECT_EQ(dequantize(source.tensor("w")), (std::vector<float>{1, -8, 0.5, 0, 1, -4, 1, 4}));
}

TEST(DequantizeTensor, AScaleOfNaNAndTheEndsOfTheRangeAreAsIeee754Says) {
  const std::vector<std::uint8_t> data = {0x7E, 0x00, 0x7F, 0x01, 0x7E, 0x80, 0x01, 0x08};  // e4m3fn
  const std::vector<std::uint8_t> scales = {255, 254};
  const std::vector<PartView> parts = {part("data", DType::f8_e4m3fn, data, 8),
                                       part("scales", DType::f8_e8m0, scales, 2)};
  const std::vector<float> found = dequantize(with({8}, "zt.mx/1", mx_attributes(), parts).tensor("w"));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(std::isnan(found[static_cast<std::size_t>(i)]));
  EXPECT_EQ(found[4], std::numeric_limits<float>::infinity());  // 448 * 2^127
  EXPECT_TRUE(found[5] == 0 && std::signbit(found[5]));
  EXPECT_EQ(found[6], 0x1p118F);
  EXPECT_EQ(found[7], 0x1p121F);
}

Value quant_attributes(const Value& zero_point, const char* order) {
  return Value::Map{{"bits", 4},
                    {"group_size", 2},
                    {"axis", 0},
                    {"packing", Value::Map{{"word", "u16"}, {"order", order}, {"per_word", 4}}},
                    {"scale_form", "f32_factors"},
                    {"zero_point", zero_point}};
}

TEST(DequantizeTensor, QuantizedGroupsOfAFileAreTheValuesWorkedOutByHand) {
  const std::vector<std::uint16_t> data = {0x4321, 0xFEDC};  // lsb_first: 1 2 | 3 4 | 12 13 | 14 15
  const std::vector<float> scales = {1, 10, 0.5, 100};       // [2, 2]: groups, columns
  const std::vector<PartView> parts = {part("data", DType::u16, data, 2), part("scales", DType::f32, scales, 4)};
  const Value none = Value::Map{{"form", "none"}}, eight = Value::Map{{"form", "implied"}, {"value", 8}};
  EXPECT_EQ(dequantize(with({4, 2}, "zt.quant_group/1", quant_attributes(none, "lsb_first"), parts).tensor("w")),
            (std::vector<float>{1, 20, 3, 40, 6, 1300, 7, 1500}));
  EXPECT_EQ(dequantize(with({4, 2}, "zt.quant_group/1", quant_attributes(eight, "msb_first"), parts).tensor("w")),
            (std::vector<float>{-4, -50, -6, -70, 3.5, 600, 2.5, 400}));
}

TEST(DequantizeTensor, ZeroPointsAreReadPlainAndPacked) {
  const std::vector<std::int16_t> data = {0x4321, 0x4321};
  const std::vector<float> scales = {1, 1, 1, 1};
  const std::vector<std::int8_t> plain = {-1, 0, 1, 2};
  const std::vector<std::int16_t> packed = {0x3210};
  std::vector<PartView> parts = {part("data", DType::i16, data, 2), part("scales", DType::f32, scales, 4),
                                 part("zeros", DType::i8, plain, 4)};
  Value zero = Value::Map{{"form", "tensor"}, {"packing", "plain"}};
  EXPECT_EQ(dequantize(with({4, 2}, "zt.quant_group/1", quant_attributes(zero, "lsb_first"), parts).tensor("w")),
            (std::vector<float>{2, 2, 4, 4, 0, 0, 2, 2}));
  parts[2] = part("zeros", DType::i16, packed, 1);
  zero = Value::Map{{"form", "tensor"}, {"packing", "same_as_data"}};
  EXPECT_EQ(dequantize(with({4, 2}, "zt.quant_group/1", quant_attributes(zero, "lsb_first"), parts).tensor("w")),
            (std::vector<float>{1, 1, 3, 3, -1, -1, 1, 1}));
}

TEST(DequantizeTensor, CompressedPartsAndMemoryOfTheCallerWork) {
  const std::vector<std::uint8_t> data(1 << 16, 64), scales(1 << 11, 128);
  Value attributes = mx_attributes();
  attributes.set("block_size", 32);
  const std::vector<PartView> parts = {part("data", DType::i8, data, data.size()),
                                       part("scales", DType::f8_e8m0, scales, scales.size())};
  const Source source = with({1 << 16}, "zt.mx/1", attributes, parts, {}, Encoding::zstd(3));
  EXPECT_EQ(source.tensor("w").part("data").encoding(), "zstd");
  std::vector<float> out(1 << 16);
  dequantize_into(source.tensor("w"), out);
  EXPECT_EQ(out, std::vector<float>(1 << 16, 2.0F));
  expect_error(Code::usage, "", [&] { dequantize_into(source.tensor("w"), std::span(out).first(100)); });
}

TEST(DequantizeTensor, AsksForMemoryOnceThePartsWereRead) {
  const std::vector<std::uint8_t> data(64, 64), scales(2, 128);
  Value attributes = mx_attributes();
  attributes.set("block_size", 32);
  const std::vector<PartView> parts = {part("data", DType::i8, data, data.size()),
                                       part("scales", DType::f8_e8m0, scales, scales.size())};
  std::vector<float> out;
  const auto memory = [&](std::uint64_t elements) {
    out.resize(elements);
    return std::span(out);
  };
  const Source source = with({64}, "zt.mx/1", attributes, parts);
  dequantize_into(source.tensor("w"), memory);
  EXPECT_EQ(out, std::vector<float>(64, 2.0F));
  const auto too_small = [&](std::uint64_t) { return std::span(out).first(63); };
  expect_error(Code::usage, "", [&] { dequantize_into(source.tensor("w"), too_small); });
  // A file that was cut is reported before memory of the size of the result is allocated.
  const auto store = std::make_shared<CutStore>(
      written({}, [&](Writer& writer) { writer.add_object("w", {64}, "zt.mx/1", parts, {.attributes = attributes}); }));
  const Source cut = open(store, "memory.zt");
  store->is_cut = true;
  out.clear();
  expect_error(Code::io, "", [&] { dequantize_into(cut.tensor("w"), memory); });
  EXPECT_TRUE(out.empty());
}

TEST(DequantizeTensor, AFaultOfTheProfileIsThrownWithItsPlace) {
  const std::vector<std::uint8_t> data(8), scales(2);
  const std::vector<PartView> parts = {part("data", DType::f4_e2m1, data, 16),
                                       part("scales", DType::f8_e8m0, scales, 2)};
  const Source source = with({std::uint64_t{1} << 40, std::uint64_t{1} << 20}, "zt.mx/1", mx_attributes(), parts);
  expect_error(Code::malformed, "mx.data.length", [&] { (void)dequantize(source.tensor("w")); });
}

TEST(DequantizeTensor, TheResultIsHeldToTheLimit) {
  const std::vector<std::uint8_t> data(8), scales(4, 127);
  const std::vector<PartView> parts = {part("data", DType::f4_e2m1, data, 16),
                                       part("scales", DType::f8_e8m0, scales, 4)};
  OpenOptions options;
  options.limits.decoded_bytes = 64;
  EXPECT_EQ(dequantize(with({16}, "zt.mx/1", mx_attributes(), parts, options).tensor("w")).size(), 16);
  options.limits.decoded_bytes = 63;
  const Source source = with({16}, "zt.mx/1", mx_attributes(), parts, options);
  expect_error(Code::limit, "dequantize.limit", [&] { (void)dequantize(source.tensor("w")); });
}

TEST(DequantizeTensor, BlocksOfGgmlHaveTheirValues) {
  std::vector<std::uint8_t> blocks(68);
  for (std::size_t i = 0; i < 64; ++i) blocks[i / 32 * 34 + 2 + i % 32] = static_cast<std::uint8_t>(i - 30);
  blocks[1] = 0x38;   // 0.5, as a half
  blocks[35] = 0xC0;  // -2
  const std::vector<PartView> parts = {part("data", DType::u8, blocks, 68)};
  const Value attributes = Value::Map{{"elems_per_block", 32}, {"block_bytes", 34}};
  const Source source = with({2, 32}, "gguf.q8_0/1", attributes, parts);
  const std::vector<float> found = dequantize(source.tensor("w"));
  ASSERT_EQ(found.size(), 64U);
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(found[static_cast<std::size_t>(i)], static_cast<float>(i - 30) * (i < 32 ? 0.5F : -2.0F));
  EXPECT_EQ(source.tensor("w").type_name(), "q8_0");
  expect_error(Code::unsupported, "layout.unknown", [&] { (void)source.tensor("w").dtype(); });
}

TEST(DequantizeTensor, OtherLayoutsAreRefusedInTheirOwnWays) {
  const std::vector<float> dense(4);
  const Source plain =
      open_bytes(written({}, [&](Writer& writer) { writer.add("w", {4}, std::span<const float>(dense)); }));
  expect_error(Code::usage, "", [&] { (void)dequantize(plain.tensor("w")); });
  const std::vector<std::uint8_t> blocks(34);
  const std::vector<PartView> parts = {part("data", DType::u8, blocks, 34)};
  const Value attributes = Value::Map{{"elems_per_block", 32}, {"block_bytes", 34}};
  // ggml has this type for intermediate results alone
  const Source intermediate = with({32}, "gguf.q8_1/1", attributes, parts);
  expect_error(Code::unsupported, "layout.gguf", [&] { (void)dequantize(intermediate.tensor("w")); });
  const Source other = with({32}, "gguf.q4_0/1", attributes, parts);  // whose blocks have 18 bytes
  expect_error(Code::unsupported, "layout.gguf", [&] { (void)dequantize(other.tensor("w")); });
  const Source broken = with({33}, "gguf.q8_0/1", attributes, parts);
  expect_error(Code::malformed, "gguf.block.divide", [&] { (void)dequantize(broken.tensor("w")); });
}

}  // namespace
}  // namespace zt
