#include "read/dequantize_ggml.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "many_threads.h"
#include "random.h"

// python/tests/test_gguf.py compares all types with ggml's own Python package. Here are values worked out by hand, and
// laws.
namespace zt::read {
namespace {

std::vector<float> values(std::string_view word, const std::vector<unsigned>& bytes) {
  const GgmlType* type = find_ggml(word);
  std::vector<std::byte> block(type->bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) block[i] = static_cast<std::byte>(bytes[i]);
  std::vector<float> out(type->elements);
  type->dequantize(block.data(), out.data());
  return out;
}

TEST(DequantizeGgml, GivesTheValuesOfSimpleTypes) {
  const std::vector<float> q4_0 = values("q4_0", {0x00, 0x40, 0x9F});  // scale 2
  EXPECT_EQ(q4_0[0], 2.0F * 7);
  EXPECT_EQ(q4_0[16], 2.0F * 1);
  EXPECT_EQ(q4_0[1], 2.0F * -8);
  const std::vector<float> q4_1 = values("q4_1", {0x00, 0x40, 0x00, 0x3C, 0x21});  // scale 2, least 1
  EXPECT_EQ(q4_1[0], 3);
  EXPECT_EQ(q4_1[16], 5);
  EXPECT_EQ(q4_1[1], 1);
  const std::vector<float> mxfp4 = values("mxfp4", {128, 0x7A});  // scale 2
  EXPECT_EQ(mxfp4[0], -2);
  EXPECT_EQ(mxfp4[16], 12);
  const std::vector<float> nvfp4 = values("nvfp4", {0x38, 0, 0, 0, 0x7A});  // scale 1
  EXPECT_EQ(nvfp4[0], -1);
  EXPECT_EQ(nvfp4[8], 6);
}

TEST(DequantizeGgml, HasNoTypeOfIntermediateResults) {
  for (const char* word : {"q8_1", "q8_k", "q4_2", "f16", ""}) EXPECT_EQ(find_ggml(word), nullptr) << word;
}

TEST(ThreadsDequantizeGgml, MakeNoDifference) {
  test::Random random(5);
  const GgmlType* type = find_ggml("q5_k");
  const std::size_t blocks = 3000;
  const std::vector<std::byte> bytes = random.bytes(blocks * type->bytes);
  std::vector<float> one(blocks * type->elements), four(one.size());
  run::Meter meter;
  dequantize_ggml(*type, bytes, one, 1, meter);
  const test::ManyThreads many;
  dequantize_ggml(*type, bytes, four, 4, meter);
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(one[i]), std::bit_cast<std::uint32_t>(four[i])) << i;
  }
}

}  // namespace
}  // namespace zt::read
