// What only large pickles can show.

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "foreign/pickle/machine.h"
#include "foreign/pickle/pickle.h"
#include "pickles.h"
#include "ztensor/value.h"

namespace zt::foreign::pickle {
namespace {

using test::pickles::stored;

std::string rule_of_decoding(std::string_view stream) {
  try {
    decode(stored(stream), {});
  } catch (const Error& error) {
    return error.rule();
  }
  return "";
}

std::string long_text(std::size_t length) {
  std::string opcode = "X....";
  const auto size = static_cast<std::uint32_t>(length);
  std::memcpy(opcode.data() + 1, &size, 4);
  return opcode + std::string(length, 'k');
}

TEST(PickleLimits, ASmallStreamCannotMakeMoreNodesThanALimit) {
  std::string stream;
  for (std::uint32_t i = 0; i <= kMostNodes; ++i) stream += "]0";
  EXPECT_EQ(rule_of_decoding(stream + "N."), "pickle.nodes.limit");
}

TEST(PickleLimits, AKeyOfMoreThanAKilobyteIsReadFromTheStore) {
  const model::Catalog catalog = decode(stored("}" + long_text(5000) + "K\x05s."), {});
  const Value attributes = Value::parse(catalog.attributes);
  ASSERT_EQ(attributes.members()->size(), 1U);
  EXPECT_LE(attributes.members()->front().first.text()->size(), 1024U);
  EXPECT_EQ(attributes.members()->front().second.integer(), 5);
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

TEST(PickleLimits, CallsThatShareALongListAreNotWalkedAgainAndAgain) {
  using namespace test::pickles;
  constexpr std::size_t kMany = 100000;
  const std::string dicts = "ccollections\nOrderedDict\n" + put(1) + "0" + list(repeated("NN\x86", kMany)) + put(2) +
                            "0" + list(repeated(get(1) + get(2) + "\x85R", kMany));
  EXPECT_EQ(rule_of_decoding(pickled(dicts)), "pickle.tree.limit");
  const std::string pair = list(repeated("N", kMany)) + put(3) + "0";  // no pair, which each place names again
  EXPECT_EQ(rule_of_decoding(pickled(pair + "ccollections\nOrderedDict\n" + list(repeated(get(3), kMany)) + "\x85R")),
            "");
}

TEST(PickleLimits, ArraysThatShareALongShapeTakeMemoryInProportionToTheFile) {
  using namespace test::pickles;
  constexpr std::size_t kMany = 10000;
  const std::string shape = tuple(repeated("K\x01", 64)) + put(1) + "0";
  const std::string one = "j\x02" + std::string(3, '\0') + "j\x03" + std::string(3, '\0') + "j\x01" +
                          std::string(3, '\0') + text("C") + "t";
  const std::string buffer =
      binary("a") + put(2) + "0" + dtype("u1") + put(3) + "0" + "cnumpy.core.numeric\n_frombuffer\n" + put(4) + "0";
  const std::string arrays = list(repeated(get(4) + "(" + one + "R", kMany));
  EXPECT_EQ(rule_of_decoding(pickled(shape + buffer + arrays)), "pickle.tree.limit");
  EXPECT_EQ(rule_of_decoding(pickled(shape + buffer + list(repeated(get(4) + "(" + one + "R", 100)))), "");
}

TEST(PickleLimits, WrappersOfJoblibDoNotShareADictOfManyItems) {
  using namespace test::pickles;
  const std::string entries = text("dtype") + dtype("u1") + text("shape") + ")" + text("order") + text("C") +
                              text("subclass") + "cnumpy\nndarray\n";
  const std::string wrapper = "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81";
  EXPECT_EQ(rule_of_decoding(pickled(wrapper + dict(entries) + "b!")), "") << "one byte follows";
  EXPECT_EQ(rule_of_decoding(pickled(wrapper + dict(entries + repeated("NN", 40)) + "b!")), "pickle.array.state");
}

TEST(PickleLimits, ALongTextIsNoNameOfAStorageOrOfADtype) {
  using namespace test::pickles;
  const std::string array_of_long = array(binary("abcd"), 4, std::string(2000, 'f'));
  const model::Catalog catalog = decode(stored(pickled(dict(text("a") + array_of_long))), {});
  EXPECT_STREQ(catalog.fault(catalog.tensor(0).fault)->rule, "pickle.text.long");
}

}  // namespace
}  // namespace zt::foreign::pickle
