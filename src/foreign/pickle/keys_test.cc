#include "foreign/pickle/keys.h"

#include <gtest/gtest.h>

#include <string>

#include "foreign/pickle/pickle.h"
#include "pickles.h"
#include "ztensor/value.h"

namespace zt::foreign::pickle {
namespace {

using namespace std::string_literals;
using namespace test::pickles;

std::string rule_of(const std::string& value) {
  try {
    decode(stored(pickled(value)), {});
  } catch (const Error& error) {
    return error.rule();
  }
  return "";
}

const std::string kOne = number(1);
const std::string kTrue = "\x88";
const std::string kOnePointZero = "G\x3F\xF0\0\0\0\0\0\0"s;
const std::string kNone = "N";

std::string wide() { return array(binary("abcd"), 4); }

TEST(PickleKeys, ATensorUnderAKeyThatIsThereTwiceRefusesTheFile) {
  const std::string plain = number(7);
  for (const auto& [first, second] :
       {std::pair{text("w"), text("w")}, std::pair{text("w"), "U\x01w"s}, std::pair{kOne, kOne}, std::pair{kOne, kTrue},
        std::pair{kTrue, kOne}, std::pair{kOne, kOnePointZero},
        std::pair{kOne, call("numpy.core.multiarray", "scalar", dtype("i2") + binary("\1\0"s))},
        std::pair{kOne, call("__builtin__", "complex", kOnePointZero + "G\0\0\0\0\0\0\0\0"s)}}) {
    EXPECT_EQ(rule_of(dict(first + wide() + second + wide())), "pickle.key.duplicate");
    EXPECT_EQ(rule_of(dict(first + plain + second + wide())), "pickle.key.duplicate");
    EXPECT_EQ(rule_of(dict(first + wide() + second + plain)), "pickle.key.duplicate");
    EXPECT_EQ(rule_of(dict(text("other") + wide() + first + plain + second + plain)), "");
  }
}

TEST(PickleKeys, KeysThatPythonTellsApartAreNotTheSame) {
  EXPECT_EQ(rule_of(dict(text("1") + wide() + kOne + wide())), "");
  EXPECT_EQ(rule_of(dict(text("w") + wide() + binary("w") + wide())), "");
  EXPECT_EQ(rule_of(dict(kOne + wide() + "G\x3F\xF8\0\0\0\0\0\0"s + wide())), "");
}

TEST(PickleKeys, OfPlainValuesTheLastStays) {
  const auto attributes = [](const std::string& value) {
    return Value::parse(decode(stored(pickled(value)), {}).attributes);
  };
  const Value equal = attributes(dict(kOne + number(5) + kTrue + number(6)));
  EXPECT_EQ(equal.find("1")->integer(), 6);
  const Value nested = attributes(dict(text("a") + dict(kOne + number(5) + kOnePointZero + number(6))));
  EXPECT_EQ(nested.find("a")->find("1")->integer(), 6);
  const Value beside = attributes(dict(text("w") + wide() + text("k") + number(5) + text("k") + number(6)));
  EXPECT_EQ(beside.find("k")->integer(), 6);
  EXPECT_EQ(beside.find("k_2"), nullptr);
}

TEST(PickleKeys, AKeyThatIsNoNameLeavesOutItsValueAndNothingElse) {
  const std::string surrogate = text("\xED\xA0\x80");
  const std::string longer = text(std::string((std::size_t{1} << 20) + 1, 'k'));
  for (const std::string& key : {surrogate, longer, "U\x01\xFF"s, kNone}) {
    const model::Catalog catalog = decode(stored(pickled(dict(text("w") + wide() + key + number(5)))), {});
    EXPECT_EQ(catalog.size(), 1U);
    EXPECT_EQ(catalog.notes.size(), 1U);
    const model::Catalog inner =
        decode(stored(pickled(dict(text("w") + wide() + text("a") + dict(key + number(5) + text("b") + kOne)))), {});
    EXPECT_EQ(inner.size(), 1U);
    EXPECT_EQ(inner.notes.size(), 1U);
    EXPECT_EQ(Value::parse(inner.attributes).find("a")->find("b")->integer(), 1);
    const model::Catalog tensor = decode(stored(pickled(dict(text("w") + wide() + key + wide()))), {});
    EXPECT_EQ(tensor.fault(tensor.tensor(*tensor.find("w")).fault), nullptr);
    EXPECT_STREQ(tensor.fault(tensor.tensor(*tensor.find("?")).fault)->rule, "pickle.key.kind");
  }
}

TEST(PickleKeys, TwoKeysWithOneNameAmongPlainValuesAreNoted) {
  const model::Catalog catalog = decode(stored(pickled(dict(text("a") + dict(text("1") + kOne + kOne + kOne)))), {});
  EXPECT_EQ(catalog.notes.size(), 2U) << "that a value is left out, and that there are no tensors";
}

}  // namespace
}  // namespace zt::foreign::pickle
