#include "codec/zstd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <random>
#include <string>
#include <utility>

#include "ztensor/error.h"

namespace zt::codec {
namespace {

using Data = std::vector<std::byte>;

Data bytes(std::initializer_list<unsigned> values) {
  Data data;
  for (const unsigned value : values) data.push_back(static_cast<std::byte>(value));
  return data;
}

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// One raw block of fewer than 256 bytes in a single-segment frame.
Data raw_frame(const Data& payload) {
  const auto size = static_cast<unsigned>(payload.size());
  const unsigned block = size << 3 | 1;
  return bytes({0x28, 0xB5, 0x2F, 0xFD, 0x20, size, block & 0xFF, block >> 8, 0}) + payload;
}

const Data kEmptyFrame = bytes({0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0});
const Data kSkippable = bytes({0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 7, 8, 9});
const Data kHollowSkippable = bytes({0x5F, 0x2A, 0x4D, 0x18, 0, 0, 0, 0});
const Data kPayload = bytes({1, 2, 3, 4, 5});

// A frame with a window byte and one empty last block.
Data window_frame(unsigned window) { return bytes({0x28, 0xB5, 0x2F, 0xFD, 0x00, window, 1, 0, 0}); }

Data compressible(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  Data data(size);
  for (std::byte& byte : data) byte = static_cast<std::byte>(random() % 7);
  return data;
}

struct Outcome {
  Data decoded;
  std::string rule;  // of the error
  Code code = Code::internal;
  bool whole = false;
};

// Feeds the stream in pieces of `in` bytes, with room for `out` bytes.
Outcome stream(const Data& stored, std::size_t in, std::size_t out) {
  Outcome outcome;
  StreamDecoder decoder;
  Data room(out);
  std::span<const std::byte> left = stored;
  try {
    for (;;) {
      const auto step = decoder.decode(left.first(std::min(in, left.size())), room);
      outcome.decoded.insert(outcome.decoded.end(), room.begin(),
                             room.begin() + static_cast<std::ptrdiff_t>(step.made));
      left = left.subspan(step.used);
      if (left.empty() && step.made < room.size()) break;
    }
    outcome.whole = decoder.at_end();
  } catch (const Error& e) {
    outcome.rule = e.rule();
    outcome.code = e.code();
  }
  return outcome;
}

Outcome one_shot(const Data& stored, std::size_t size) {
  Outcome outcome;
  outcome.decoded.resize(size);
  try {
    FrameDecoder().decode(stored, outcome.decoded);
    outcome.whole = true;
  } catch (const Error& e) {
    outcome.rule = e.rule();
    outcome.code = e.code();
  }
  return outcome;
}

TEST(FrameEncoder, MakesFramesThatBothDecodersRead) {
  for (const int level : {1, 3, 9}) {
    FrameEncoder encoder(level);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kFrameBytes}) {
      const Data data = compressible(size, 1);
      const Data stored = encoder.encode(data);
      EXPECT_EQ(one_shot(stored, size).decoded, data);
      EXPECT_EQ(stream(stored, 1000, 777).decoded, data);
      EXPECT_EQ(FrameEncoder(level).encode(data), stored) << "depends on what was encoded before";
    }
  }
}

TEST(FrameEncoder, WritesContentSizeAndChecksumAndNoLargerWindow) {
  for (const int level : {1, 3, 9}) {
    const Data stored = FrameEncoder(level).encode(Data(kFrameBytes));
    const auto descriptor = std::to_integer<unsigned>(stored[4]);
    EXPECT_EQ(descriptor & 0xDF, 0x84u) << "4-byte content size, checksum, no dictionary";
    const bool single_segment = (descriptor & 0x20) != 0;
    EXPECT_TRUE(single_segment || std::to_integer<unsigned>(stored[5]) <= 0x50) << "a window of at most 2^20";
    const auto size_at = stored.begin() + (single_segment ? 5 : 6);
    EXPECT_EQ(Data(size_at, size_at + 4), bytes({0, 0, 0x10, 0}));
  }
}

TEST(FrameDecoder, ReadsSeveralFramesAndSkippableOnes) {
  const Data stored =
      kSkippable + raw_frame(kPayload) + kEmptyFrame + kHollowSkippable + raw_frame(kPayload) + kSkippable;
  const Outcome outcome = one_shot(stored, 10);
  EXPECT_EQ(outcome.rule, "");
  EXPECT_EQ(outcome.decoded, kPayload + kPayload);
}

TEST(FrameDecoder, ReadsFramesThatDecodeToNothing) {
  EXPECT_TRUE(one_shot(kEmptyFrame, 0).whole);
  EXPECT_TRUE(one_shot(kSkippable, 0).whole);
}

TEST(FrameDecoder, RefusesAnotherSize) {
  EXPECT_EQ(one_shot(raw_frame(kPayload), 4).rule, "zstd.frame.size");
  EXPECT_EQ(one_shot(raw_frame(kPayload), 6).rule, "zstd.frame.size");
  EXPECT_EQ(one_shot(raw_frame(kPayload), 0).rule, "zstd.frame.size");
  EXPECT_EQ(one_shot(kEmptyFrame, 1).rule, "zstd.frame.size");
}

TEST(FrameDecoder, RefusesEveryCutAndEveryTail) {
  const Data whole = FrameEncoder(3).encode(compressible(500, 3)) + kSkippable;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Data cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    if (size == whole.size() - kSkippable.size()) continue;
    const Outcome outcome = one_shot(cut, 500);
    EXPECT_EQ(outcome.rule, "zstd.truncated") << size;
    EXPECT_EQ(outcome.code, Code::malformed);
  }
  EXPECT_EQ(one_shot(raw_frame(kPayload) + bytes({0}), 5).rule, "zstd.truncated");
  EXPECT_EQ(one_shot(raw_frame(kPayload) + bytes({0, 0, 0, 0}), 5).rule, "zstd.frame.magic");
}

TEST(FrameDecoder, HasNoWindowLimitOfItsOwn) {
  EXPECT_TRUE(one_shot(window_frame(0x89), 0).whole);
  EXPECT_EQ(one_shot(window_frame(0xF8), 0).code, Code::limit);
}

struct Bad {
  const char* rule;
  Code code;
  Data stored;
};

std::vector<Bad> bad_frames() {
  Data checksum = FrameEncoder(3).encode(kPayload);
  checksum.back() ^= std::byte{1};
  return {
      {"zstd.frame.magic", Code::malformed, bytes({0x29, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0})},
      {"zstd.frame.magic", Code::malformed, bytes({0x27, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0})},  // version 0.7
      {"zstd.frame.header", Code::malformed, bytes({0x28, 0xB5, 0x2F, 0xFD, 0x28, 0, 1, 0, 0})},
      {"zstd.dictionary", Code::unsupported, bytes({0x28, 0xB5, 0x2F, 0xFD, 0x21, 5, 0, 1, 0, 0})},
      {"zstd.frame.corrupt", Code::malformed, bytes({0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 7, 0, 0})},     // reserved block
      {"zstd.frame.corrupt", Code::malformed, bytes({0x28, 0xB5, 0x2F, 0xFD, 0x20, 2, 9, 0, 0, 1})},  // says 2, has 1
      {"zstd.frame.corrupt", Code::malformed, bytes({0x28, 0xB5, 0x2F, 0xFD, 0x20, 2, 1, 0, 0})},     // has none
      {"zstd.frame.checksum", Code::malformed, checksum},
  };
}

TEST(FrameDecoder, NamesTheRuleThatAFrameBreaks) {
  for (const Bad& bad : bad_frames()) {
    const Outcome outcome = one_shot(bad.stored, 5);
    EXPECT_EQ(outcome.rule, bad.rule);
    EXPECT_EQ(outcome.code, bad.code) << bad.rule;
  }
}

TEST(StreamDecoder, NamesTheRuleThatAFrameBreaksHoweverItIsCut) {
  for (const Bad& bad : bad_frames()) {
    for (const std::size_t in : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      const Outcome outcome = stream(kEmptyFrame + bad.stored, in, 64);
      EXPECT_EQ(outcome.rule, bad.rule) << in;
      EXPECT_EQ(outcome.code, bad.code) << bad.rule;
    }
  }
}

TEST(StreamDecoder, TakesADictionaryNumberOfZeroForNone) {
  const Data stored = bytes({0x28, 0xB5, 0x2F, 0xFD, 0x23, 0, 0, 0, 0, 0, 1, 0, 0});
  EXPECT_TRUE(stream(stored, 1, 1).whole);
  EXPECT_TRUE(one_shot(stored, 0).whole);
}

TEST(StreamDecoder, ReadsTheSameInAnyPieces) {
  const Data data = compressible(300000, 4);
  FrameEncoder encoder(3);
  const std::span<const std::byte> all = data;
  const Data stored = kSkippable + encoder.encode(all.first(200000)) + kEmptyFrame + kHollowSkippable +
                      encoder.encode(all.subspan(200000)) + kSkippable;
  const std::size_t many = 1 << 20;
  for (const auto& [in, out] : {std::pair{many, many},
                                {many, std::size_t{1}},
                                {std::size_t{1}, many},
                                {std::size_t{7}, std::size_t{13}},
                                {std::size_t{1000}, std::size_t{200000}}}) {
    const Outcome outcome = stream(stored, in, out);
    EXPECT_EQ(outcome.rule, "");
    EXPECT_TRUE(outcome.whole);
    EXPECT_TRUE(outcome.decoded == data) << in << " " << out;
  }
}

TEST(StreamDecoder, TakesTheEndOfAFrameWithoutRoomForMore) {
  const Data data = compressible(200000, 5);
  const Data stored = FrameEncoder(3).encode(data) + kSkippable;
  Data out(data.size());
  StreamDecoder decoder;
  auto step = decoder.decode(stored, out);
  EXPECT_EQ(step.made, out.size());
  std::size_t used = step.used;
  while (used < stored.size()) {  // a byte at a time, the worst case
    step = decoder.decode(std::span(stored).subspan(used, 1), {});
    ASSERT_EQ(step.used, 1u);
    used += step.used;
  }
  EXPECT_TRUE(decoder.at_end());
  EXPECT_EQ(out, data);
}

TEST(StreamDecoder, StopsCalmlyWhenThereIsNoRoom) {
  const Data stored = raw_frame(kPayload);
  StreamDecoder decoder;
  std::size_t used = 0;
  for (int i = 0; i < 100; ++i) used += decoder.decode(std::span(stored).subspan(used), {}).used;
  EXPECT_LT(used, stored.size());
  EXPECT_FALSE(decoder.at_end());
  Data out(5);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(decoder.decode({}, {}).made, 0u);
  const auto step = decoder.decode(std::span(stored).subspan(used), out);
  EXPECT_EQ(step.made, 5u);
  EXPECT_EQ(used + step.used, stored.size());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(decoder.decode({}, out).made, 0u);
  EXPECT_TRUE(decoder.at_end());
  EXPECT_EQ(out, kPayload);
}

TEST(StreamDecoder, KnowsWhetherTheInputEndsWithAFrame) {
  EXPECT_FALSE(stream({}, 1, 1).whole);
  EXPECT_TRUE(stream(kSkippable, 2, 1).whole);
  EXPECT_TRUE(stream(kHollowSkippable, 2, 1).whole);
  const Data whole = FrameEncoder(3).encode(compressible(500, 6)) + kSkippable;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Data cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const bool at_end = size == whole.size() || size == whole.size() - kSkippable.size();
    EXPECT_EQ(stream(cut, 5, 100).whole, at_end) << size;
  }
}

TEST(StreamDecoder, LimitsTheWindowHoweverTheInputIsCut) {
  const auto single_segment = [](std::uint64_t size) {  // with an 8-byte content size and an RLE block
    Data frame = bytes({0x28, 0xB5, 0x2F, 0xFD, 0xE0});
    for (int i = 0; i < 8; ++i) frame.push_back(static_cast<std::byte>((size >> (8 * i)) & 0xFF));
    return frame + bytes({2, 0, 0x10, 0xAB});
  };
  for (const std::size_t in : {std::size_t{1}, std::size_t{100}}) {
    EXPECT_TRUE(stream(window_frame(0x88), in, 10).whole);
    EXPECT_EQ(stream(window_frame(0x89), in, 10).code, Code::limit);
    EXPECT_EQ(stream(window_frame(0x89), in, 10).rule, "zstd.window");
    EXPECT_EQ(stream(window_frame(0xFF), in, 10).rule, "zstd.window");
    EXPECT_EQ(stream(single_segment((1u << 27) + 1), in, 1 << 20).rule, "");
    EXPECT_EQ(stream(single_segment((1u << 27) + 2), in, 1 << 20).rule, "zstd.window");
    EXPECT_EQ(stream(single_segment(~std::uint64_t{0}), in, 1 << 20).rule, "zstd.window");
  }
}

// A part of sixteen ones as another writer stores it: a frame with checksum and window, and a table.
const Data kForeignPart =
    bytes({0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x58, 0x45, 0x00, 0x00, 0x10, 0x01, 0x01, 0x01, 0x00, 0x32, 0xC0,
           0x02, 0x06, 0x2F, 0x65, 0x28, 0x5E, 0x2A, 0x4D, 0x18, 0x11, 0x00, 0x00, 0x00, 0x15, 0x00, 0x00,
           0x00, 0x10, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0xB1, 0xEA, 0x92, 0x8F});

TEST(SeekTable, ReadsThePartOfAnotherWriter) {
  const std::span<const std::byte> part = kForeignPart;
  ASSERT_EQ(seek_table_length(part.last(kTableFooterBytes)), 25u);
  const auto frames = parse_seek_table(part.last(25));
  ASSERT_TRUE(frames.has_value());
  ASSERT_EQ(frames->size(), 1u);
  EXPECT_EQ(frames->at(0).stored, 21u);
  EXPECT_EQ(frames->at(0).decoded, 16u);
  EXPECT_EQ(one_shot(Data(part.begin(), part.begin() + 21), 16).decoded, Data(16, std::byte{1}));
  EXPECT_EQ(stream(kForeignPart, 4, 5).decoded, Data(16, std::byte{1}));
  const Data table(part.end() - 25, part.end());
  EXPECT_EQ(encode_seek_table(*frames), table);
}

TEST(SeekTable, ReadsBackWhatItWrote) {
  for (const std::size_t count : {0u, 1u, 2u, 1000u}) {
    std::vector<FrameSize> frames(count, FrameSize{123, static_cast<std::uint32_t>(kFrameBytes)});
    if (count != 0) frames.back() = {0xFFFFFFFF, 5};
    const Data table = encode_seek_table(frames);
    EXPECT_EQ(table.size(), 17 + 8 * count);
    EXPECT_EQ(seek_table_length(std::span(table).last(kTableFooterBytes)), table.size());
    EXPECT_EQ(parse_seek_table(table), frames);
  }
}

TEST(SeekTable, SkipsAChecksumColumn) {
  const Data table = bytes({0x5E, 0x2A, 0x4D, 0x18, 21,   0,    0,    0,    1,   0, 0, 0, 2, 0, 0, 0, 9, 9, 9, 9,  //
                            1,    0,    0,    0,    0x80, 0xB1, 0xEA, 0x92, 0x8F});
  const auto frames = parse_seek_table(table);
  ASSERT_TRUE(frames.has_value());
  EXPECT_EQ(*frames, (std::vector<FrameSize>{{1, 2}}));
}

TEST(SeekTable, IsNoneWhenAByteOfItsFrameIsWrong) {
  const Data table = encode_seek_table(std::vector<FrameSize>{{10, 100}, {10, 100}});
  for (const std::size_t at : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 24u, 25u, 26u, 27u, 28u, 29u, 30u, 31u, 32u}) {
    for (const unsigned bit : {1u, 0x80u}) {
      Data wrong = table;
      wrong[at] ^= static_cast<std::byte>(bit);
      EXPECT_EQ(parse_seek_table(wrong), std::nullopt) << at;
    }
  }
  for (std::size_t size = 0; size < table.size(); ++size) {
    EXPECT_EQ(parse_seek_table(std::span(table).first(size)), std::nullopt);
    EXPECT_EQ(parse_seek_table(std::span(table).last(size)), std::nullopt);
  }
  EXPECT_EQ(seek_table_length(std::span(table).last(8)), std::nullopt);
}

TEST(SeekTable, IsNoneWhenAFramesPlaceDoesNotFollowFromItsNumber) {
  const auto parse = [](const std::vector<FrameSize>& frames) { return parse_seek_table(encode_seek_table(frames)); };
  EXPECT_EQ(parse({{1, 5}, {1, 6}, {1, 5}}), std::nullopt);
  EXPECT_TRUE(parse({{1, 5}, {1, 5}, {1, 6}}).has_value());
  EXPECT_TRUE(parse({{1, 16 << 20}}).has_value());
  EXPECT_EQ(parse({{1, (16 << 20) + 1}}), std::nullopt);
  EXPECT_EQ(parse({{1, 5}, {1, (16 << 20) + 1}}), std::nullopt);
}

TEST(SeekTable, TrustsNoCountOfFrames) {
  // 2^32 - 1 frames of 8 or 12 bytes: their table is longer than the header's field can state.
  EXPECT_EQ(seek_table_length(bytes({255, 255, 255, 255, 0, 0xB1, 0xEA, 0x92, 0x8F})), std::nullopt);
  EXPECT_EQ(seek_table_length(bytes({255, 255, 255, 255, 0x80, 0xB1, 0xEA, 0x92, 0x8F})), std::nullopt);
  EXPECT_EQ(seek_table_length(bytes({0, 0, 0, 0x10, 0, 0xB1, 0xEA, 0x92, 0x8F})), (std::uint64_t{1} << 31) + 17);
}

}  // namespace
}  // namespace zt::codec
