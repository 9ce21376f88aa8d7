#include "model/sparse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ztensor/error.h"

namespace zt::model {
namespace {

using Numbers = std::vector<std::uint64_t>;

template <class F>
std::string rule_of(F&& work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return error.rule();
  }
}

std::string csr(const Numbers& indices, const Numbers& indptr) {
  return rule_of([&] { check_csr_order(indices, indptr); });
}
std::string coo(std::size_t rank, const Numbers& indices) {
  return rule_of([&] { check_coo_cells(rank, indices.size() / rank, indices); });
}

TEST(Sparse, ColumnsOfARowRise) {
  EXPECT_EQ(csr({}, {0}), "");
  EXPECT_EQ(csr({}, {0, 0, 0}), "");
  EXPECT_EQ(csr({0, 2, 1}, {0, 2, 3}), "");
  EXPECT_EQ(csr({5, 4, 3}, {0, 1, 2, 3}), "");
  EXPECT_EQ(csr({2, 0, 1}, {0, 2, 3}), "sparse.index.order");
  EXPECT_EQ(csr({2, 2}, {0, 2}), "sparse.index.order");
  EXPECT_EQ(csr({0, 3, 2}, {0, 0, 1, 3}), "sparse.index.order");
}

TEST(Sparse, CellsAreThereOnceInAnyOrder) {
  EXPECT_EQ(coo(2, {}), "");
  EXPECT_EQ(coo(2, {0, 0, 1, /**/ 0, 1, 0}), "");
  EXPECT_EQ(coo(2, {1, 0, 0, /**/ 0, 1, 0}), "");
  EXPECT_EQ(coo(2, {1, 1, /**/ 2, 2}), "sparse.index.duplicate");
  EXPECT_EQ(coo(2, {1, 0, 1, /**/ 2, 2, 2}), "sparse.index.duplicate");  // not side by side
  EXPECT_EQ(coo(1, {3, 2, 1, 0}), "");
  EXPECT_EQ(coo(3, {0, 0, /**/ 0, 0, /**/ 0, 1}), "");
}

}  // namespace
}  // namespace zt::model
