#include "source/slice_blocks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>

#include "memory_file.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt::source {
namespace {

std::vector<std::byte> whole(const Tensor& tensor, const Selection& selection, std::uint64_t bytes) {
  std::vector<std::byte> out(bytes);
  tensor.read_slice(selection, out);
  return out;
}

std::vector<std::byte> in_blocks(const Tensor& tensor, const SliceBlocks& blocks, std::uint64_t bytes,
                                 std::uint64_t most) {
  std::vector<std::byte> out(bytes);
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < blocks.count(); ++i) {
    const SliceBlock block = blocks.block(i);
    EXPECT_EQ(block.offset, next);  // in order, without gaps
    EXPECT_LE(block.bytes, most);
    next += block.bytes;
    if (next > bytes) break;
    tensor.read_slice(block.selection, std::span(out).subspan(block.offset, block.bytes));
  }
  EXPECT_EQ(next, bytes);
  return out;
}

TEST(SliceBlocks, TogetherAreTheSlice) {
  std::mt19937 random(7);
  const auto below = [&](std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random);
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint64_t> shape(below(5));
    std::uint64_t elements = 1;
    for (std::uint64_t& size : shape) elements *= size = below(7);
    std::vector<std::int32_t> values(elements);
    std::iota(values.begin(), values.end(), 0);
    const auto file = test::written({}, [&](Writer& writer) { writer.add("t", shape, values); });
    const Source source = test::open_bytes(file);
    Selection selection;
    std::uint64_t bytes = 4;
    for (const std::uint64_t size : shape) {
      const std::uint64_t kind = size == 0 ? 0 : below(5);
      std::uint64_t taken = size;
      if (kind == 0) {
        selection.push_back(all());
      } else if (kind == 1) {
        selection.push_back(at(below(size)));
        taken = 1;
      } else if (kind == 2) {
        const std::uint64_t first = below(size);
        taken = below(size - first + 1);
        selection.push_back(stepped(first, taken, 1));
      } else if (kind == 3) {
        taken = (size + 1) / 2;
        selection.push_back(stepped(size - 1, taken, -2));
      } else {
        std::vector<std::uint64_t> list(below(4));
        for (std::uint64_t& position : list) position = below(size);
        taken = list.size();
        selection.push_back(listed(list));
      }
      bytes *= taken;
    }
    const std::uint64_t most = 4 + below(200);
    const SliceBlocks blocks(shape, selection, 4, most);
    const Tensor tensor = source.tensor("t");
    EXPECT_EQ(in_blocks(tensor, blocks, bytes, most), whole(tensor, selection, bytes)) << round;
  }
}

TEST(SliceBlocks, AreAsLargeAsTheyMayBe) {
  const std::vector<std::uint64_t> shape = {100, 10};
  const SliceBlocks blocks(shape, {}, 4, 130);
  EXPECT_EQ(blocks.count(), 34U);
  EXPECT_EQ(blocks.block(0).bytes, 120U);
  EXPECT_EQ(blocks.block(33).bytes, 40U);
}

}  // namespace
}  // namespace zt::source
