#include "wire/normal_form.h"

#include <gtest/gtest.h>

namespace zt::wire {
namespace {

TEST(NormalForm, TellsComposedFromDecomposed) {
  EXPECT_TRUE(is_nfc(""));
  EXPECT_TRUE(is_nfc("layer.0.weight"));
  EXPECT_TRUE(is_nfc("\xC3\xA9"));       // e with acute
  EXPECT_FALSE(is_nfc("e\xCC\x81"));     // e, combining acute
  EXPECT_FALSE(is_nfc("\xE2\x84\xAB"));  // the angstrom sign, which NFC writes as a letter
  EXPECT_TRUE(is_nfc("\xEA\xB0\x80"));   // a Hangul syllable
  EXPECT_TRUE(is_nfc(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace zt::wire
