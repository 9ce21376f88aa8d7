#include "foreign/pickle/owned.h"

#include <gtest/gtest.h>

#include <string>

#include "foreign/pickle/pickle.h"
#include "memory_file.h"
#include "pickles.h"
#include "ztensor/ztensor.h"

namespace zt::foreign::pickle {
namespace {

using namespace test::pickles;

std::string rule_of(const model::Catalog& catalog, std::string_view name) {
  const model::Fault* fault = catalog.fault(catalog.tensor(*catalog.find(name)).fault);
  return fault == nullptr ? "" : fault->rule;
}

TEST(PickleOwned, EachArrayIsCheckedAgainstATextThatSeveralShare) {
  const std::string shared = latin1("abcd") + put(1);
  const model::Catalog catalog =
      decode(stored(pickled(dict(text("a") + array(shared, 4) + text("longer") + array(get(1), 8) + text("shorter") +
                                 array(get(1), 2) + text("same") + array(get(1), 2, "u2")),
                            2)),
             {});
  EXPECT_EQ(rule_of(catalog, "a"), "");
  EXPECT_EQ(rule_of(catalog, "longer"), "pickle.array.length");
  EXPECT_EQ(rule_of(catalog, "shorter"), "pickle.array.length");
  EXPECT_EQ(rule_of(catalog, "same"), "");
  EXPECT_EQ(catalog.owned().size(), 4U) << "the text is decoded once";
}

TEST(PickleOwned, ABrokenTextIsTheFaultOfAllArraysThatShareIt) {
  const std::string shared = latin1("ab\xE2\x82\xAC") + put(1);  // U+20AC is no byte
  const model::Catalog catalog =
      decode(stored(pickled(dict(text("a") + array(shared, 3) + text("b") + array(get(1), 3)), 2)), {});
  EXPECT_EQ(rule_of(catalog, "a"), "pickle.codec.range");
  EXPECT_EQ(rule_of(catalog, "b"), "pickle.codec.range");
}

TEST(PickleOwned, TextThatTwoArraysShareHasTheValuesOfBoth) {
  const std::string stream =
      pickled(dict(text("a") + array(latin1("ab\xC3\xBF") + put(1), 3) + text("b") + array(get(1), 3, "i1")), 2);
  const auto bytes = as_bytes(stream);
  const Source source = test::open_bytes({bytes.begin(), bytes.end()});
  EXPECT_EQ(source.tensor("a").read<std::uint8_t>(), (std::vector<std::uint8_t>{'a', 'b', 255}));
  EXPECT_EQ(source.tensor("b").read<std::int8_t>(), (std::vector<std::int8_t>{'a', 'b', -1}));
}

}  // namespace
}  // namespace zt::foreign::pickle
