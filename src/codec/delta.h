#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/element_form.h"
#include "codec/delta_form.h"

// zt.delta/1: a part as what changed since another part, its base, exactly (spec/delta.md). Pieces are encoded and
// decoded alone, each with the same stretch of the base. A stretch of the base that is shorter than the piece goes on as
// zeros; a longer one is cut.
namespace zt::codec {

// What an encoder must know about elements. `shift`: the lower bits, which do not say how large an element is.
struct DeltaElements {
  ElementForm form = ElementForm::bytes1;
  unsigned shift = 7;
};

// The shifts that we write, by stored type: an element's exponent remains. Elements of other types have one bucket.
inline constexpr DeltaElements kDeltaBf16{ElementForm::float2, 7}, kDeltaF16{ElementForm::float2, 10},
    kDeltaF32{ElementForm::float4, 23}, kDeltaF64{ElementForm::float8, 52}, kDeltaF8E4M3{ElementForm::bytes1, 3},
    kDeltaF8E5M2{ElementForm::bytes1, 2};
constexpr DeltaElements delta_bits(ElementForm form) { return {form, 8 * width_of(form) - 1}; }

// Makes pieces. Keeps its memory between calls. For one thread at a time.
class DeltaEncoder {
 public:
  // `kind`: of pieces with changes. DeltaMode::delta, the smallest; DeltaMode::patch, whose changes can be read without
  // the base.
  explicit DeltaEncoder(DeltaElements elements, DeltaMode kind = DeltaMode::delta);
  ~DeltaEncoder();
  // `next`: whole elements, at most kDeltaPieceBytes. `stored`: gets the stored bytes of the piece; its memory is used
  // again. Returns the bytes that its frames decode to. The bytes depend only on the input. Takes time in proportion to
  // the elements.
  std::uint32_t encode(std::span<const std::byte> base, std::span<const std::byte> next,
                       std::vector<std::byte>& stored);
  // A patch of these changes: ascending indices, and an element for each. `base`, `result`: XXH3-64 of both pieces.
  // Otherwise as above.
  std::uint32_t encode_patch(std::uint64_t base, std::uint64_t result, std::span<const std::uint32_t> indices,
                             std::span<const std::byte> elements, std::vector<std::byte>& stored);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a piece changes. Either it lists elements: `indices` within the piece, ascending, and the new element for each.
// Or `is_whole`: `elements` are all elements of the piece, and there are no indices.
struct DeltaChanges {
  bool is_whole = false;
  std::vector<std::uint32_t> indices;
  std::vector<std::byte> elements;
};

// Decodes pieces. Keeps its memory between calls. For one thread at a time.
class DeltaDecoder {
 public:
  explicit DeltaDecoder(ElementForm form);
  ~DeltaDecoder();
  // `stored`: the bytes of one piece. `content`: what the table says that its frames decode to. `out`: the piece,
  // at most kDeltaPieceBytes. It may be the memory of `base` where it is no longer than `base`; after an error its
  // content is lost. Throws malformed "delta.*" and what FrameDecoder throws; mismatch "delta.base.check", with `out`
  // unchanged; mismatch "delta.result.check".
  void decode(std::span<const std::byte> stored, std::uint32_t content, std::span<const std::byte> base,
              std::span<std::byte> out);
  // What a piece of `size` bytes changes. A piece that lists over a quarter of its elements as differences is given
  // whole. `base` is not looked at for DeltaMode::full and DeltaMode::patch. Throws as decode() does; a patch and a
  // piece without changes are not held against the digest of the result.
  DeltaChanges changes(std::span<const std::byte> stored, std::uint32_t content, std::span<const std::byte> base,
                       std::size_t size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole part: its pieces and their table. No bytes if `next` is `base`, byte for byte, or is empty.
std::vector<std::byte> encode_delta(DeltaElements elements, DeltaMode kind, std::span<const std::byte> base,
                                    std::span<const std::byte> next);
// Decodes a whole part. Throws as DeltaDecoder does; malformed "delta.table".
void decode_delta(ElementForm form, std::span<const std::byte> stored, std::span<const std::byte> base,
                  std::span<std::byte> out);

}  // namespace zt::codec
