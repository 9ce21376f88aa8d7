#include "read/slice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "codec/zstd.h"
#include "many_threads.h"
#include "ztensor/byte_store.h"

namespace zt::read {
namespace {

using Bytes = std::vector<std::byte>;

// Counts the bytes read of a file in memory.
class CountingStore final : public ByteStore {
 public:
  explicit CountingStore(Bytes bytes) : memory_(std::move(bytes)) {}
  std::uint64_t size() const override { return memory_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    bytes_read += out.size();
    ++reads;
    largest = std::max(largest, out.size());
    memory_.read_at(offset, out);
  }
  mutable std::uint64_t bytes_read = 0;
  mutable std::uint64_t reads = 0;
  mutable std::size_t largest = 0;

 private:
  MemoryStore memory_;
};

constexpr std::uint64_t kRow = 1000;
constexpr std::uint64_t kRows = 5000;

// Row i repeats i, with some noise, so that zstd leaves enough bytes to count.
Bytes rows() {
  Bytes bytes(kRows * kRow);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    bytes[i] = static_cast<std::byte>(i % kRow < 2 ? (i / kRow) >> (8 * (i % kRow)) : state >> 62);
  }
  return bytes;
}

struct Stored {
  CountingStore store;
  model::Recipe recipe;
};

Stored raw() {
  return {CountingStore(rows()), {.offset = 0, .stored_length = kRows * kRow, .decoded_length = kRows * kRow}};
}

// Frames of 1 MiB, with or without a seek table.
Stored zstd(bool table) {
  codec::FrameEncoder encoder(1);
  const Bytes decoded = rows();
  Bytes stored;
  std::vector<codec::FrameSize> sizes;
  for (std::size_t at = 0; at < decoded.size(); at += codec::kFrameBytes) {
    const auto piece = std::span(decoded).subspan(at, std::min(codec::kFrameBytes, decoded.size() - at));
    const Bytes frame = encoder.encode(piece);
    sizes.push_back({static_cast<std::uint32_t>(frame.size()), static_cast<std::uint32_t>(piece.size())});
    stored.insert(stored.end(), frame.begin(), frame.end());
  }
  const Bytes end = codec::encode_seek_table(sizes);
  if (table) stored.insert(stored.end(), end.begin(), end.end());
  const std::uint64_t length = stored.size();
  return {
      CountingStore(std::move(stored)),
      {.offset = 0, .stored_length = length, .decoded_length = kRows * kRow, .file = 0, .coding = model::Coding::zstd}};
}

// The first two bytes of each selected row: its number.
std::vector<std::uint64_t> numbers(const Stored& from, const AxisPicks& selected) {
  const std::uint64_t shape[] = {kRows, kRow};
  Bytes out(2 * selected.size());
  read_slice({&from.store, from.recipe, ""}, shape, 1, {selected, {.start = 0, .count = 2}}, out);
  std::vector<std::uint64_t> found;
  for (std::size_t i = 0; i < out.size(); i += 2) {
    found.push_back(std::to_integer<std::uint64_t>(out[i]) | std::to_integer<std::uint64_t>(out[i + 1]) << 8);
  }
  return found;
}

TEST(Slice, OfRawBytesReadsLittleMoreThanIsTaken) {
  const Stored from = raw();
  EXPECT_EQ(numbers(from, {.start = 4999, .count = 1}), (std::vector<std::uint64_t>{4999}));
  EXPECT_LE(from.store.bytes_read, std::uint64_t{256} << 10);
  from.store.bytes_read = 0;
  EXPECT_EQ(numbers(from, {.start = 4999, .count = kRows, .step = -1}).back(), 0U);
  EXPECT_LE(from.store.bytes_read, kRows * kRow);
}

TEST(Slice, OfSeekableFramesDecodesOnlyTheirs) {
  const Stored from = zstd(true);
  EXPECT_EQ(numbers(from, {.list = {4999, 4998, 4999}}), (std::vector<std::uint64_t>{4999, 4998, 4999}));
  EXPECT_LE(from.store.bytes_read, from.recipe.stored_length / 2);
}

TEST(Slice, OfAStreamDecodesItOnceWhateverTheOrder) {
  const Stored from = zstd(false);
  EXPECT_EQ(numbers(from, {.start = 4999, .count = 100, .step = -50}).back(), 49U);
  EXPECT_LE(from.store.bytes_read, from.recipe.stored_length + 64);
  from.store.bytes_read = 0;
  EXPECT_EQ(numbers(from, {.list = {4000, 1, 3000, 1, 2000}}), (std::vector<std::uint64_t>{4000, 1, 3000, 1, 2000}));
  EXPECT_LE(from.store.bytes_read, from.recipe.stored_length + 64);
}

// Without a cache, each row would read the table and decode its frame.
TEST(Slice, OfRowAfterRowReadsTheTableOnceAndEachFrameOnce) {
  const Stored from = zstd(true);
  const std::uint64_t shape[] = {kRows, kRow};
  SliceCache cache;
  const Bytes all = rows();
  Bytes row(kRow);
  for (std::uint64_t i = 0; i < kRows; ++i) {
    read_slice({&from.store, from.recipe, ""}, shape, 1, {{.start = i, .count = 1}, {.start = 0, .count = kRow}}, row,
               {&cache, 1});
    ASSERT_TRUE(std::equal(row.begin(), row.end(), all.begin() + static_cast<std::ptrdiff_t>(i * kRow))) << i;
  }
  EXPECT_LE(from.store.bytes_read, from.recipe.stored_length + codec::kTableFooterBytes);
}

TEST(Slice, OfAStreamRemembersThatItHasNoTable) {
  const Stored from = zstd(false);
  const std::uint64_t shape[] = {kRows, kRow};
  SliceCache cache;
  Bytes out(1);
  const auto read_first = [&] {
    from.store.reads = 0;
    read_slice({&from.store, from.recipe, ""}, shape, 1, {{.start = 0, .count = 1}, {.start = 0, .count = 1}}, out,
               {&cache, 1});
    return from.store.reads;
  };
  const std::uint64_t first = read_first();
  EXPECT_LT(read_first(), first);
}

TEST(ThreadsSlice, DecodeFramesSideBySide) {
  const Stored from = zstd(true);
  const std::uint64_t shape[] = {kRows, kRow};
  const Bytes all = rows();
  const test::ManyThreads many;
  SliceCache cache;
  const std::uint64_t count = kRows - 2;
  Bytes out(count * kRow);
  Bytes stored(static_cast<std::size_t>(from.store.size()));
  from.store.read_at(0, stored);
  const MemoryStore store(std::move(stored));  // does not count, because many threads read
  read_slice({&store, from.recipe, ""}, shape, 1, {{.start = 1, .count = count}, {.start = 0, .count = kRow}}, out,
             {&cache, 4});
  EXPECT_TRUE(std::equal(out.begin(), out.end(), all.begin() + kRow));
}

// A few columns of a transposed matrix are rows in the file.
TEST(Slice, OfElementsThatLieApartReadsWhereTheyAre) {
  const Stored from = raw();
  const std::uint64_t shape[] = {kRow, kRows};
  const std::int64_t strides[] = {1, kRow};
  PartSource part{&from.store, from.recipe, ""};
  part.view = {.blob_length = kRows * kRow, .start = 0, .shape = shape, .strides = strides, .element_bytes = 1};
  const Bytes all = rows();
  Bytes out(kRow);
  read_slice(part, shape, 1, {{.start = 0, .count = kRow}, {.list = {4321}}}, out);
  EXPECT_TRUE(std::equal(out.begin(), out.end(), all.begin() + 4321 * kRow));
  EXPECT_LE(from.store.bytes_read, std::uint64_t{128} << 10);
  out.resize(kRows);
  read_slice(part, shape, 1, {{.start = 999, .count = 1}, {.start = 0, .count = kRows}}, out);
  for (std::size_t i = 0; i < kRows; ++i) ASSERT_EQ(out[i], all[i * kRow + 999]) << i;
}

}  // namespace
}  // namespace zt::read
