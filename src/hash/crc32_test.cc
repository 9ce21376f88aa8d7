#include "hash/crc32.h"

#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"

namespace zt::hash {
namespace {

TEST(Crc32, HasThePublishedValues) {
  EXPECT_EQ(crc32(as_bytes("")), 0U);
  EXPECT_EQ(crc32(as_bytes("a")), 0xE8B7BE43U);
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32(as_bytes("The quick brown fox jumps over the lazy dog")), 0x414FA339U);
}

TEST(Crc32, OfPiecesIsThatOfTheWhole) {
  std::string text;
  for (int i = 0; i < 100; ++i) text.push_back(static_cast<char>(i * 37));
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(
        crc32(as_bytes(std::string_view(text).substr(cut)), crc32(as_bytes(std::string_view(text).substr(0, cut)))),
        crc32(as_bytes(text)));
  }
}

}  // namespace
}  // namespace zt::hash
