#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/encoder.h"
#include "source/state.h"
#include "ztensor/tensor.h"
#include "ztensor/writer.h"

// Contents that have to be changed to be stored in another format.
namespace zt::write {

// A sparse tensor in memory, its indices widened and checked.
struct SparseParts {
  std::string layout;
  std::vector<std::uint64_t> shape;
  DType dtype = DType::u8;  // of the values
  std::vector<std::byte> values;
  std::vector<std::uint64_t> indices;
  std::vector<std::uint64_t> indptr;  // CSR

  std::uint64_t bytes() const { return values.size() + 8 * (indices.size() + indptr.size()); }
  std::uint64_t entries() const;        // by the indices
  std::vector<PartView> views() const;  // borrowed, in the library's order
};
// Throws as Tensor::read_indices() does.
SparseParts read_sparse(const Tensor& tensor);
// How many values a sparse tensor has, by the length of that part. Reads no elements of raw parts. Throws malformed.
std::uint64_t count_entries(const Tensor& tensor);
// Puts the entries of each row of a CSR tensor in order of their columns; others stay as they are.
void sort_entries(SparseParts& parts);
// Whether the indices have to be widened for a format.
bool needs_wide(const Tensor& tensor, const model::Encoder& encoder);

// The digest text, as generation 2 has it, of the decoded bytes of a part. Its own digest is checked on the way.
std::string decoded_digest_of(const SourceState& source, const model::PartRow& part, Checksum checksum);

}  // namespace zt::write
