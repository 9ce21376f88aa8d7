#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/catalog.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"

// What the generations before 2 check alike, each by rule ids of its own: where blobs lie, what they may decode to, and
// whether a tensor's parts fit its shape.
namespace zt::container {

struct BlobRules {
  const char* align;
  const char* bounds;
  const char* header;
  const char* limit;  // on decoded bytes
  const char* ratio;
};

struct TensorRules {
  BlobRules blob;
  const char* overflow;
  const char* dense_data;
  const char* dense_length;
  const char* sparse_parts;
  const char* sparse_rank;
};

// Throws malformed unless [offset, offset + length) begins at a multiple of 64, ends by `blobs_end` and, if it is not
// empty, lies past the header.
void check_extent(std::uint64_t offset, std::uint64_t length, std::uint64_t blobs_end, const BlobRules& rules);
// Throws malformed when a codec cannot turn `stored` bytes into `decoded`.
void check_ratio(Codec codec, std::uint64_t decoded, std::uint64_t stored, const BlobRules& rules);
// Throws limit.
void check_decoded(std::uint64_t decoded, const Limits& limits, const BlobRules& rules);
// Elements of the shape, and the bytes of them. Throw malformed `rules.overflow`.
std::uint64_t element_count(std::span<const std::uint64_t> shape, const TensorRules& rules);
std::uint64_t dense_bytes(std::span<const std::uint64_t> shape, DType dtype, const TensorRules& rules);

// Holds the last tensor of the catalog, whose parts are there and without fault, against its layout. A dense part that
// does not say its decoded length is given it. Throws malformed or limit.
void check_tensor(model::Catalog& catalog, const Limits& limits, const TensorRules& rules);

}  // namespace zt::container
