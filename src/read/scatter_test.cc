#include "read/scatter.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
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

std::uint64_t position(const AxisPicks& axis, std::uint64_t i) {
  if (!axis.list.empty()) return axis.list[i];
  return axis.start + i * static_cast<std::uint64_t>(axis.step);
}

// The selected elements one by one, following the words of the contract.
Bytes expected_of(const Bytes& blob, const model::View& view, const Picks& selection) {
  Bytes out;
  const std::function<void(std::size_t, std::int64_t)> walk = [&](std::size_t axis, std::int64_t at) {
    if (axis == selection.size()) {
      const auto from = blob.begin() + at;
      out.insert(out.end(), from, from + view.element_bytes);
      return;
    }
    for (std::uint64_t i = 0; i < selection[axis].size(); ++i) {
      walk(axis + 1, at + static_cast<std::int64_t>(position(selection[axis], i)) * view.strides[axis]);
    }
  };
  walk(0, static_cast<std::int64_t>(view.start));
  return out;
}

Picks all_of(std::span<const std::uint64_t> shape) {
  Picks selection;
  for (const std::uint64_t size : shape) selection.push_back({.start = 0, .count = size});
  return selection;
}

// Windows of every size, from first to last and back, give the result of one window of everything.
void expect_scattered(const model::View& view, const Picks& selection) {
  const Bytes blob = counted(static_cast<std::size_t>(view.blob_length));
  const Bytes expected = expected_of(blob, view, selection);
  const Scatter scatter(view, selection);
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{7}, std::size_t{64}, blob.size()}) {
    Bytes out(expected.size());
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < blob.size(); at += step) starts.push_back(at);
    if (step == 7) std::reverse(starts.begin(), starts.end());
    for (const std::size_t at : starts) {
      const auto window = std::span(blob).subspan(at, std::min(step, blob.size() - at));
      Bytes before = out;
      scatter.place(at, window, out);
      EXPECT_TRUE(scatter.touches({at, window.size()}) || out == before) << "a window that is not touched";
    }
    EXPECT_EQ(out, expected) << step;
  }
}

void expect_scattered(const Shape& shape, const Strides& strides, std::uint64_t start, std::uint32_t element,
                      std::uint64_t blob = 120) {
  const model::View view{
      .blob_length = blob, .start = start, .shape = shape, .strides = strides, .element_bytes = element};
  expect_scattered(view, all_of(shape));
}

TEST(Scatter, PutsElementsOfAnyStridesToTheirPlaces) {
  expect_scattered({}, {}, 5, 4);
  expect_scattered({6}, {2}, 0, 2);
  expect_scattered({5}, {20}, 3, 8);
  expect_scattered({3, 4}, {4, 12}, 0, 4);          // transposed
  expect_scattered({2, 3, 4}, {2, 4, 12}, 10, 2);   // the order of Fortran
  expect_scattered({2, 3, 4}, {12, 24, 3}, 1, 3);   // permuted
  expect_scattered({4, 1, 3}, {30, -99, 5}, 0, 5);  // the stride of an axis of one element is ignored
}

TEST(Scatter, WalksBackwardsAndRepeats) {
  expect_scattered({6}, {-4}, 20, 4);
  expect_scattered({3, 4}, {-16, -4}, 44, 4);
  expect_scattered({3, 4}, {16, -4}, 12, 4);
  expect_scattered({3, 2}, {0, 8}, 40, 8);
  expect_scattered({5, 3}, {1, 1}, 7, 2);  // elements that share bytes
}

TEST(Scatter, OfNothingTouchesNothing) {
  expect_scattered({3, 0}, {8, 8}, 120, 8);
  const Shape shape = {0};
  const Strides strides = {4};
  const Scatter none({.blob_length = 8, .start = 8, .shape = shape, .strides = strides, .element_bytes = 4});
  EXPECT_EQ(none.span().length, 0U);
  EXPECT_FALSE(none.touches({0, 8}));
}

TEST(Scatter, TakesWhatIsSelected) {
  const Shape shape = {5, 6};
  for (const Strides& strides : {Strides{4, 20}, Strides{24, 4}, Strides{-24, 4}}) {
    const model::View view{
        .blob_length = 120, .start = strides[0] < 0 ? 96U : 0U, .shape = shape, .strides = strides, .element_bytes = 4};
    expect_scattered(view, {{.start = 1, .count = 3}, {.start = 0, .count = 6}});
    expect_scattered(view, {{.start = 4, .count = 3, .step = -2}, {.start = 5, .count = 6, .step = -1}});
    expect_scattered(view, {{.list = {3, 0, 3, 4}}, {.start = 2, .count = 1}});
    expect_scattered(view, {{.start = 0, .count = 5}, {.list = {5, 1, 1, 0}}});
    expect_scattered(view, {{.list = {2}}, {.list = {2}}});
  }
}

TEST(Scatter, KnowsWhichWindowsHoldNothing) {
  const Shape shape = {3};
  const Strides strides = {40};
  const Scatter scatter({.blob_length = 120, .start = 10, .shape = shape, .strides = strides, .element_bytes = 4});
  EXPECT_EQ(scatter.span(), (Region{10, 84}));
  EXPECT_FALSE(scatter.touches({0, 10}));
  EXPECT_TRUE(scatter.touches({0, 11}));
  EXPECT_FALSE(scatter.touches({14, 36}));
  EXPECT_TRUE(scatter.touches({14, 37}));
  EXPECT_FALSE(scatter.touches({94, 26}));
}

}  // namespace
}  // namespace zt::read
