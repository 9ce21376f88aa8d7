#include "codec/codecs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "codec/zstd.h"
#include "errors.h"
#include "random.h"

// Tests for every row of the table of codecs.
namespace zt::codec {
namespace {

using Data = std::vector<std::byte>;

constexpr ElementForm kForm = ElementForm::bytes1;
constexpr Words kWords[] = {Words::zt1, Words::zt2};

// Contents of a piece, some of which shrink.
std::vector<Data> pieces() {
  test::Random random(1);
  return {Data(1),
          Data(kFrameBytes),
          random.bytes(1),
          random.bytes(1000),
          random.bytes(kFrameBytes),
          random.soft_bytes(100000),
          random.soft_bytes(kFrameBytes)};
}

// The stored bytes of a part of one piece, without a seek table.
Data encode(const Row& row, const Data& piece) {
  return row.encoder ? row.encoder(kForm, row.usual.level())->encode(piece) : piece;
}

// Decodes in input pieces of `step` bytes; empty if the input ends too early, or decodes to another length.
Data decode_part(const Row& row, const Data& stored, std::size_t length, std::size_t step) {
  const auto decoder = row.part_decoder();
  Data out(length + 1);
  std::size_t made = 0;
  for (std::size_t at = 0; at < stored.size();) {
    const auto input = std::span(stored).subspan(at, std::min(step, stored.size() - at));
    const PartDecoder::Step done = decoder->decode(input, std::span(out).subspan(made));
    at += done.used;
    made += done.made;
    if (done.used == 0 && done.made == 0) return {};
  }
  made += decoder->decode({}, std::span(out).subspan(made)).made;
  if (!decoder->at_end() || made != length) return {};
  out.resize(length);
  return out;
}

TEST(Codecs, LieByTheirValuesAndRawIsTheOneWithoutADecoder) {
  ASSERT_FALSE(codecs().empty());
  for (std::size_t i = 0; i < codecs().size(); ++i) {
    const Row& row = codecs()[i];
    EXPECT_EQ(static_cast<std::size_t>(row.codec), i);
    EXPECT_EQ(&row_of(row.codec), &row);
    EXPECT_EQ(row.is_raw(), row.codec == Codec::raw);
    EXPECT_EQ(row.part_decoder == nullptr, row.is_raw() || row.codec == Codec::planes || row.codec == Codec::delta)
        << row.name;
    for (const char* rule :
         {row.rules.empty, row.rules.shorter, row.rules.longer, row.rules.truncated, row.rules.limit})
      EXPECT_EQ(rule == nullptr, row.part_decoder == nullptr) << row.name;
    EXPECT_EQ(row.encoder == nullptr, row.is_raw() || !row.is_written()) << row.name;
    EXPECT_EQ(row.bound == nullptr, !row.is_written()) << row.name;
    EXPECT_TRUE(row.is_written() || row.usual.is_raw()) << row.name;
    EXPECT_TRUE(row.piece_decoder || !row.has_frames) << row.name;
    EXPECT_LE(row.usual.level(), row.most_level) << row.name;
  }
}

TEST(Codecs, AreFoundByTheWordsThatFilesHave) {
  std::set<std::string_view> names;
  for (const Row& row : codecs()) EXPECT_TRUE(names.insert(row.name).second) << row.name;
  for (const Words words : kWords) {
    std::set<std::string_view> seen;
    for (const Row& row : codecs()) {
      const std::string_view word = row.word(words);
      if (word.empty()) continue;
      EXPECT_TRUE(seen.insert(word).second) << word << " means two codecs";
      EXPECT_EQ(find_word(words, word), &row) << word;
    }
    EXPECT_EQ(find_word(words, ""), nullptr);
    EXPECT_EQ(find_word(words, "acme/1"), nullptr);
  }
  EXPECT_EQ(find_word(Words::zt1, "zt.zstd-seekable/1"), nullptr) << "a word of another generation";
  EXPECT_EQ(find_word(Words::zt2, "zstd"), nullptr);
}

TEST(Codecs, StoreNoMoreThanTheirBoundAndNoLessThanTheirRatio) {
  for (const Row& row : codecs()) {
    EXPECT_TRUE(can_give(row.codec, 0, 0)) << row.name;
    EXPECT_FALSE(can_give(row.codec, 1, ~std::uint64_t{0})) << row.name;
    if (!row.is_written()) continue;
    for (const Data& piece : pieces()) {
      const Data stored = encode(row, piece);
      EXPECT_LE(stored.size(), row.bound(piece.size())) << row.name;
      EXPECT_TRUE(can_give(row.codec, stored.size(), piece.size())) << row.name;
    }
    EXPECT_GE(row.bound(std::uint64_t{1} << 40), std::uint64_t{1} << 40) << row.name;
  }
}

TEST(Codecs, DecodeWhatTheyEncode) {
  for (const Row& row : codecs()) {
    if (!row.encoder) continue;
    PieceDecoders decoders;
    for (const Data& piece : pieces()) {
      const Data stored = encode(row, piece);
      EXPECT_EQ(encode(row, piece), stored) << row.name << ": encoding again gives other bytes";
      Data decoded(piece.size());
      decoders.of(row.codec, kForm).decode(stored, decoded);
      EXPECT_TRUE(decoded == piece) << row.name;
      for (const std::size_t step : {std::size_t{7919}, stored.size()}) {
        if (!row.part_decoder) break;
        EXPECT_TRUE(decode_part(row, stored, piece.size(), step) == piece) << row.name;
      }
    }
  }
}

// Given bytes that no encoder made, a decoder throws Error or fills `out` with other bytes, and never writes past
// `out`.
TEST(Codecs, RefuseHostileBytesWithAnErrorAndNothingElse) {
  test::Random random(2);
  for (const Row& row : codecs()) {
    if (!row.encoder) continue;
    const Data piece = random.soft_bytes(5000);
    const Data stored = encode(row, piece);
    std::size_t refused = 0;
    constexpr std::size_t kRounds = 300;
    for (std::size_t round = 0; round < kRounds; ++round) {
      Data hostile = round % 3 == 0 ? random.bytes(1 + round) : stored;
      if (round % 3 == 1) hostile.resize(round * stored.size() / kRounds);
      if (round % 3 == 2) hostile[round * 7 % hostile.size()] ^= std::byte{0x41};
      Data out(piece.size());
      try {
        row.piece_decoder(kForm)->decode(hostile, out);
      } catch (const Error& error) {
        ++refused;
        EXPECT_NE(error.code(), Code::usage);
        EXPECT_NE(error.code(), Code::internal);
      }
      try {
        if (row.part_decoder) decode_part(row, hostile, piece.size(), 100);
      } catch (const Error& error) {
        EXPECT_NE(error.code(), Code::usage);
        EXPECT_NE(error.code(), Code::internal);
      }
    }
    EXPECT_GT(refused, kRounds / 2) << row.name;
    for (const std::size_t length : {piece.size() - 1, piece.size() + 1}) {
      Data out(length);
      EXPECT_EQ(test::code_of([&] { row.piece_decoder(kForm)->decode(stored, out); }), Code::malformed) << row.name;
    }
  }
}

}  // namespace
}  // namespace zt::codec
