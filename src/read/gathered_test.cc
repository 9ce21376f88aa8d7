#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "read/pieces.h"
#include "read/slice.h"
#include "ztensor/byte_store.h"

namespace zt::read {
namespace {

using model::Flip;
using Bytes = std::vector<std::byte>;

constexpr std::array<std::uint64_t, 1> kShape = {3};
constexpr std::array<std::int64_t, 1> kStrides = {4};  // elements of 4 bytes: a real number, or two of 2 bytes

Bytes counted() {
  Bytes bytes(12);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

PartSource flipped(const MemoryStore& store, Flip flip, std::uint8_t swap) {
  return {
      .store = &store,
      .recipe = {.stored_length = 12, .decoded_length = 12, .view = 0, .swap = swap},
      .digest = {},
      .view = model::View{.blob_length = 12, .shape = kShape, .strides = kStrides, .element_bytes = 4, .flip = flip}};
}

Bytes read_all(const PartSource& part, Use use) {
  PieceReader reader(part, Verify::standard, use);
  Bytes out(12);
  Scratch scratch;
  for (std::size_t i = 0; i < reader.pieces(); ++i) reader.read(i, out, scratch);
  reader.finish();
  return out;
}

// The bytes of `counted` with the sign bits of these bytes of each element changed.
Bytes with_signs(Bytes bytes, const std::vector<std::size_t>& places) {
  for (const std::size_t place : places) {
    for (std::size_t at = place; at < bytes.size(); at += 4) bytes[at] ^= std::byte{0x80};
  }
  return bytes;
}

TEST(Gathered, ChangesTheSignsOfTheWordsThatAViewNames) {
  const MemoryStore store(counted());
  struct Case {
    Flip flip;
    std::vector<std::size_t> places;
  };
  for (const Case& c : {Case{Flip::last, {3}}, Case{Flip::first, {1}}, Case{Flip::both, {1, 3}}}) {
    const PartSource part = flipped(store, c.flip, 0);
    const Bytes expected = with_signs(counted(), c.places);
    EXPECT_FALSE(is_range(*part.view));
    EXPECT_EQ(read_all(part, Use::lasting), expected);
    EXPECT_EQ(read_all(part, Use::plain), expected);
    Bytes two(8);
    read_slice(part, kShape, 4, {{.start = 1, .count = 2}}, two);
    EXPECT_EQ(two, Bytes(expected.begin() + 4, expected.end()));
    std::array<std::uint64_t, 2> square = {3, 1};  // a shape that the view does not have
    read_slice(part, square, 4, {{.start = 1, .count = 2}, {.start = 0, .count = 1}}, two);
    EXPECT_EQ(two, Bytes(expected.begin() + 4, expected.end()));
  }
}

TEST(Gathered, ChangesTheSignsOfSwappedWords) {
  const MemoryStore store(counted());
  Bytes swapped = counted();
  for (std::size_t at = 0; at < swapped.size(); at += 2) std::swap(swapped[at], swapped[at + 1]);
  EXPECT_EQ(read_all(flipped(store, Flip::last, 2), Use::lasting), with_signs(swapped, {3}));
}

}  // namespace
}  // namespace zt::read
