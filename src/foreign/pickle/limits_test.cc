// What only large pickles can show.

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "foreign/pickle/machine.h"
#include "foreign/pickle/pickle.h"
#include "ztensor/value.h"

namespace zt::foreign::pickle {
namespace {

MemoryStore stored(std::string_view stream) {
  const auto bytes = as_bytes(stream);
  return MemoryStore(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

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

TEST(PickleLimits, AKeyOfMoreThanAMegabyteIsRefused) {
  EXPECT_EQ(rule_of_decoding("}" + long_text((std::size_t{1} << 20) + 1) + "Ns."), "pickle.text.long");
  EXPECT_EQ(rule_of_decoding("}" + long_text(std::size_t{1} << 20) + "Ns."), "");
}

TEST(PickleLimits, AKeyOfMoreThanAKilobyteIsReadFromTheStore) {
  const model::Catalog catalog = decode(stored("}" + long_text(5000) + "K\x05s."), {});
  const Value attributes = Value::parse(catalog.attributes);
  ASSERT_EQ(attributes.members()->size(), 1U);
  EXPECT_LE(attributes.members()->front().first.text()->size(), 1024U);
  EXPECT_EQ(attributes.members()->front().second.integer(), 5);
}

}  // namespace
}  // namespace zt::foreign::pickle
