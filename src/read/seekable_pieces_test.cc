// Parts of the codec zt.zstd-seekable/1, whose frames may have any sizes.

#include "read/pieces.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "codec/zstd.h"
#include "part_bytes.h"

namespace zt::read {
namespace {

using test::Data;
using test::digest_of;
using test::expect_bytes;
using test::frame;
using test::noise;
using test::Plain;
using test::plain;
using test::read_all;
using test::operator+;

constexpr std::size_t kFull = codec::kFrameBytes;

// Frames of any sizes, allowed by zt.zstd-seekable/1 or not.
struct Entry {
  Data stored;
  std::size_t decoded;
};

Data seekable(const std::vector<Entry>& entries) {
  Data stored;
  std::vector<codec::FrameSize> sizes;
  for (const Entry& entry : entries) {
    stored = stored + entry.stored;
    sizes.push_back({static_cast<std::uint32_t>(entry.stored.size()), static_cast<std::uint32_t>(entry.decoded)});
  }
  return stored + codec::encode_seek_table(sizes);
}

Entry entry(const Data& content) {
  if (content.size() <= kFull) return {frame(content), content.size()};
  const auto middle = content.begin() + kFull;
  const Entry rest = entry(Data(middle, content.end()));
  return {frame(Data(content.begin(), middle)) + rest.stored, content.size()};
}

Data skippable(std::size_t size) {
  Data bytes(8 + size);
  const std::array<unsigned, 5> head = {0x50, 0x2A, 0x4D, 0x18, static_cast<unsigned>(size)};
  for (std::size_t i = 0; i < head.size(); ++i) bytes[i] = static_cast<std::byte>(head[i]);
  return bytes;
}

void expect_seekable(const std::vector<Entry>& entries, const Data& decoded, const std::string& what) {
  const Plain part = plain(seekable(entries), model::Coding::seekable, decoded.size());
  const std::string digest = digest_of(Checksum::xxh3, decoded);
  expect_bytes({&part.store, part.recipe, digest, {}, true}, decoded, 1, what);
}

TEST(PieceReader, ReadsSeekablePartsOfAnyFramesThatAreAllowed) {
  const Data a = noise(1000, 1);
  const Data b = noise(1000, 2);
  const Data large = noise(3 * kFull + 5, 3);
  expect_seekable({}, {}, "nothing");
  expect_seekable({entry(a), entry(b)}, a + b, "equal frames");
  expect_seekable({entry(a), entry(b), entry(large)}, a + b + large, "a larger last frame");
  expect_seekable({entry({}), entry({}), entry(large)}, large, "frames of nothing, then one of something");
  expect_seekable({entry(a), entry(b), entry({})}, a + b, "a last frame of nothing");
  expect_seekable({entry({}), {{}, 0}}, {}, "frames of nothing");
  expect_seekable({{frame(noise(400, 4)) + skippable(3) + frame(noise(600, 5)), 1000}, entry(b)},
                  noise(400, 4) + noise(600, 5) + b, "several frames in one entry");
  expect_seekable({{skippable(0), 0}, {skippable(7) + frame(a), 1000}}, a, "skippable frames");
}

TEST(PieceReader, PassesOverAChecksumColumnOfASeekablePart) {
  const Data content = noise(50, 1);
  Data table = seekable({entry(content)});
  Data wide(table.begin(), table.end() - 9);
  wide = wide + Data(4, std::byte{7}) + Data(table.end() - 9, table.end());
  wide[wide.size() - 9 - 16] = std::byte{21};  // of the skippable frame's length
  wide[wide.size() - 5] = std::byte{0x80};
  ASSERT_EQ(wide.size(), frame(content).size() + 29);
  wide[frame(content).size() + 4] = std::byte{21};
  const Plain part = plain(wide, model::Coding::seekable, content.size());
  expect_bytes({&part.store, part.recipe, ""}, content, 1, "column");
}

std::string seekable_rule(const Data& stored, std::uint64_t decoded) {
  const Plain part = plain(stored, model::Coding::seekable, decoded);
  return read_all({&part.store, part.recipe, ""}, Verify::never).rule;
}

TEST(PieceReader, RefusesSeekablePartsWithoutATableThatIsRight) {
  const Data content = noise(1000, 1);
  const Data good = seekable({entry(content), entry(content)});
  const auto broken = [&](std::size_t from_end, unsigned value) {
    Data bytes = good;
    bytes[bytes.size() - from_end] = static_cast<std::byte>(value);
    return seekable_rule(bytes, 2000);
  };
  EXPECT_EQ(seekable_rule(good, 2000), "");
  EXPECT_EQ(seekable_rule({}, 0), "zstd.table.short");
  EXPECT_EQ(seekable_rule(Data(good.end() - 16, good.end()), 0), "zstd.table.short");
  EXPECT_EQ(seekable_rule(frame(content) + frame(content), 2000), "zstd.table.magic");
  EXPECT_EQ(broken(1, 0x90), "zstd.table.magic");
  EXPECT_EQ(broken(5, 1), "zstd.table.descriptor");
  EXPECT_EQ(broken(5, 0x81), "zstd.table.descriptor");
  EXPECT_EQ(broken(6, 0xFF), "zstd.table.bounds");  // the count of frames: their table would exceed 4 GiB
  EXPECT_EQ(broken(8, 0xFF), "zstd.table.bounds");  // more frames than the bytes hold
  EXPECT_EQ(broken(9, 1), "zstd.table.header");
  EXPECT_EQ(broken(33, 0), "zstd.table.header");
  EXPECT_EQ(broken(29, 0), "zstd.table.header");
  EXPECT_EQ(broken(10, 1), "zstd.table.frame");  // 16 MiB and more
  EXPECT_EQ(seekable_rule(good, 1999), "zstd.table.decoded");
  EXPECT_EQ(seekable_rule(Data(1) + good, 2000), "zstd.table.stored");
  EXPECT_EQ(seekable_rule(seekable({entry(content), entry(noise(10, 1)), entry(content)}), 2010), "zstd.table.uneven");
}

TEST(PieceReader, RefusesSeekablePartsWhoseFramesAreNotWhatTheTableSays) {
  const Data content = noise(1000, 1);
  EXPECT_EQ(seekable_rule(seekable({{frame(content), 999}}), 999), "zstd.frame.size");
  EXPECT_EQ(seekable_rule(seekable({{frame(content), 1001}}), 1001), "zstd.frame.size");
  EXPECT_EQ(seekable_rule(seekable({{frame(content) + Data(4), 1000}}), 1000), "zstd.frame.magic");
  EXPECT_EQ(seekable_rule(seekable({{{}, 5}}), 5), "zstd.truncated");
  Data wrong = frame(content);
  wrong.back() ^= std::byte{1};
  EXPECT_EQ(seekable_rule(seekable({{wrong, 1000}}), 1000), "zstd.frame.checksum");
}

}  // namespace
}  // namespace zt::read
