#include "source/hidden.h"

#include <gtest/gtest.h>

namespace zt::source {
namespace {

const Value kFamily("array");

TEST(Hidden, IsLeftOutForUsersAndNothingElseIs) {
  const Value mine(Value::Map{{"a", 1}, {"ztensor.other", 2}});
  EXPECT_EQ(without_hidden(mine), mine);
  EXPECT_EQ(without_hidden(Value(Value::Map{{"a", 1}, {kScipyKey, kFamily}, {"ztensor.other", 2}})), mine);
  EXPECT_TRUE(without_hidden(Value(Value::Map{{kScipyKey, kFamily}})).is_null());
  EXPECT_TRUE(without_hidden({}).is_null());
  EXPECT_EQ(without_hidden(Value(Value::Map{})), Value(Value::Map{}));
}

TEST(Hidden, StaysWhenOtherAttributesAreSet) {
  const Value former(Value::Map{{"a", 1}, {kScipyKey, kFamily}});
  EXPECT_EQ(with_hidden_of(former, Value(Value::Map{{"b", 2}})), Value(Value::Map{{"b", 2}, {kScipyKey, kFamily}}));
  EXPECT_EQ(with_hidden_of(former, {}), Value(Value::Map{{kScipyKey, kFamily}}));
  const Value given(Value::Map{{kScipyKey, "matrix"}});
  EXPECT_EQ(with_hidden_of(former, given), given);
  EXPECT_TRUE(with_hidden_of(Value(Value::Map{{"a", 1}}), {}).is_null());
  EXPECT_EQ(with_hidden_of(former, Value("no map")), Value("no map"));
}

}  // namespace
}  // namespace zt::source
