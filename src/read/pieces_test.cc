#include "read/pieces.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "hash/crc32c.h"

namespace zt::read {
namespace {

// A zstd part whose frames decode to these sizes, all of zeros but for their numbers, with a seek table.
std::vector<std::byte> make_part(std::span<const std::size_t> sizes, std::vector<std::byte>& decoded) {
  codec::FrameEncoder encoder(1);
  std::vector<std::byte> stored;
  std::vector<codec::FrameSize> frames;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::vector<std::byte> content(sizes[i], static_cast<std::byte>(i + 1));
    const std::vector<std::byte> frame = encoder.encode(content);
    frames.push_back({static_cast<std::uint32_t>(frame.size()), static_cast<std::uint32_t>(content.size())});
    stored.insert(stored.end(), frame.begin(), frame.end());
    decoded.insert(decoded.end(), content.begin(), content.end());
  }
  const std::vector<std::byte> table = codec::encode_seek_table(frames);
  stored.insert(stored.end(), table.begin(), table.end());
  return stored;
}

void expect_reads(std::span<const std::size_t> sizes, bool ordered) {
  std::vector<std::byte> decoded;
  const MemoryStore store(make_part(sizes, decoded));
  const model::Recipe recipe{.offset = 0,
                             .stored_length = store.size(),
                             .decoded_length = decoded.size(),
                             .file = 0,
                             .coding = model::Coding::zstd};
  hash::Digest digest{.algorithm = Checksum::crc32c};
  const Bytes all = store.map(Mapping::shared);
  digest.crc = hash::crc32c(all.view());
  const std::string text = hash::format_digest(digest);
  PieceReader reader({&store, &recipe, text}, Check::all);
  EXPECT_EQ(reader.ordered(), ordered);
  Scratch scratch;
  std::vector<std::byte> out(decoded.size());
  for (std::size_t i = 0; i < reader.pieces(); ++i) {
    reader.read(i, std::span(out).subspan(reader.piece_offset(i), reader.piece_length(i)), scratch);
  }
  reader.finish();
  EXPECT_EQ(out, decoded);
}

constexpr std::size_t kFull = codec::kFrameBytes;

TEST(PieceReader, ReadsFramesByTheirTable) {
  expect_reads(std::array<std::size_t, 3>{kFull, kFull, 5}, false);
  expect_reads(std::array<std::size_t, 4>{100, 100, 100, 100}, false);
  expect_reads(std::array<std::size_t, 1>{1}, false);
}

// Such a table says nothing wrong, but pieces cannot be counted by it.
TEST(PieceReader, ReadsAStreamWhereTheLastFrameIsLargerThanTheFirstOrEmpty) {
  expect_reads(std::array<std::size_t, 2>{1, kFull}, true);
  expect_reads(std::array<std::size_t, 3>{10, 10, 4000}, true);
  expect_reads(std::array<std::size_t, 2>{kFull, 0}, true);
  expect_reads(std::array<std::size_t, 2>{0, 7}, true);
}

}  // namespace
}  // namespace zt::read
