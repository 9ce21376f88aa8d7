#include "model/catalog.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "many_threads.h"

namespace zt::model {
namespace {

const std::vector<std::uint64_t> kShape = {2, 3};

std::string refusal(const std::function<void()>& work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

class ExpectedCatalog : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ExpectedCatalog, FindsWhatWasAddedInItsOrder) {
  Catalog catalog;
  constexpr std::uint32_t kCount = 1000;
  catalog.expect(GetParam(), 64 * kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(catalog.add_tensor("layer." + std::to_string(i), kShape, "dense", {}));
    catalog.add_part("data", DType::f32, {.offset = i}, "crc32c:0x0");
  }
  catalog.shrink();
  ASSERT_EQ(catalog.size(), kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::string name = "layer." + std::to_string(i);
    ASSERT_EQ(catalog.find(name), i);
    EXPECT_EQ(catalog.text(catalog.tensor(i).name), name);
    EXPECT_EQ(catalog.parts(catalog.tensor(i))[0].recipe.offset, i);
  }
  EXPECT_FALSE(catalog.find("layer."));
  EXPECT_FALSE(catalog.find("layer.1000"));
  EXPECT_FALSE(Catalog().find("layer.0"));
}

// expect() gets no number, too few, the right number, and a lie.
INSTANTIATE_TEST_SUITE_P(Tensors, ExpectedCatalog, testing::Values(0, 10, 1000, std::uint64_t{1} << 63));

TEST(Catalog, TakesNoNameTwice) {
  Catalog catalog;
  EXPECT_TRUE(catalog.add_tensor("", {}, "dense", {}));
  EXPECT_TRUE(catalog.add_tensor(std::string("a\0", 2), {}, "dense", {}));
  EXPECT_TRUE(catalog.add_tensor("a", {}, "dense", {}));
  EXPECT_FALSE(catalog.add_tensor("a", kShape, "other", {}));
  EXPECT_FALSE(catalog.add_tensor("", {}, "dense", {}));
  EXPECT_EQ(catalog.size(), 3U);
  EXPECT_TRUE(catalog.shape(catalog.tensor(2)).empty());
}

TEST(Catalog, FindsPartsByRoleWithinTheirTensor) {
  Catalog catalog;
  catalog.add_tensor("a", kShape, "sparse_coo", {});
  catalog.add_part("values", DType::f32, {}, "");
  catalog.add_part("coords", DType::u64, {}, "");
  catalog.add_tensor("b", kShape, "dense", {});
  catalog.add_part("data", DType::f32, {}, "");
  EXPECT_EQ(catalog.find_part(catalog.tensor(0), "coords"), 1U);
  EXPECT_FALSE(catalog.find_part(catalog.tensor(0), "data"));
  EXPECT_EQ(catalog.find_part(catalog.tensor(1), "data"), 2U);
  EXPECT_EQ(catalog.word(catalog.part(1).role), "coords");
  EXPECT_EQ(catalog.word(catalog.tensor(0).layout), "sparse_coo");
}

TEST(Catalog, ACopyHasThePartsOfItsOriginal) {
  Catalog catalog;
  const std::vector<std::byte> attributes = {std::byte{0xA0}};
  catalog.add_tensor("a", kShape, "dense", attributes);
  catalog.add_part("data", DType::f32, {.offset = 64, .stored_length = 24, .decoded_length = 24}, "crc32c:0x1");
  catalog.add_tensor("b", {}, "dense", {});
  catalog.add_copy("c", 0);
  const TensorRow& copy = catalog.tensor(2);
  EXPECT_EQ(catalog.find("c"), 2U);
  EXPECT_EQ(catalog.shape(copy).size(), 2U);
  EXPECT_EQ(catalog.text(copy.attributes), "\xA0");
  ASSERT_EQ(catalog.parts(copy).size(), 1U);
  EXPECT_EQ(catalog.parts(copy)[0].recipe.offset, 64U);
  EXPECT_EQ(catalog.text(catalog.parts(copy)[0].digest), "crc32c:0x1");
}

TEST(Catalog, KeepsTheFirstCauseOfAFault) {
  Catalog catalog;
  catalog.add_tensor("a", {}, "dense", {});
  EXPECT_EQ(catalog.fault(catalog.tensor(0).fault), nullptr);
  catalog.fault_tensor({Code::malformed, "first", "1"});
  catalog.fault_tensor({Code::malformed, "second", "2"});
  EXPECT_STREQ(catalog.fault(catalog.tensor(0).fault)->rule, "first");
  catalog.add_part("data", DType::f32, {}, "");
  catalog.fault_part({Code::malformed, "part", ""});
  EXPECT_STREQ(catalog.fault(catalog.part(0).fault)->rule, "part");
}

TEST(Catalog, RefusesMoreThanItsNumbersCount) {
  Catalog catalog;
  const std::vector<std::uint64_t> wide(256, 1);
  EXPECT_EQ(refusal([&] { catalog.add_tensor("wide", wide, "dense", {}); }), "limit catalog.size");
  // The text is refused by its size alone, so the test needs no 4 GiB.
  const std::byte one{};
  const std::span<const std::byte> huge(&one, std::size_t{1} << 32);
  EXPECT_EQ(refusal([&] { catalog.add_tensor("huge", {}, "dense", huge); }), "limit catalog.size");
}

TEST(ThreadsCatalog, AreMadeByManyAtOnce) {
  std::vector<std::optional<std::uint32_t>> found(8);
  test::together(found.size(), [&](std::size_t thread) {
    Catalog catalog;  // the first Catalog of the process chooses the key of the hash
    for (std::uint32_t i = 0; i < 100; ++i) catalog.add_tensor("layer." + std::to_string(i), kShape, "dense", {});
    found[thread] = catalog.find("layer.99");
  });
  for (const auto& row : found) EXPECT_EQ(row, 99U);
}

TEST(Catalog, KeepsTheAxesOfViewsOfAnyRank) {
  Catalog catalog;
  const std::vector<std::uint64_t> shape = {2, 3, 4};
  const std::vector<std::int64_t> strides = {-48, 4, 12};
  const std::uint32_t number =
      catalog.add_view({.blob_length = 200, .start = 60, .shape = shape, .strides = strides, .element_bytes = 4});
  const std::uint32_t scalar = catalog.add_view({.blob_length = 8, .start = 4, .element_bytes = 2});
  catalog.add_tensor("w", kShape, "dense", {});
  const Catalog moved = std::move(catalog);
  const View view = moved.view(number);
  EXPECT_EQ(view.blob_length, 200U);
  EXPECT_EQ(view.start, 60U);
  EXPECT_EQ(std::vector(view.shape.begin(), view.shape.end()), shape);
  EXPECT_EQ(std::vector(view.strides.begin(), view.strides.end()), strides);
  EXPECT_EQ(view.element_bytes, 4U);
  EXPECT_TRUE(moved.view(scalar).shape.empty());
  EXPECT_EQ(moved.view(scalar).start, 4U);
}

}  // namespace
}  // namespace zt::model
