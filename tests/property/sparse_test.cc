// Sparse tensors read back unchanged, for any integer dtype of their indices.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "memory_file.h"
#include "random.h"

namespace {

using zt::test::Random;
using Indices = std::vector<std::uint64_t>;

zt::WriterOptions random_options(Random& random) {
  zt::WriterOptions options;
  if (random.chance(50)) options.encoding = zt::Encoding::zstd(1);
  return options;
}

// The indices in another integer dtype. They are small enough for every dtype.
struct Narrow {
  std::vector<std::byte> memory;
  zt::ArrayView view;
};
Narrow narrow(Random& random, const Indices& indices, zt::Shape shape) {
  static constexpr zt::DType kIntegers[] = {zt::DType::i8, zt::DType::i16, zt::DType::i32, zt::DType::i64,
                                            zt::DType::u8, zt::DType::u16, zt::DType::u32, zt::DType::u64};
  Narrow out;
  const zt::DType dtype = random.pick(kIntegers);
  const std::size_t width = zt::dtype_bits(dtype) / 8;
  const bool swapped = random.chance(30);
  out.memory.resize(indices.size() * width + 1);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    for (std::size_t k = 0; k < width; ++k) {
      const std::size_t at = swapped ? width - 1 - k : k;
      out.memory[i * width + at] = static_cast<std::byte>(indices[i] >> (8 * k));
    }
  }
  out.view = {.dtype = dtype, .shape = std::move(shape), .data = out.memory.data()};
  out.view.byte_swapped = swapped;
  return out;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class T>
std::vector<T> random_values(Random& random, std::size_t nnz) {
  std::vector<T> values(nnz);
  const std::vector<std::byte> bytes = random.bytes(nnz * sizeof(T));
  if (nnz > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

template <class T>
void expect_csr(Random& random) {
  const zt::Shape shape = {random.below(20), random.between(1, 100)};
  Indices indptr(1, 0);
  for (std::uint64_t row = 0; row < shape[0]; ++row) indptr.push_back(indptr.back() + random.below(6));
  Indices indices(indptr.back());
  for (std::uint64_t& index : indices) index = random.below(shape[1]);
  const std::vector<T> values = random_values<T>(random, indices.size());
  const Narrow columns = narrow(random, indices, {indices.size()});
  const Narrow pointers = narrow(random, indptr, {indptr.size()});
  const zt::ArrayView stored{
      .dtype = zt::dtype_of<T>::value, .shape = {values.size()}, .data = std::as_bytes(std::span(values)).data()};
  const auto file = zt::test::written(random_options(random), [&](zt::Writer& writer) {
    writer.add_csr("w", shape, stored, columns.view, pointers.view);
  });
  const zt::Source source = zt::test::open_bytes(file);
  const zt::Csr<T> found = source.tensor("w").template read_csr<T>();
  EXPECT_EQ(found.shape, shape);
  EXPECT_EQ(found.indices, indices);
  EXPECT_EQ(found.indptr, indptr);
  EXPECT_TRUE(same_bits(found.values, values));
  EXPECT_EQ(source.tensor("w").part("indices").dtype(), zt::DType::u64);
  EXPECT_TRUE(zt::check(source).findings.empty());
}

template <class T>
void expect_coo(Random& random) {
  zt::Shape shape(random.below(5));
  for (std::uint64_t& size : shape) size = random.between(1, 100);
  const std::uint64_t nnz = random.below(40);
  Indices indices;
  for (const std::uint64_t size : shape) {
    for (std::uint64_t i = 0; i < nnz; ++i) indices.push_back(random.below(size));
  }
  const std::vector<T> values = random_values<T>(random, nnz);
  const Narrow coords =
      narrow(random, indices, random.chance(50) ? zt::Shape{shape.size(), nnz} : zt::Shape{indices.size()});
  const zt::ArrayView stored{
      .dtype = zt::dtype_of<T>::value, .shape = {nnz}, .data = std::as_bytes(std::span(values)).data()};
  const auto file = zt::test::written(random_options(random),
                                      [&](zt::Writer& writer) { writer.add_coo("w", shape, stored, coords.view); });
  const zt::Source source = zt::test::open_bytes(file);
  const zt::Coo<T> found = source.tensor("w").template read_coo<T>();
  EXPECT_EQ(found.shape, shape);
  EXPECT_EQ(found.indices, indices);
  EXPECT_TRUE(same_bits(found.values, values));
  EXPECT_TRUE(zt::check(source).findings.empty());
}

TEST(Sparse, ComesBackAsItWentIn) {
  Random random(21);
  for (int round = 0; round < zt::test::rounds(200); ++round) {
    SCOPED_TRACE(random.name() + ", round " + std::to_string(round));
    expect_csr<float>(random);
    expect_csr<std::int16_t>(random);
    expect_coo<double>(random);
    expect_coo<zt::bfloat16>(random);
    if (HasFailure()) return;
  }
}

}  // namespace
