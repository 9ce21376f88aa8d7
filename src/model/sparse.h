#pragma once

#include <cstdint>
#include <span>

// The rules of the sparse layouts (spec/zt-1.2.md §8). Unsorted columns and repeated cells are no faults.
namespace zt::model {

// Throws malformed "sparse.*": indptr has rows + 1 entries, begins at 0, never falls and ends at nnz; there are nnz
// indices, each less than the number of columns. `shape` has two dimensions.
void check_csr(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices,
               std::span<const std::uint64_t> indptr);
// Throws malformed "sparse.*": there are rank x nnz indices, axis by axis, each within its axis.
void check_coo(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices);

// How the entries of a CSR or COO tensor that passed the checks above are put.
enum class Entries {
  in_order,  // CSR: columns ascend in each row. COO: any order
  unsorted,  // CSR alone: not so, but no cell stands twice
  repeated,  // a cell stands twice
};
// Linear, but for rows that are out of order.
Entries csr_entries(std::span<const std::uint64_t> indices, std::span<const std::uint64_t> indptr);
// Takes memory and time as sorting the cells does.
Entries coo_entries(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices);

}  // namespace zt::model
