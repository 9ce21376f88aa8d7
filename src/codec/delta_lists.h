#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/element_form.h"

// The lists of changed elements of one piece (spec/delta.md §3). Spans hold whole elements, in little-endian
// order, at any address, and at most kDeltaPieceBytes.
namespace zt::codec {

// What an encoder lists: gaps, then values in the same order.
struct DeltaList {
  std::vector<std::byte> gaps;
  std::vector<std::byte> values;          // one of the width of elements for each that is listed, not yet as planes
  std::vector<std::uint32_t> gap_cuts;    // where the gaps of each bucket end, where a bucket lists any
  std::vector<std::uint32_t> value_cuts;  // how many values there are up to the end of these buckets
};

// Lists changes of pieces. Keeps its memory between calls. For one thread at a time.
class DeltaLister {
 public:
  DeltaLister();
  ~DeltaLister();
  // By the key of `base`, as differences. Lists all of a bucket of which half or more changed. `shift`: as in a header.
  void list_delta(unsigned width, unsigned shift, std::span<const std::byte> base, std::span<const std::byte> next,
                  DeltaList& out);
  // As they lie, with the new elements.
  void list_patch(unsigned width, std::span<const std::byte> base, std::span<const std::byte> next, DeltaList& out);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

// The list of these elements: ascending places, and an element for each.
void list_elements(std::span<const std::uint32_t> places, std::span<const std::byte> elements, DeltaList& out);

// The places that gaps list, ascending, each below `n`. `count`: how many there must be. Throws malformed
// "delta.lengths", "delta.position". Its memory is used again.
void read_gaps(std::span<const std::byte> gaps, std::size_t count, std::size_t n, std::vector<std::uint32_t>& places);

// Applies differences. Keeps its memory between calls. For one thread at a time.
class DeltaApplier {
 public:
  DeltaApplier();
  ~DeltaApplier();
  // `places`: in the order of keys. `values`: an element for each place. `out` may be `base` itself.
  void apply(unsigned width, unsigned shift, std::span<const std::byte> base, std::span<const std::uint32_t> places,
             std::span<const std::byte> values, std::span<std::byte> out);
  // The elements that differ: their indices, ascending, and new elements. Appends to both.
  void changes(unsigned width, unsigned shift, std::span<const std::byte> base, std::span<const std::uint32_t> places,
               std::span<const std::byte> values, std::vector<std::uint32_t>& indices,
               std::vector<std::byte>& elements);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

// Puts the elements `values` to their places.
void put_elements(unsigned width, std::span<const std::uint32_t> places, std::span<const std::byte> values,
                  std::span<std::byte> out) noexcept;

}  // namespace zt::codec
