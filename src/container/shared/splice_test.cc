#include "container/shared/splice.h"

#include <gtest/gtest.h>

#include <vector>

#include "random.h"
#include "ztensor/value.h"

namespace zt::container {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> numbers) {
  std::vector<std::byte> out;
  for (const unsigned number : numbers) out.push_back(static_cast<std::byte>(number));
  return out;
}

TEST(Splice, MembersKeepTheirBytesHoweverTheyAreEncoded) {
  // {_ (_ "a" "b"): [_ 1, 2], "c": 6("d"), 7: {"x": h'00'}, "e": 1.5}
  const auto map = bytes({0xBF, 0x7F, 0x61, 'a',  0x61, 'b', 0xFF, 0x9F, 1,    2,   0xFF, 0x61, 'c',  0xC6,
                          0x61, 'd',  7,    0xA1, 0x61, 'x', 0x41, 0x00, 0x61, 'e', 0xF9, 0x3E, 0x00, 0xFF});
  const std::vector<MemberView> members = members_of(map);
  ASSERT_EQ(members.size(), 4U);
  EXPECT_EQ(members[0].key, "ab");
  EXPECT_EQ(members[0].encoded_key.size(), 6U);
  EXPECT_EQ(members[0].value.size(), 4U);
  EXPECT_EQ(members[1].key, "c");
  EXPECT_EQ(members[1].value.size(), 3U);
  EXPECT_EQ(members[2].key, "");
  EXPECT_EQ(members[2].value.size(), 5U);
  EXPECT_EQ(find_member(members, "e")->value.size(), 3U);
  EXPECT_EQ(find_member(members, "x"), nullptr);
}

TEST(Splice, ValuesOfEveryKindArePassedOverToTheirEnd) {
  test::Random random(71);
  SCOPED_TRACE(random.name());
  for (int round = 0; round < test::rounds(2000); ++round) {
    Value::Map wanted;
    for (std::uint64_t left = random.below(5); left > 0; --left) wanted.emplace_back(random.text(30), random.value(5));
    const std::vector<std::byte> map = Value(wanted).encode();
    const std::vector<MemberView> members = members_of(map);
    ASSERT_EQ(members.size(), wanted.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_EQ(members[i].key, *wanted[i].first.text());
      EXPECT_TRUE(Value::parse(members[i].value) == wanted[i].second);
    }
  }
}

TEST(Splice, MapsAreSortedByEncodedKeysAndHoldMaps) {
  const auto old = Value(Value::Map{{"a", 1}, {"c", 2}, {"bb", 3}}).encode();
  const std::vector<MemberView> members = members_of(old);
  MapBuilder inner;
  for (const MemberView& member : members) inner.keep(member);
  inner.add("dd", Value(4).encode());
  inner.add("b", Value(5).encode());
  inner.sort();
  MapBuilder outer;
  outer.add("zz", inner);
  outer.add("z", Value(6).encode());
  outer.sort();
  wire::CborWriter out;
  outer.write(out);
  const Value expected(Value::Map{{"z", 6}, {"zz", Value::Map{{"a", 1}, {"b", 5}, {"c", 2}, {"bb", 3}, {"dd", 4}}}});
  EXPECT_TRUE(Value::parse(out.buffer()) == expected);
}

}  // namespace
}  // namespace zt::container
