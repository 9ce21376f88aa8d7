#include "container/profiles/profiles.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "ztensor/error.h"

namespace zt::container {
namespace {

constexpr std::uint64_t kHuge = std::uint64_t{1} << 63;

// Owns everything that a Profile borrows.
struct Case {
  std::string layout;
  std::vector<std::uint64_t> shape;
  Value attributes;
  std::vector<ProfilePart> parts;
  bool to_write = false;

  Profile profile() const { return {layout, shape, attributes, parts, to_write}; }
  ProfilePart& part(std::string_view role) {
    for (ProfilePart& part : parts) {
      if (part.role == role) return part;
    }
    throw std::logic_error("no such part");
  }
};

Case mx() {
  return {.layout = "zt.mx/1",
          .shape = {4, 64},
          .attributes = Value::Map{{"block_size", 32}, {"scale_form", "e8m0_exponent"}},
          .parts = {{"data", DType::f4_e2m1, 128}, {"scales", DType::f8_e8m0, 8}}};
}

Value zero_tensor(const char* packing) { return Value::Map{{"form", "tensor"}, {"packing", packing}}; }

// [8, 64] codes of 4 bits in u32, groups of 32 along the last axis: 16 scales.
Case quant() {
  return {.layout = "zt.quant_group/1",
          .shape = {8, 64},
          .attributes = Value::Map{{"bits", 4},
                                   {"group_size", 32},
                                   {"axis", 1},
                                   {"packing", Value::Map{{"word", "u32"}, {"order", "lsb_first"}, {"per_word", 8}}},
                                   {"scale_form", "f16_factors"},
                                   {"zero_point", Value::Map{{"form", "none"}}}},
          .parts = {{"data", DType::u32, 256}, {"scales", DType::f16, 32}}};
}

Case quant_with_zeros(const char* packing, DType dtype, std::uint64_t length) {
  Case made = quant();
  made.attributes.set("zero_point", zero_tensor(packing));
  made.parts.push_back({"zeros", dtype, length});
  return made;
}

Case gguf() {
  return {.layout = "gguf.q8_0/1",
          .shape = {2, 64},
          .attributes = Value::Map{{"elems_per_block", 32}, {"block_bytes", 34}},
          .parts = {{"data", DType::u8, 136}}};
}

void packing(Case& made, std::string_view key, Value value) {
  Value changed = *made.attributes.find("packing");
  changed.set(key, std::move(value));
  made.attributes.set("packing", changed);
}

std::string broken(const Case& made) {
  try {
    check_profile(made.profile());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::malformed) << error.what();
    return error.rule();
  }
  return "";
}

struct Fault {
  const char* rule;
  std::function<void(Case&)> make;
};

void expect_faults(const std::function<Case()>& valid, const std::vector<Fault>& faults) {
  EXPECT_EQ(broken(valid()), "");
  for (std::size_t i = 0; i < faults.size(); ++i) {
    Case made = valid();
    faults[i].make(made);
    EXPECT_EQ(broken(made), faults[i].rule) << "case " << i;
  }
}

TEST(Profiles, MxRulesAreHeld) {
  expect_faults(mx, {
                        {"mx.parts", [](Case& c) { c.parts.pop_back(); }},
                        {"mx.parts", [](Case& c) { c.parts.erase(c.parts.begin()); }},
                        {"mx.parts",
                         [](Case& c) {
                           c.parts.push_back({"zeros", DType::u8, 8});
                         }},
                        {"mx.block", [](Case& c) { c.attributes = Value(); }},
                        {"mx.block", [](Case& c) { c.attributes.set("block_size", 1); }},
                        {"mx.block", [](Case& c) { c.attributes.set("block_size", -32); }},
                        {"mx.block", [](Case& c) { c.attributes.set("block_size", 32.0); }},
                        {"mx.block.divide", [](Case& c) { c.attributes.set("block_size", 48); }},
                        {"mx.block.divide", [](Case& c) { c.attributes.set("axis", 0); }},
                        {"mx.form", [](Case& c) { c.attributes.set("scale_form", "f32_factors"); }},
                        {"mx.form", [](Case& c) { c.attributes.set("scale_form", 8); }},
                        {"mx.axis", [](Case& c) { c.attributes.set("axis", 2); }},
                        {"mx.axis", [](Case& c) { c.attributes.set("axis", -1); }},
                        {"mx.axis", [](Case& c) { c.attributes.set("axis", Value()); }},
                        {"mx.axis", [](Case& c) { c.shape.clear(); }},
                        {"mx.data.dtype", [](Case& c) { c.part("data").dtype = DType::u8; }},
                        {"mx.data.dtype", [](Case& c) { c.part("data").dtype = DType::f8_e4m3fnuz; }},
                        {"mx.data.dtype", [](Case& c) { c.part("data").dtype.reset(); }},
                        {"mx.data.length", [](Case& c) { c.part("data").length = 127; }},
                        {"mx.data.length", [](Case& c) { c.part("data").dtype = DType::i8; }},
                        {"mx.scales.dtype", [](Case& c) { c.part("scales").dtype = DType::u8; }},
                        {"mx.scales.length", [](Case& c) { c.part("scales").length = 9; }},
                        {"mx.scales.length", [](Case& c) { c.attributes.set("block_size", 16); }},
                        {"mx.shape",
                         [](Case& c) {
                           c.shape = {kHuge, 64};
                         }},
                    });
}

TEST(Profiles, QuantRulesAreHeld) {
  expect_faults(quant,
                {
                    {"quant.parts", [](Case& c) { c.parts.pop_back(); }},
                    {"quant.parts", [](Case& c) { c.parts.erase(c.parts.begin()); }},
                    {"quant.parts",
                     [](Case& c) {
                       c.parts.push_back({"zeros", DType::u8, 16});
                     }},
                    {"quant.parts", [](Case& c) { c.attributes.set("zero_point", zero_tensor("plain")); }},
                    {"quant.bits", [](Case& c) { c.attributes = Value(); }},
                    {"quant.bits", [](Case& c) { c.attributes.set("bits", 1); }},
                    {"quant.bits", [](Case& c) { c.attributes.set("bits", 7); }},
                    {"quant.bits", [](Case& c) { c.attributes.set("bits", 16); }},
                    {"quant.bits.word", [](Case& c) { c.attributes.set("bits", 3); }},
                    {"quant.bits.word", [](Case& c) { c.attributes.set("bits", 5); }},
                    {"quant.bits.word", [](Case& c) { c.attributes.set("bits", 6); }},
                    {"quant.packing", [](Case& c) { c.attributes.set("packing", "lsb_first"); }},
                    {"quant.packing.word", [](Case& c) { packing(c, "word", "i32"); }},
                    {"quant.packing.order", [](Case& c) { packing(c, "order", "lsb"); }},
                    {"quant.packing.perword", [](Case& c) { packing(c, "per_word", 4); }},
                    {"quant.packing.perword", [](Case& c) { packing(c, "per_word", "8"); }},
                    {"quant.data.dtype", [](Case& c) { c.part("data").dtype = DType::u16; }},
                    {"quant.data.dtype", [](Case& c) { c.part("data").dtype = DType::f32; }},
                    {"quant.data.dtype", [](Case& c) { c.part("data").dtype.reset(); }},
                    {"quant.data.length", [](Case& c) { c.part("data").length = 260; }},
                    {"quant.form", [](Case& c) { c.attributes.set("scale_form", "factors"); }},
                    {"quant.scales.dtype", [](Case& c) { c.part("scales").dtype = DType::f8_e8m0; }},
                    {"quant.scales.dtype", [](Case& c) { c.attributes.set("scale_form", "e8m0_exponent"); }},
                    {"quant.scales.dtype", [](Case& c) { c.part("scales").dtype.reset(); }},
                    {"quant.scales.length", [](Case& c) { c.part("scales").length = 34; }},
                    {"quant.scales.length", [](Case& c) { c.attributes.set("group_size", 16); }},
                    {"quant.group", [](Case& c) { c.attributes.set("group_size", "all"); }},
                    {"quant.group.divide", [](Case& c) { c.attributes.set("group_size", 48); }},
                    {"quant.axis", [](Case& c) { c.attributes.set("axis", 2); }},
                    {"quant.axis", [](Case& c) { c.attributes.set("axis", Value()); }},
                    {"quant.axis", [](Case& c) { c.shape.clear(); }},
                    {"quant.shape",
                     [](Case& c) {
                       c.shape = {kHuge, 64};
                     }},
                    {"quant.zero", [](Case& c) { c.attributes.set("zero_point", "none"); }},
                    {"quant.zero.form", [](Case& c) { c.attributes.set("zero_point", Value::map()); }},
                    {"quant.zero.value",
                     [](Case& c) {
                       c.attributes.set("zero_point", Value::Map{{"form", "implied"}});
                     }},
                    {"quant.zero.packing", [](Case& c) { c.attributes.set("zero_point", zero_tensor("packed")); }},
                });
}

TEST(Profiles, StoredZeroPointsHaveTheirTypeAndNumber) {
  EXPECT_EQ(broken(quant_with_zeros("plain", DType::u8, 16)), "");
  EXPECT_EQ(broken(quant_with_zeros("plain", DType::f16, 32)), "");
  EXPECT_EQ(broken(quant_with_zeros("same_as_data", DType::i32, 8)), "");
  EXPECT_EQ(broken(quant_with_zeros("plain", DType::f8_e4m3fn, 16)), "quant.zeros.dtype");
  EXPECT_EQ(broken(quant_with_zeros("same_as_data", DType::u8, 8)), "quant.zeros.dtype");
  EXPECT_EQ(broken(quant_with_zeros("plain", DType::u8, 17)), "quant.zeros.length");
  EXPECT_EQ(broken(quant_with_zeros("same_as_data", DType::u32, 16)), "quant.zeros.length");
  Case made = quant_with_zeros("same_as_data", DType::u32, 4);  // with 12 zero points, which do not fill words
  made.shape = {12, 32};
  made.part("data").length = 192;
  made.part("scales").length = 24;
  made.part("zeros").length = 6;
  EXPECT_EQ(broken(made), "quant.zeros.length");
}

TEST(Profiles, CodesMustFillTheirWords) {
  Case made = quant();
  made.shape = {1, 4};
  made.attributes.set("group_size", 4);
  made.part("data").length = 4;
  made.part("scales").length = 2;
  EXPECT_EQ(broken(made), "quant.data.length");
}

TEST(Profiles, AGroupSizeOfZeroIsReadInBothWaysAndNotWritten) {
  Case made = quant();
  made.attributes.set("group_size", 0);
  EXPECT_EQ(broken(made), "quant.scales.length");
  made.part("scales").length = 64 * 2;  // a scale for each index on the axis
  EXPECT_EQ(broken(made), "");
  EXPECT_EQ(parse_quant_group(made.profile()).scope, model::ScaleScope::channel);
  made.part("scales").length = 512 * 2;  // a scale for each element
  EXPECT_EQ(broken(made), "");
  EXPECT_EQ(parse_quant_group(made.profile()).scope, model::ScaleScope::element);
  made.to_write = true;
  EXPECT_EQ(broken(made), "quant.group.open");
}

TEST(Profiles, AnImpliedZeroPointIsAnyInteger) {
  Case made = quant();
  const std::pair<Value, double> cases[] = {{Value(8), 8},
                                            {Value(-8), -8},
                                            {Value(~std::uint64_t{0}), 0x1p64},
                                            {Value(Value::Negative{~std::uint64_t{0}}), -0x1p64}};
  for (const auto& [value, expected] : cases) {
    made.attributes.set("zero_point", Value::Map{{"form", "implied"}, {"value", value}});
    EXPECT_EQ(parse_quant_group(made.profile()).zero_value, expected);
  }
  made.attributes.set("zero_point", Value::Map{{"form", "implied"}, {"value", 8.0}});
  EXPECT_EQ(broken(made), "quant.zero.value");
}

TEST(Profiles, GgufRulesAreHeld) {
  expect_faults(gguf, {
                          {"gguf.parts", [](Case& c) { c.parts.clear(); }},
                          {"gguf.parts",
                           [](Case& c) {
                             c.parts.push_back({"scales", DType::u8, 8});
                           }},
                          {"gguf.block.elements", [](Case& c) { c.attributes.set("elems_per_block", 0); }},
                          {"gguf.block.elements", [](Case& c) { c.attributes = Value(); }},
                          {"gguf.block.bytes", [](Case& c) { c.attributes.set("block_bytes", "34"); }},
                          {"gguf.block.divide", [](Case& c) { c.attributes.set("elems_per_block", 48); }},
                          {"gguf.data.dtype", [](Case& c) { c.part("data").dtype = DType::i8; }},
                          {"gguf.data.dtype", [](Case& c) { c.part("data").dtype.reset(); }},
                          {"gguf.data.length", [](Case& c) { c.part("data").length = 135; }},
                          {"gguf.data.length", [](Case& c) { c.attributes.set("block_bytes", kHuge); }},
                          {"gguf.shape",
                           [](Case& c) {
                             c.shape = {kHuge, 64};
                           }},
                      });
  EXPECT_TRUE(is_gguf("gguf.q4_0/1"));
  EXPECT_FALSE(is_gguf("gguf./1"));
  EXPECT_FALSE(is_gguf("gguf.q4_0/2"));
}

TEST(Profiles, OtherLayoutsPass) {
  Case made = mx();
  made.layout = "zt.mx/2";
  made.parts.clear();
  EXPECT_EQ(broken(made), "");
}

TEST(Profiles, TensorsWithoutElementsHaveEmptyParts) {
  Case made = mx();
  made.shape = {kHuge, 0, 64};  // with a zero, the other dimensions may overflow
  made.part("data").length = made.part("scales").length = 0;
  EXPECT_EQ(broken(made), "");
  EXPECT_EQ(parse_mx(made.profile()).elements(), 0);
  Case grouped = quant();
  grouped.shape = {8, 0};
  grouped.part("data").length = grouped.part("scales").length = 0;
  EXPECT_EQ(broken(grouped), "");
  EXPECT_EQ(parse_quant_group(grouped.profile()).elements(), 0);
}

TEST(Profiles, BlocksMayLieAlongAnyAxis) {
  Case made = mx();
  made.shape = {2, 96, 5};
  made.attributes.set("axis", 1);
  made.part("data").length = 480;
  made.part("scales").length = 30;
  const model::Quantized found = parse_mx(made.profile());
  EXPECT_EQ(found.outer, 2);
  EXPECT_EQ(found.along, 96);
  EXPECT_EQ(found.inner, 5);
  EXPECT_EQ(found.group, 32);
  EXPECT_EQ(found.per_word, 2);
}

}  // namespace
}  // namespace zt::container
