#include "write/ordered_target.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "errors.h"

namespace zt::write {
namespace {

TEST(WriterLayOut, RefusesPartsWhoseBytes64BitsDoNotCount) {
  model::Catalog catalog;
  const std::uint64_t length = std::uint64_t{1} << 63;
  const std::uint64_t shape[] = {length};
  for (const char* name : {"a", "b"}) {
    catalog.add_tensor(name, shape, "dense", {});
    catalog.add_part("data", DType::u8, {.stored_length = length, .decoded_length = length}, "");
  }
  const std::vector<std::uint32_t> rows = {0, 1};
  EXPECT_EQ(lay_out(catalog, rows, 0, 1, true).size(), 1U);
  EXPECT_EQ(test::code_of([&] { lay_out(catalog, rows, 0, 1, false); }), Code::usage);
}

}  // namespace
}  // namespace zt::write
