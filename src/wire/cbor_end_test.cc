#include "wire/cbor_end.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "wire/cbor.h"

namespace zt::wire {
namespace {

using Data = std::vector<std::byte>;
using State = CborEnd::State;

Data bytes(std::initializer_list<unsigned> values) {
  Data data;
  for (const unsigned value : values) data.push_back(static_cast<std::byte>(value));
  return data;
}

Data item_of_all_kinds() {
  CborWriter out;
  out.map(3);
  out.text("a text of more than twenty-three bytes");
  out.array(4);
  out.unsigned_integer(~0ULL);
  out.bytes(Data(300));
  out.floating(1.5);
  out.map(0);
  out.negative_integer(7);
  out.tag(1000);
  out.tag(2);
  out.bytes(Data(3));
  out.null();
  out.raw(bytes({0x9F, 0x01, 0x7F, 0x61, 'a', 0x60, 0xFF, 0xBF, 0x00, 0x80, 0xFF, 0xFF}));
  return out.buffer();
}

TEST(CborEnd, IsWhereACursorHasReadTheItem) {
  const Data item = item_of_all_kinds();
  ASSERT_EQ(CborCursor(item).skip().size(), item.size());
  Data all = item;
  all.resize(item.size() + 50);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, all.size()}) {
    CborEnd end(all.size(), 20);
    State state = State::more;
    for (std::size_t have = 0; state == State::more; have = std::min(have + step, all.size())) {
      state = end.advance(std::span(all).first(have));
      EXPECT_TRUE(state == State::found || have < item.size()) << have;
    }
    EXPECT_EQ(state, State::found);
    EXPECT_EQ(end.position(), item.size());
  }
}

State state_of(const Data& data, std::uint64_t most, std::uint32_t depth = 20) {
  return CborEnd(most, depth).advance(data);
}

TEST(CborEnd, IsNotLookedForWhereItCannotBe) {
  EXPECT_EQ(state_of(bytes({0x1C}), 100), State::broken);        // a reserved head
  EXPECT_EQ(state_of(bytes({0xFF}), 100), State::broken);        // a break without a container
  EXPECT_EQ(state_of(bytes({0x81, 0xFF}), 100), State::broken);  // a break in a definite array
  EXPECT_EQ(state_of(bytes({0x1F}), 100), State::broken);        // an indefinite integer
  EXPECT_EQ(state_of(bytes({0xDF}), 100), State::broken);        // an indefinite tag
  EXPECT_EQ(state_of(bytes({0x58, 200}), 100), State::broken);   // a string past the end
  EXPECT_EQ(state_of(bytes({0x58, 98}), 100), State::more);      // a string up to the end
  EXPECT_EQ(state_of(bytes({0x98, 200}), 100), State::broken);   // more items than bytes
  EXPECT_EQ(state_of(bytes({0xB8, 50}), 100), State::broken);    // more pairs than bytes
  EXPECT_EQ(state_of(bytes({0xBB, 255, 255, 255, 255, 255, 255, 255, 255}), 100), State::broken);
  EXPECT_EQ(state_of(Data(1000, std::byte{0x81}), 2000), State::broken);  // depth
  EXPECT_EQ(state_of(Data(1000, std::byte{0xC1}), 2000), State::more);    // tags are not items
  EXPECT_EQ(state_of({}, 100), State::more);
}

}  // namespace
}  // namespace zt::wire
