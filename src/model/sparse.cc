#include "model/sparse.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "base/checked.h"
#include "ztensor/error.h"

namespace zt::model {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

void check_bounds(std::span<const std::uint64_t> indices, std::uint64_t size, std::string_view axis) {
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] >= size) {
      throw Error(Code::malformed, "sparse.index.bounds",
                  "index " + number(i) + " of " + std::string(axis) + " is " + number(indices[i]) + ", not less than " +
                      number(size));
    }
  }
}

}  // namespace

void check_csr(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices,
               std::span<const std::uint64_t> indptr) {
  if (indptr.empty() || indptr.size() - 1 != shape[0]) {
    throw Error(Code::malformed, "sparse.indptr.length",
                "indptr has " + number(indptr.size()) + " entries for " + number(shape[0]) +
                    " rows: expected one more than rows");
  }
  if (indices.size() != nnz) {
    throw Error(Code::malformed, "sparse.index.length",
                number(indices.size()) + " indices for " + number(nnz) + " values");
  }
  if (indptr.front() != 0) throw Error(Code::malformed, "sparse.indptr.start", "indptr does not begin at 0");
  for (std::size_t i = 1; i < indptr.size(); ++i) {
    if (indptr[i] < indptr[i - 1]) {
      throw Error(Code::malformed, "sparse.indptr.order", "indptr falls at row " + number(i));
    }
  }
  if (indptr.back() != nnz) {
    throw Error(Code::malformed, "sparse.indptr.end",
                "indptr ends at " + number(indptr.back()) + ", there are " + number(nnz) + " values");
  }
  check_bounds(indices, shape[1], "the columns");
}

void check_coo(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices) {
  const auto expected = checked::multiply(shape.size(), nnz);
  if (!expected || indices.size() != *expected) {
    throw Error(Code::malformed, "sparse.index.length",
                number(indices.size()) + " indices for " + number(nnz) + " values of rank " + number(shape.size()));
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    check_bounds(indices.subspan(axis * nnz, nnz), shape[axis], "axis " + number(axis));
  }
}

Entries csr_entries(std::span<const std::uint64_t> indices, std::span<const std::uint64_t> indptr) {
  Entries found = Entries::in_order;
  std::vector<std::uint64_t> row;
  for (std::size_t i = 1; i < indptr.size(); ++i) {
    const auto columns = indices.subspan(indptr[i - 1], indptr[i] - indptr[i - 1]);
    if (std::ranges::adjacent_find(columns, std::greater_equal()) == columns.end()) continue;
    row.assign(columns.begin(), columns.end());
    std::ranges::sort(row);
    if (std::ranges::adjacent_find(row) != row.end()) return Entries::repeated;
    found = Entries::unsorted;
  }
  return found;
}

Entries coo_entries(std::span<const std::uint64_t> shape, std::uint64_t nnz, std::span<const std::uint64_t> indices) {
  std::vector<std::uint64_t> order(nnz);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  const auto compare = [&](std::uint64_t a, std::uint64_t b) {
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const auto at = indices.subspan(axis * nnz, nnz);
      if (at[a] != at[b]) return at[a] < at[b] ? -1 : 1;
    }
    return 0;
  };
  std::ranges::sort(order, [&](std::uint64_t a, std::uint64_t b) { return compare(a, b) < 0; });
  const auto same = [&](std::uint64_t a, std::uint64_t b) { return compare(a, b) == 0; };
  return std::ranges::adjacent_find(order, same) == order.end() ? Entries::in_order : Entries::repeated;
}

}  // namespace zt::model
