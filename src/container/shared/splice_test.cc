#include "container/shared/splice.h"

#include <gtest/gtest.h>

#include <vector>

#include "errors.h"
#include "model/catalog.h"
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
  wire::CborWriter encoded;
  inner.write(encoded);
  EXPECT_EQ(inner.encoded_size(), encoded.buffer().size());
  const std::span<const std::byte> whole(encoded.buffer());
  const std::span<const std::byte> pieces[] = {whole.first(3), whole.subspan(3)};
  MapBuilder outer;
  outer.add("zz", pieces);
  outer.add("z", Value(6).encode());
  outer.sort();
  wire::CborWriter out;
  outer.write(out);
  EXPECT_EQ(outer.encoded_size(), out.buffer().size());
  const Value expected(Value::Map{{"z", 6}, {"zz", Value::Map{{"a", 1}, {"b", 5}, {"c", 2}, {"bb", 3}, {"dd", 4}}}});
  EXPECT_TRUE(Value::parse(out.buffer()) == expected);
}

// The map as the pieces give it.
Value joined(const EditedObjects& objects) {
  std::vector<std::byte> whole;
  for (const auto piece : objects.pieces()) whole.insert(whole.end(), piece.begin(), piece.end());
  return Value::parse(whole);
}

// A new object is a map of its rank.
void encode_rank(const model::Catalog&, const model::TensorRow& tensor, wire::CborWriter& out) {
  out.map(1);
  out.text("rank");
  out.unsigned_integer(tensor.rank);
}

Value object(std::int64_t number) { return Value(Value::Map{{"n", number}}); }

TEST(Splice, ObjectsAreEditedWithinStretchesThatStay) {
  const auto old = Value(Value::Map{{"a", object(1)}, {"c", object(2)}, {"e", object(3)}, {"g", object(4)}}).encode();
  model::Catalog added;
  const std::uint64_t shape[] = {7};
  added.add_tensor("d", shape, "dense", {});
  added.add_tensor("aa", {}, "dense", {});
  added.add_tensor("0", {}, "dense", {});
  model::ManifestEdit edit;
  edit.added = &added;
  edit.removed = {"e"};
  edit.aliases = {{"b", "e"}, {"h", "a"}};
  edit.changed["g"] = Value(Value::Map{{"k", 1}}).encode();
  const auto rank = [](std::int64_t number) { return Value(Value::Map{{"rank", number}}); };
  const Value changed(Value::Map{{"n", 4}, {"attributes", Value::Map{{"k", 1}}}});

  const EditedObjects sorted(old, edit, encode_rank, EditedObjects::Order::sorted);
  EXPECT_EQ(joined(sorted), Value(Value::Map{{"0", rank(0)},
                                             {"a", object(1)},
                                             {"b", object(3)},
                                             {"c", object(2)},
                                             {"d", rank(1)},
                                             {"g", changed},
                                             {"h", object(1)},
                                             {"aa", rank(0)}}));
  const EditedObjects as_added(old, edit, encode_rank, EditedObjects::Order::as_added);
  EXPECT_EQ(joined(as_added), Value(Value::Map{{"a", object(1)},
                                               {"c", object(2)},
                                               {"g", changed},
                                               {"b", object(3)},
                                               {"h", object(1)},
                                               {"d", rank(1)},
                                               {"aa", rank(0)},
                                               {"0", rank(0)}}));
  edit.aliases = {{"x", "missing"}};
  EXPECT_EQ(test::code_of([&] { EditedObjects(old, edit, encode_rank, EditedObjects::Order::sorted); }),
            Code::not_found);
}

TEST(Splice, ObjectsThatStayAreOneStretch) {
  Value::Map many;
  for (int i = 100; i < 1000; ++i) many.emplace_back(std::to_string(i), object(i));
  const auto old = Value(many).encode();
  model::Catalog added;
  added.add_tensor("500x", {}, "dense", {});
  model::ManifestEdit edit;
  edit.added = &added;
  EXPECT_EQ(EditedObjects(old, edit, encode_rank, EditedObjects::Order::sorted).pieces().size(), 3U);
  edit.added = nullptr;
  edit.removed = {"500"};
  EXPECT_EQ(EditedObjects(old, edit, encode_rank, EditedObjects::Order::sorted).pieces().size(), 3U);
}

}  // namespace
}  // namespace zt::container
