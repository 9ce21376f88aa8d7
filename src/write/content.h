#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/encoder.h"
#include "source/state.h"
#include "ztensor/tensor.h"
#include "ztensor/writer.h"

// Contents that must change before another format can store them.
namespace zt::write {

// A sparse tensor in memory, its indices widened and checked.
struct SparseParts {
  std::string layout;
  std::vector<std::uint64_t> shape;
  DType dtype = DType::u8;  // the dtype of the values
  std::vector<std::byte> values;
  std::vector<std::uint64_t> indices;
  std::vector<std::uint64_t> indptr;  // only of CSR

  std::uint64_t bytes() const { return values.size() + 8 * (indices.size() + indptr.size()); }
  std::uint64_t entries() const;        // counted by the indices
  std::vector<PartView> views() const;  // borrowed, in the library's order
};
// Throws as Tensor::read_indices() does.
SparseParts read_sparse(const Tensor& tensor);
// The number of values of a sparse tensor, computed from the length of its part. Reads no elements of raw parts. Throws
// malformed.
std::uint64_t count_entries(const Tensor& tensor);
// Sorts the entries of each row of a CSR tensor by column. Does nothing to other layouts.
void sort_entries(SparseParts& parts);
// Whether the format needs wider indices than the tensor has.
bool needs_wide(const Tensor& tensor, const model::Encoder& encoder);

// The digest of the decoded bytes of a part, in the text form of generation 2. Checks the part's own digest too.
std::string decoded_digest_of(const SourceState& source, const model::PartRow& part, Checksum checksum);

}  // namespace zt::write
