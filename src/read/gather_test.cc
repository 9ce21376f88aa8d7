#include "read/gather.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace zt::read {
namespace {

using Bytes = std::vector<std::byte>;
using Shape = std::vector<std::uint64_t>;
using Strides = std::vector<std::int64_t>;

Bytes counted(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

Bytes bytes_of(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

Bytes gathered(const StridedView& view) {
  Bytes out(view.bytes());
  view.gather(0, out);
  return out;
}

const Bytes kMemory = counted(64);

TEST(StridedView, KnowsWhenNothingHasToBeGathered) {
  const auto contiguous = [](const Shape& shape, const Strides& strides, std::size_t swap = 0) {
    return StridedView(kMemory.data(), shape, strides, 2, swap).is_contiguous();
  };
  EXPECT_TRUE(contiguous({}, {}));
  EXPECT_TRUE(contiguous({3, 4}, {8, 2}));
  EXPECT_TRUE(contiguous({3, 1, 4}, {8, -999, 2}));  // the stride of an axis of one element is ignored
  EXPECT_TRUE(contiguous({3, 0}, {1, 77}));
  EXPECT_FALSE(contiguous({3, 4}, {8, 2}, 2));
  EXPECT_FALSE(contiguous({3, 4}, {2, 6}));
  EXPECT_FALSE(contiguous({4}, {-2}));
  EXPECT_FALSE(contiguous({4}, {4}));
  EXPECT_FALSE(contiguous({4}, {0}));
}

TEST(StridedView, GathersTransposedReversedAndRepeatedElements) {
  const Shape shape = {2, 3};
  EXPECT_EQ(gathered({kMemory.data(), shape, Strides{1, 2}, 1, 0}), bytes_of({0, 2, 4, 1, 3, 5}));
  EXPECT_EQ(gathered({kMemory.data() + 5, shape, Strides{-3, -1}, 1, 0}), bytes_of({5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(gathered({kMemory.data(), shape, Strides{0, 1}, 1, 0}), bytes_of({0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(gathered({kMemory.data() + 9, shape, Strides{0, 0}, 1, 0}), bytes_of({9, 9, 9, 9, 9, 9}));
  EXPECT_EQ(gathered({kMemory.data() + 1, shape, Strides{16, 4}, 2, 0}),
            bytes_of({1, 2, 5, 6, 9, 10, 17, 18, 21, 22, 25, 26}));
}

TEST(StridedView, TurnsWordsAroundNotElements) {
  const Shape shape = {1};
  EXPECT_EQ(gathered({kMemory.data(), shape, Strides{8}, 8, 4}), bytes_of({3, 2, 1, 0, 7, 6, 5, 4}));  // complex64
  EXPECT_EQ(gathered({kMemory.data(), shape, Strides{8}, 8, 8}), bytes_of({7, 6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(gathered({kMemory.data(), shape, Strides{2}, 2, 2}), bytes_of({1, 0}));
}

TEST(StridedView, GathersFromAnyElementOn) {
  const Shape shape = {3, 2, 4};
  for (const Strides& strides : {Strides{16, 8, 2}, Strides{2, 6, 12}, Strides{0, 8, 2}, Strides{16, 2, 4}}) {
    const StridedView view(kMemory.data(), shape, strides, 2, 0);
    const Bytes whole = gathered(view);
    for (std::size_t first = 0; first < 24; ++first) {
      for (std::size_t last = first; last <= 24; ++last) {
        Bytes out(2 * (last - first));
        view.gather(2 * first, out);
        EXPECT_TRUE(std::equal(out.begin(), out.end(), whole.begin() + static_cast<std::ptrdiff_t>(2 * first)));
      }
    }
  }
}

}  // namespace
}  // namespace zt::read
