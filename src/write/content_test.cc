#include "write/content.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "errors.h"
#include "hash/xxh3.h"
#include "memory_file.h"
#include "sha256_hex.h"
#include "source/access.h"
#include "write/losses.h"
#include "write/stored_pieces.h"

namespace zt::write {
namespace {

const model::Encoder& k12 = container::zt12::kEncoder;
const model::Encoder& k2 = container::zt2::kEncoder;

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

SparseParts coo(std::vector<std::uint64_t> shape, std::vector<std::byte> values, std::vector<std::uint64_t> indices) {
  SparseParts parts;
  parts.layout = "sparse_coo";
  parts.shape = std::move(shape);
  parts.values = std::move(values);
  parts.indices = std::move(indices);
  return parts;
}

// Three rows: columns 2, 0, 1 | none | 1, 0; the bytes of the values are 0, 1, 2, ...
SparseParts unsorted(DType dtype) {
  SparseParts parts;
  parts.layout = "sparse_csr";
  parts.shape = {3, 3};
  parts.dtype = dtype;
  parts.indices = {2, 0, 1, 1, 0};
  parts.indptr = {0, 3, 3, 5};
  parts.values.resize(byte_length(dtype, 5).value());
  for (std::size_t i = 0; i < parts.values.size(); ++i) parts.values[i] = static_cast<std::byte>(i);
  return parts;
}

TEST(SparseParts, AreSortedRowByRowWithTheirValues) {
  SparseParts parts = unsorted(DType::u8);
  sort_entries(parts);
  EXPECT_EQ(parts.indices, (std::vector<std::uint64_t>{0, 1, 2, 0, 1}));
  EXPECT_EQ(parts.indptr, (std::vector<std::uint64_t>{0, 3, 3, 5}));
  EXPECT_EQ(parts.values, bytes({1, 2, 0, 4, 3}));
}

TEST(SparseParts, AreSortedByWholeValues) {
  SparseParts parts = unsorted(DType::i16);
  sort_entries(parts);
  EXPECT_EQ(parts.values, bytes({2, 3, 4, 5, 0, 1, 8, 9, 6, 7}));
}

// Two elements in each byte, the first in the low half: 1 2 | 3 4 | 5 becomes 2 3 | 1 5 | 4.
TEST(SparseParts, AreSortedByHalvesOfBytesOfFloat4) {
  SparseParts parts = unsorted(DType::f4_e2m1);
  parts.values = bytes({0x21, 0x43, 0x05});
  sort_entries(parts);
  EXPECT_EQ(parts.values, bytes({0x32, 0x51, 0x04}));
}

TEST(SparseParts, KeepTheOrderOfEntriesOfOneCell) {
  SparseParts parts = unsorted(DType::u8);
  parts.indices = {1, 1, 0, 2, 2};
  sort_entries(parts);
  EXPECT_EQ(parts.values, bytes({2, 0, 1, 3, 4}));
}

TEST(SparseParts, AreLeftAsTheyAreWhereTheyAreCoordinates) {
  SparseParts parts = coo({3}, bytes({7, 8}), {2, 0});
  sort_entries(parts);
  EXPECT_EQ(parts.indices, (std::vector<std::uint64_t>{2, 0}));
  EXPECT_EQ(parts.values, bytes({7, 8}));
}

TEST(SparseParts, CountTheirEntriesByTheIndices) {
  EXPECT_EQ(unsorted(DType::f4_e2m1).entries(), 5U);
  EXPECT_EQ(coo({3, 3}, {}, {0, 1, 2, 0}).entries(), 2U);
  EXPECT_EQ(coo({}, {}, {}).entries(), 0U) << "0-d";
}

TEST(SparseParts, AreViewedInTheOrderOfTheLibrary) {
  const auto roles = [](const SparseParts& parts) {
    std::vector<std::string> found;
    for (const PartView& view : parts.views()) found.emplace_back(view.role);
    return found;
  };
  EXPECT_EQ(roles(unsorted(DType::u8)), (std::vector<std::string>{"values", "indices", "indptr"}));
  EXPECT_EQ(roles(coo({}, {}, {})), (std::vector<std::string>{"values", "coords"}));
}

TEST(MakeClean, MakesBoolBytesThatAreNotZeroOne) {
  std::vector<std::byte> bools = bytes({0, 1, 255, 0, 4});
  make_clean(bools);
  EXPECT_EQ(bools, bytes({0, 1, 1, 0, 1}));
}

const std::vector<float> kValues = {1, 2, 3};
const std::vector<std::uint64_t> kSorted = {0, 1, 1};
const std::vector<std::uint64_t> kUnsorted = {1, 0, 1};
const std::vector<std::uint64_t> kTwice = {1, 1, 1};
const std::vector<std::uint64_t> kIndptr = {0, 2, 3};

Source sparse_source(const WriterOptions& options = {}) {
  return test::open_bytes(test::written(options, [&](Writer& writer) {
    const std::span<const float> values(kValues);
    writer.add_csr("sorted", {2, 2}, values, kSorted, kIndptr);
    if (options.to == "2") return;
    writer.add_csr("unsorted", {2, 2}, values, kUnsorted, kIndptr);
    writer.add_csr("twice", {2, 2}, values, kTwice, kIndptr);
  }));
}

TEST(Content, TellsWhatSparseTensorsLoseInStrictFormats) {
  const Source source = sparse_source();
  EXPECT_TRUE(losses_of_content(source.tensor("sorted"), k2).empty());
  const auto sorted = losses_of_content(source.tensor("unsorted"), k2);
  ASSERT_EQ(sorted.size(), 1U);
  EXPECT_FALSE(sorted[0].fatal);
  const auto twice = losses_of_content(source.tensor("twice"), k2);
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_TRUE(twice[0].fatal);
  for (const Tensor tensor : source) EXPECT_TRUE(losses_of_content(tensor, k12).empty()) << tensor.name();
}

TEST(Content, TellsWhichBoolsAreNotCleanAndCleansThem) {
  const std::vector<std::byte> odd = bytes({0, 1, 2});
  std::vector<std::byte> file = test::written({.checksum = Checksum::none}, [&](Writer& writer) {
    writer.add("odd", {.dtype = DType::boolean, .shape = {3}, .data = odd.data()});
    writer.add("clean", {.dtype = DType::boolean, .shape = {2}, .data = odd.data()});
    writer.add("bytes", {.dtype = DType::u8, .shape = {3}, .data = odd.data()});
  });
  const std::uint64_t at = test::open_bytes(file).tensor("odd").data().offset();
  EXPECT_EQ(file[at + 2], std::byte{1}) << "the Writer stores only 0 and 1";
  file[at + 2] = std::byte{2};
  const Source source = test::open_bytes(file);
  for (const model::Encoder* encoder : {&k2, &k12}) {
    EXPECT_EQ(losses_of_content(source.tensor("odd"), *encoder).size(), 1U);
    EXPECT_TRUE(losses_of_content(source.tensor("clean"), *encoder).empty());
    EXPECT_TRUE(losses_of_content(source.tensor("bytes"), *encoder).empty());
  }
  const Part part = source.tensor("odd").data();
  const model::PartRow& row = source::row_of(part);
  const model::Recipe recipe = Access::state(part)->measured(row);
  BoolPieces clean(Access::state(part)->part_source(row, recipe));
  read::Scratch scratch;
  std::vector<std::byte> out(clean.length());
  clean.read(0, out, scratch);
  clean.finish();
  EXPECT_EQ(out, bytes({0, 1, 1}));
}

TEST(Content, ReadsASparseTensorWhole) {
  const SparseParts parts = read_sparse(sparse_source().tensor("unsorted"));
  EXPECT_EQ(parts.layout, "sparse_csr");
  EXPECT_EQ(parts.shape, (std::vector<std::uint64_t>{2, 2}));
  EXPECT_EQ(parts.dtype, DType::f32);
  EXPECT_TRUE(std::ranges::equal(parts.values, std::as_bytes(std::span(kValues))));
  EXPECT_EQ(parts.indices, kUnsorted);
  EXPECT_EQ(parts.indptr, kIndptr);
  EXPECT_EQ(parts.bytes(), 12U + 8U * 6U);
}

TEST(Content, WidensNothingThatAFormatTakes) {
  const Tensor tensor = sparse_source().tensor("sorted");  // indices of 64 bits
  EXPECT_FALSE(needs_wide(tensor, k12));
  EXPECT_FALSE(needs_wide(tensor, k2));
}

TEST(Content, DigestsDecodedBytes) {
  const Source source = test::open_bytes(test::written(
      {.encoding = Encoding::zstd(1)}, [](Writer& writer) { writer.add("w", {3}, std::span<const float>(kValues)); }));
  const Part part = source.tensor("w").data();
  const auto digest = [&](Checksum checksum) {
    return decoded_digest_of(*Access::state(part), source::row_of(part), checksum);
  };
  EXPECT_EQ(digest(Checksum::none), "");
#ifdef ZT_HAVE_SHA256
  EXPECT_EQ(digest(Checksum::sha256), "sha256:" + test::sha256_hex(std::as_bytes(std::span(kValues))));
#endif
  hash::Digest xxh3{.algorithm = Checksum::xxh3};
  xxh3.xxh3 = hash::xxh3(std::as_bytes(std::span(kValues)));
  EXPECT_EQ(digest(Checksum::xxh3), hash::format_digest(xxh3));
}

}  // namespace
}  // namespace zt::write
