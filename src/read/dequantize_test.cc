#include "read/dequantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/endian.h"
#include "many_threads.h"
#include "model/floats.h"
#include "random.h"

namespace zt::read {
namespace {

using model::Quantized;
using model::ScaleScope;
using model::ZeroPoint;

struct Made {
  Quantized how;
  std::vector<std::byte> data, scales, zeros;
};

// Code i by the definition: the number of its word, and its bits, counted from the end that `order` names.
std::uint64_t code_at(const Quantized& how, const std::vector<std::byte>& bytes, std::uint64_t i) {
  const std::uint64_t width = how.per_word * how.bits / 8;
  std::uint64_t word = 0;
  for (std::uint64_t k = 0; k < width; ++k) {
    word |= static_cast<std::uint64_t>(bytes[i / how.per_word * width + k]) << (8 * k);
  }
  const std::uint64_t at = i % how.per_word;
  const std::uint64_t shift = (how.msb_first ? how.per_word - 1 - at : at) * how.bits;
  return word >> shift & ((std::uint64_t{1} << how.bits) - 1);
}

double element_at(DType dtype, const std::vector<std::byte>& bytes, std::uint64_t i) {
  const std::uint64_t width = dtype_bits(dtype) / 8;
  std::uint64_t bits = 0;
  for (std::uint64_t k = 0; k < width; ++k) bits |= static_cast<std::uint64_t>(bytes[i * width + k]) << (8 * k);
  return model::value_of(dtype, bits);
}

std::uint64_t scales_of(const Quantized& how) {
  if (how.scope == ScaleScope::element) return how.elements();
  return how.scope == ScaleScope::channel ? how.along : how.elements() / how.group;
}

float expected_at(const Made& made, std::uint64_t i) {
  const Quantized& how = made.how;
  const std::uint64_t k = i % how.inner, a = i / how.inner % how.along, o = i / how.inner / how.along;
  std::uint64_t scale = i;
  if (how.scope == ScaleScope::channel) scale = a;
  if (how.scope == ScaleScope::group) scale = (o * (how.along / how.group) + a / how.group) * how.inner + k;
  double zero = how.zero_value;
  if (how.zero == ZeroPoint::plain) zero = element_at(how.zero_type, made.zeros, scale);
  if (how.zero == ZeroPoint::packed) zero = static_cast<double>(code_at(how, made.zeros, scale));
  const double value = model::value_of(how.code, code_at(how, made.data, i)) * how.unit;
  return static_cast<float>((value - zero) * element_at(how.scale, made.scales, scale));
}

Made random_tensor(test::Random& random) {
  Made made;
  Quantized& how = made.how;
  const bool mx = random.chance(40);
  const DType elements[] = {DType::f4_e2m1, DType::f8_e4m3fn, DType::f8_e5m2, DType::i8};
  const DType floats[] = {DType::f64, DType::f32, DType::f16, DType::bf16, DType::f8_e8m0};
  const DType zeros[] = {DType::i8, DType::u8, DType::i64, DType::f16, DType::f32};
  const unsigned widths[] = {2, 4, 8};
  const unsigned words[] = {1, 2, 4, 8};
  if (mx) {
    how.code = random.pick(elements);
    how.bits = dtype_bits(how.code);
    how.per_word = 8 / how.bits;
    how.scale = DType::f8_e8m0;
  } else {
    how.bits = random.pick(widths);
    how.per_word = random.pick(words) * 8 / how.bits;
    how.msb_first = random.chance(50);
    how.scale = random.pick(floats);
    how.zero = static_cast<ZeroPoint>(random.below(4));
    how.zero_value = how.zero == ZeroPoint::implied ? 8 : 0;
    how.zero_type = random.pick(zeros);
    how.scope = random.chance(60) ? ScaleScope::group : random.pick({ScaleScope::channel, ScaleScope::element});
  }
  how.group = how.scope == ScaleScope::group ? random.between(1, 40) : 1;
  how.along = how.group * random.between(1, 4);
  how.outer = random.between(1, 3);
  how.inner = random.chance(40) ? 1 : random.between(1, random.chance(10) ? 3000 : 20);
  const std::uint64_t count = scales_of(how);
  const auto words_of = [&](std::uint64_t codes) { return (codes + how.per_word - 1) / how.per_word; };
  const std::uint64_t word = how.per_word * how.bits / 8;
  made.data = random.bytes(words_of(how.elements()) * word);
  made.scales = random.bytes(count * dtype_bits(how.scale) / 8);
  if (how.zero == ZeroPoint::plain) made.zeros = random.bytes(count * dtype_bits(how.zero_type) / 8);
  if (how.zero == ZeroPoint::packed) made.zeros = random.bytes(words_of(count) * word);
  return made;
}

std::vector<float> run(const Made& made, unsigned threads = 1) {
  std::vector<float> out(made.how.elements());
  run::Meter meter;
  dequantize(made.how, {made.data, made.scales, made.zeros}, out, threads, meter);
  return out;
}

TEST(Dequantize, AgreesWithTheDefinitionAtEveryElement) {
  test::Random random(20);
  for (int round = 0; round < test::rounds(2000); ++round) {
    const Made made = random_tensor(random);
    const std::vector<float> found = run(made);
    for (std::uint64_t i = 0; i < found.size(); ++i) {
      const float expected = expected_at(made, i);
      if (std::isnan(expected) && std::isnan(found[i])) continue;
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected))
          << random.name() << ", round " << round << ", element " << i << ": " << found[i] << ", not " << expected;
    }
  }
}

TEST(ThreadsDequantize, MakeNoDifference) {
  test::Random random(21);
  Made made;
  made.how = {.bits = 4, .per_word = 8, .outer = 3, .along = 1024, .inner = 500, .group = 128, .scale = DType::bf16};
  made.data = random.bytes(made.how.elements() / 2);
  made.scales = random.bytes(scales_of(made.how) * 2);
  const std::vector<float> one = run(made);
  const test::ManyThreads many;
  const std::vector<float> four = run(made, 4);
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_TRUE(one[i] == four[i] || (std::isnan(one[i]) && std::isnan(four[i]))) << i;
  }
}

TEST(Dequantize, NothingIsReadForNoElements) {
  Made made;
  made.how = {.outer = 0, .along = 8, .inner = 1, .group = 2};
  EXPECT_TRUE(run(made).empty());
}

}  // namespace
}  // namespace zt::read
