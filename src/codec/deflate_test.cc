#include "codec/deflate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "deflated.h"
#include "errors.h"
#include "random.h"

namespace zt::codec {
namespace {

using Data = std::vector<std::byte>;

// Decodes with `in` bytes of input and room for `room` bytes at a time. Empty if that ends within the stream.
Data inflated(const Data& stored, std::size_t in, std::size_t room) {
  InflateDecoder decoder;
  Data out;
  std::size_t used = 0;
  while (true) {
    Data step(room);
    const auto input = std::span(stored).subspan(used, std::min(in, stored.size() - used));
    const PartDecoder::Step done = decoder.decode(input, step);
    used += done.used;
    out.insert(out.end(), step.begin(), step.begin() + static_cast<std::ptrdiff_t>(done.made));
    if (done.used == 0 && done.made == 0) break;
  }
  if (!decoder.at_end()) return {};
  return out;
}

TEST(Deflate, DecodesWhatZlibMakesInStepsOfAnySize) {
  test::Random random(1);
  for (const Data& content : {Data{}, Data(1), Data(300000), random.bytes(70000), random.soft_bytes(300000)}) {
    const Data stored = test::deflated(content);
    for (const std::size_t in : {std::size_t{1}, std::size_t{1000}, stored.size()}) {
      EXPECT_TRUE(inflated(stored, in, 1000) == content);
    }
    EXPECT_TRUE(inflated(stored, stored.size(), content.size() + 1) == content);
    EXPECT_LE(content.size() / kMostDeflateRatio, stored.size());
  }
}

TEST(Deflate, AStreamThatIsCutShortIsNotAtItsEnd) {
  const Data stored = test::deflated(Data(5000, std::byte{7}));
  for (std::size_t length = 0; length < stored.size(); ++length) {
    EXPECT_TRUE(inflated(Data(stored.begin(), stored.begin() + static_cast<std::ptrdiff_t>(length)), 7, 100).empty());
  }
}

TEST(Deflate, BytesBehindTheStreamAreRefused) {
  Data stored = test::deflated(Data(5000, std::byte{7}));
  stored.resize(stored.size() + 3);
  for (const std::size_t in : {std::size_t{1}, stored.size()}) {
    const Error error = test::error_of([&] { (void)inflated(stored, in, 10000); });
    EXPECT_EQ(error.code(), Code::malformed);
    EXPECT_STREQ(error.rule(), "deflate.stream.trailing");
  }
}

TEST(Deflate, CorruptBytesAreRefused) {
  const Data stored = {std::byte{0x07}};  // the last block, of the reserved type
  const Error error = test::error_of([&] { (void)inflated(stored, 1, 10); });
  EXPECT_EQ(error.code(), Code::malformed);
  EXPECT_STREQ(error.rule(), "deflate.stream.corrupt");
}

TEST(Deflate, ADistanceBeforeTheStartIsRefused) {
  // Fixed Huffman codes: the literal 'a', then length 3 at distance 4.
  const Data stored = {std::byte{0x4b}, std::byte{0x04}, std::byte{0x13}, std::byte{0x00}};
  EXPECT_EQ(test::code_of([&] { (void)inflated(stored, 4, 10); }), Code::malformed);
}

// Hostile bytes throw malformed or end, and never write past the room.
TEST(Deflate, HostileBytesEndOrAreRefused) {
  test::Random random(2);
  const Data stored = test::deflated(random.soft_bytes(5000));
  for (std::size_t round = 0; round < 300; ++round) {
    Data hostile = round % 2 == 0 ? random.bytes(1 + round) : stored;
    if (round % 2 == 1) hostile[round * 7 % hostile.size()] ^= std::byte{0x41};
    try {
      (void)inflated(hostile, 100, 1000);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::malformed);
    }
  }
}

}  // namespace
}  // namespace zt::codec
