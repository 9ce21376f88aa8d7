#include "model/sparse.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/checked.h"
#include "ztensor/error.h"

namespace zt::model {
namespace {

// zt-1.2 §8
void check_bounds(std::span<const std::uint64_t> indices, std::uint64_t size, std::string_view axis) {
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] >= size) {
      throw Error(Code::malformed, "sparse.index.bounds",
                  "index " + std::to_string(i) + " of " + std::string(axis) + " is " + std::to_string(indices[i]) +
                      ": expected less than " + std::to_string(size));
    }
  }
}

}  // namespace

// zt-1.2 §8
void check_csr(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices,
               std::span<const std::uint64_t> indptr) {
  if (indptr.empty() || indptr.size() - 1 != shape[0]) {
    throw Error(Code::malformed, "sparse.indptr.length",
                "indptr has " + std::to_string(indptr.size()) + " entries for " + std::to_string(shape[0]) +
                    " rows: expected one more");
  }
  if (indices.size() != nnz) {
    throw Error(Code::malformed, "sparse.index.length",
                "there are " + std::to_string(indices.size()) + " indices for " + std::to_string(nnz) +
                    " values: expected one for each");
  }
  if (indptr.front() != 0)
    throw Error(Code::malformed, "sparse.indptr.start",
                "indptr begins at " + std::to_string(indptr.front()) + ": expected 0");
  for (std::size_t i = 1; i < indptr.size(); ++i) {
    if (indptr[i] < indptr[i - 1]) {
      throw Error(Code::malformed, "sparse.indptr.order", "indptr falls at row " + std::to_string(i));
    }
  }
  if (indptr.back() != nnz) {
    throw Error(
        Code::malformed, "sparse.indptr.end",
        "indptr ends at " + std::to_string(indptr.back()) + ", but there are " + std::to_string(nnz) + " values");
  }
  check_bounds(indices, shape[1], "the columns");
}

// zt-1.2 §8
void check_coo(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices) {
  const auto expected = checked::multiply(shape.size(), nnz);
  if (!expected || indices.size() != *expected) {
    throw Error(Code::malformed, "sparse.index.length",
                "there are " + std::to_string(indices.size()) + " indices for " + std::to_string(nnz) +
                    " values of rank " + std::to_string(shape.size()) + ": expected one for each value and axis");
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    check_bounds(indices.subspan(axis * nnz, nnz), shape[axis], "axis " + std::to_string(axis));
  }
}

// zt-2 §6
void check_csr_order(std::span<const std::uint64_t> indices, std::span<const std::uint64_t> indptr) {
  for (std::size_t row = 0; row + 1 < indptr.size(); ++row) {
    for (std::uint64_t i = indptr[row] + 1; i < indptr[row + 1]; ++i) {
      if (indices[i] > indices[i - 1]) continue;
      throw Error(Code::malformed, "sparse.index.order",
                  "index " + std::to_string(i) + " is " + std::to_string(indices[i]) + " after " +
                      std::to_string(indices[i - 1]) + ": the columns of row " + std::to_string(row) + " do not rise");
    }
  }
}

// zt-2 §6
void check_coo_cells(std::size_t rank, std::uint64_t nnz, std::span<const std::uint64_t> indices) {
  // Negative if cell a comes before cell b, 0 if both are the same cell, positive otherwise.
  const auto compare = [&](std::uint64_t a, std::uint64_t b) {
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const std::uint64_t left = indices[axis * nnz + a];
      const std::uint64_t right = indices[axis * nnz + b];
      if (left != right) return left < right ? -1 : 1;
    }
    return 0;
  };
  std::uint64_t sorted = 1;
  while (sorted < nnz && compare(sorted - 1, sorted) < 0) ++sorted;
  if (sorted >= nnz) return;
  std::vector<std::uint64_t> order(static_cast<std::size_t>(nnz));
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::sort(order.begin(), order.end(), [&](std::uint64_t a, std::uint64_t b) { return compare(a, b) < 0; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (compare(order[i - 1], order[i]) != 0) continue;
    throw Error(Code::malformed, "sparse.index.duplicate",
                "cells " + std::to_string(order[i - 1]) + " and " + std::to_string(order[i]) + " are the same");
  }
}

}  // namespace zt::model
