#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// The rules of the sparse layouts (spec/zt-1.2.md §8). Unsorted columns and repeated cells are faults only in
// generation 2 (spec/profiles/).
namespace zt::model {

// Throws malformed "sparse.*" unless indptr has rows + 1 entries, begins at 0, never falls and ends at nnz, and there
// are nnz indices, each less than the number of columns. `shape` has two dimensions.
void check_csr(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices,
               std::span<const std::uint64_t> indptr);
// Throws malformed "sparse.*" unless there are rank x nnz indices, axis by axis, each within its axis.
void check_coo(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices);

// The two checks below are for generation 2. The indices must have passed the checks above. Throws malformed
// "sparse.index.order" unless the columns of each row rise.
void check_csr_order(std::span<const std::uint64_t> indices, std::span<const std::uint64_t> indptr);
// Throws malformed "sparse.index.duplicate" if a cell comes twice. Cells may have any order. It takes O(n) time if they
// are sorted, else O(n log n) and a second array of n numbers.
void check_coo_cells(std::size_t rank, std::uint64_t nnz, std::span<const std::uint64_t> indices);

}  // namespace zt::model
