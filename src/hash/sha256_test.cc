#include "hash/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/utf8.h"
#include "hash/digest.h"
#include "ztensor/error.h"

namespace zt::hash {
namespace {

#ifdef ZT_HAVE_SHA256

std::string hex(std::array<std::byte, 32> sha) {
  return format_digest({.algorithm = Checksum::sha256, .sha = sha}).substr(7);
}

TEST(Sha256, GivesThePublishedValues) {
  Sha256 nothing;
  EXPECT_EQ(hex(nothing.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 abc;
  abc.update(as_bytes("abc"));
  EXPECT_EQ(hex(abc.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, TakesItsBytesInAnyPieces) {
  const std::string million(1000000, 'a');
  Sha256 sha;
  for (std::size_t at = 0, piece = 0; at < million.size(); at += piece, ++piece) {
    sha.update(as_bytes(std::string_view(million).substr(at, piece)));
  }
  Sha256 moved = std::move(sha);
  EXPECT_EQ(hex(moved.finish()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

#else

TEST(Sha256, IsUnsupportedWithoutOpenssl) {
  try {
    Sha256 sha;
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::unsupported);
  }
}

#endif

}  // namespace
}  // namespace zt::hash
