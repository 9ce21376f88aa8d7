#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/catalog.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"

// Checks that the generations before 2 share, each with its own rule ids: the places of blobs, their decoded lengths,
// and whether the parts of a tensor fit its shape.
namespace zt::container {

struct BlobRules {
  const char* align;
  const char* bounds;
  const char* header;
  const char* limit;  // too many decoded bytes
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

// Throws malformed unless [offset, offset + length) begins at a multiple of 64, ends at `blobs_end` or before and, if
// it is not empty, begins after the header.
void check_extent(std::uint64_t offset, std::uint64_t length, std::uint64_t blobs_end, const BlobRules& rules);
// Throws malformed if the codec cannot turn `stored` bytes into `decoded`.
void check_ratio(Codec codec, std::uint64_t decoded, std::uint64_t stored, const BlobRules& rules);
// Throws limit if there are too many decoded bytes.
void check_decoded(std::uint64_t decoded, const Limits& limits, const BlobRules& rules);
// The number of elements of the shape, and of their bytes. Both throw malformed `rules.overflow`.
std::uint64_t element_count(std::span<const std::uint64_t> shape, const TensorRules& rules);
std::uint64_t dense_bytes(std::span<const std::uint64_t> shape, DType dtype, const TensorRules& rules);

// Checks the last tensor of the catalog, whose parts have no faults, against its layout. Fills in the decoded length of
// a dense part if the file does not state it. Throws malformed or limit.
void check_tensor(model::Catalog& catalog, const Limits& limits, const TensorRules& rules);

}  // namespace zt::container
