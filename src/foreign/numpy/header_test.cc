#include "foreign/numpy/header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/utf8.h"
#include "errors.h"

namespace zt::foreign::numpy {
namespace {

std::vector<std::byte> header_of(const std::string& text, char major = 1) {
  std::string bytes = std::string("\x93NUMPY") + major + '\0';
  const std::size_t size = text.size() + 1;
  bytes += static_cast<char>(size & 0xFF);
  bytes += static_cast<char>(size >> 8);
  if (major > 1) bytes += std::string(2, '\0');
  bytes += text + '\n';
  return {as_bytes(bytes).begin(), as_bytes(bytes).end()};
}

Header parsed(const std::string& descr, const std::string& order, const std::string& shape) {
  return parse_header(header_of("{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }"),
                      {});
}

std::string rule_of(const std::string& text) {
  return test::error_of([&] { (void)parse_header(header_of(text), {}); }).rule();
}

TEST(NumpyHeader, HasTypeOrderAndShape) {
  const Header header = parsed("'<f8'", "True", "(2, 3)");
  ASSERT_TRUE(header.elements);
  EXPECT_EQ(header.elements->dtype, DType::f64);
  EXPECT_EQ(header.elements->swap, 0);
  EXPECT_TRUE(header.fortran);
  EXPECT_EQ(header.shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(header.count, 6U);
  EXPECT_EQ(header.data, 10 + 59U);
}

TEST(NumpyHeader, WordsOfBigEndianTypesAreReversed) {
  EXPECT_EQ(parsed("'>f4'", "False", "()").elements->swap, 4);
  EXPECT_EQ(parsed("'>c16'", "False", "()").elements->swap, 8) << "each of the two numbers is a word";
  EXPECT_EQ(parsed("'>i1'", "False", "()").elements->swap, 0);
  EXPECT_EQ(parsed("'=i2'", "False", "()").elements->swap, 0);
}

TEST(NumpyHeader, TheLengthFollowsFromTheFirstBytes) {
  EXPECT_EQ(header_bytes(header_of(std::string(117, ' '))), 128U);
  EXPECT_EQ(header_bytes(header_of(std::string(115, ' '), 2)), 128U);
  EXPECT_EQ(test::code_of([] { (void)header_bytes({}); }), Code::malformed);
}

TEST(NumpyHeader, AnUnknownTypeIsNamed) {
  for (const auto& [descr, what] : std::vector<std::pair<std::string, std::string>>{
           {"'|O'", "pickle"}, {"'|V2'", "bfloat16"}, {"'<U7'", "strings"}, {"[('a', '<f4')]", "records"}}) {
    const Header header = parsed(descr, "False", "(4,)");
    ASSERT_FALSE(header.elements) << descr;
    EXPECT_NE(fault_of_type(header).message.find(what), std::string::npos) << fault_of_type(header).message;
    EXPECT_EQ(header.shape, std::vector<std::uint64_t>{4});
  }
}

TEST(NumpyHeader, NothingRecursesOnItsStructure) {
  EXPECT_EQ(rule_of(std::string(60000, '(')), "npy.header.form");
  const std::string deep = std::string(30000, '(') + std::string(30000, ')');
  const Header header = parsed(deep, "False", "()");
  EXPECT_FALSE(header.elements);
}

TEST(NumpyHeader, ATextMayHoldWhatLooksLikeAKey) {
  const Header header = parsed(R"([('\'shape\': (1,)', '<f4')])", "False", "(2,)");
  EXPECT_EQ(header.shape, std::vector<std::uint64_t>{2});
}

}  // namespace
}  // namespace zt::foreign::numpy
