#include "source/lookalikes.h"

#include <gtest/gtest.h>

#include <string>

#include "errors.h"

namespace zt::source {
namespace {

TEST(Lookalikes, TellHowAFileIsCompressed) {
  const auto rule_of = [](std::string_view head) {
    return std::string(test::error_of([&] { refuse_lookalike(head); }).rule());
  };
  for (const char* head : {"\x1F\x8B\x08 more", "BZh9 more", "\x28\xB5\x2F\xFD more", "\x04\x22\x4D\x18 more"}) {
    EXPECT_EQ(rule_of(head), "format.compressed");
  }
  EXPECT_EQ(rule_of(std::string("\xFD\x37zXZ\0 more", 11)), "format.compressed");
  EXPECT_NE(std::string(test::error_of([] { refuse_lookalike("BZh9"); }).what()).find("bunzip2"), std::string::npos);
  EXPECT_EQ(rule_of("text"), "format.text");
  EXPECT_NO_THROW(refuse_lookalike("\x01\x02"));
}

}  // namespace
}  // namespace zt::source
