#include "read/pieces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "codec/zstd.h"
#include "hash/crc32c.h"
#include "hash/digest.h"
#include "many_threads.h"
#include "part_bytes.h"
#include "random.h"
#include "read/parts.h"
#include "read/slice.h"
#include "run/parallel.h"

namespace zt::read {
namespace {

using test::Data;
using test::digest_of;
using test::expect_bytes;
using test::frame;
using test::noise;
using test::Outcome;
using test::Plain;
using test::plain;
using test::read_all;
using test::operator+;

// A zstd part whose frames decode to these sizes, all zeros except their numbers, with a seek table.
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
  PieceReader reader({&store, recipe, text}, Verify::always);
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

// Such a table is correct, but does not allow to count pieces.
TEST(PieceReader, ReadsAStreamWhereTheLastFrameIsLargerThanTheFirstOrEmpty) {
  expect_reads(std::array<std::size_t, 2>{1, kFull}, true);
  expect_reads(std::array<std::size_t, 3>{10, 10, 4000}, true);
  expect_reads(std::array<std::size_t, 2>{kFull, 0}, true);
  expect_reads(std::array<std::size_t, 2>{0, 7}, true);
}

// A view that owns its axes, and the width of words to swap.
struct TestView {
  std::uint64_t blob_length;
  std::uint64_t start;
  std::array<std::uint64_t, 2> shape;
  std::array<std::int64_t, 2> strides;
  std::uint32_t element_bytes;
  std::uint8_t swap_bytes = 0;

  model::View view() const {
    return {
        .blob_length = blob_length, .start = start, .shape = shape, .strides = strides, .element_bytes = element_bytes};
  }
};

// The elements of a view, one by one.
Data gathered(const Data& blob, const TestView& view) {
  Data out;
  for (std::uint64_t i = 0; i < view.shape[0]; ++i) {
    for (std::uint64_t j = 0; j < view.shape[1]; ++j) {
      const auto at = static_cast<std::ptrdiff_t>(view.start) + static_cast<std::ptrdiff_t>(i) * view.strides[0] +
                      static_cast<std::ptrdiff_t>(j) * view.strides[1];
      out.insert(out.end(), blob.begin() + at, blob.begin() + at + view.element_bytes);
      for (std::ptrdiff_t k = view.element_bytes; view.swap_bytes != 0 && k > 0; k -= view.swap_bytes) {
        std::reverse(out.end() - k, out.end() - k + view.swap_bytes);
      }
    }
  }
  return out;
}

// The blob stored in each possible way, from byte 24 of a store.
struct Stored {
  std::string what;
  model::Coding coding;
  Data bytes;
};

std::vector<Stored> stored_ways(const Data& blob, std::size_t chunk) {
  Data frames;
  std::vector<codec::FrameSize> sizes;
  for (std::size_t at = 0; at < blob.size(); at += chunk) {
    const Data part(blob.begin() + static_cast<std::ptrdiff_t>(at),
                    blob.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, blob.size())));
    const Data stored = frame(part);
    frames = frames + stored;
    sizes.push_back({static_cast<std::uint32_t>(stored.size()), static_cast<std::uint32_t>(part.size())});
  }
  const Data table = codec::encode_seek_table(sizes);
  return {{"raw", model::Coding::raw, blob},
          {"stream", model::Coding::zstd, frames},
          {"frames", model::Coding::zstd, frames + table},
          {"seekable", model::Coding::seekable, frames + table}};
}

void expect_view(const Data& blob, const TestView& view, std::size_t chunk) {
  const Data expected = gathered(blob, view);
  for (const Stored& stored : stored_ways(blob, chunk)) {
    const MemoryStore store(Data(24) + stored.bytes);
    const model::Recipe recipe{.offset = 24,
                               .stored_length = stored.bytes.size(),
                               .decoded_length = expected.size(),
                               .view = 0,
                               .coding = stored.coding,
                               .swap = view.swap_bytes};
    const std::string crc = digest_of(Checksum::crc32c, stored.bytes);
    const std::string sha = digest_of(Checksum::sha256, stored.bytes);
    const std::string xxh3 = digest_of(Checksum::xxh3, blob);
    for (const std::string& digest : {crc, sha}) {
      expect_bytes({&store, recipe, digest, view.view()}, expected, view.element_bytes, stored.what + digest);
    }
    expect_bytes({&store, recipe, xxh3, view.view(), true}, expected, view.element_bytes, stored.what + xxh3);
    EXPECT_EQ(read_all({&store, recipe, "crc32c:0x00000001", view.view()}, Verify::standard).rule, "digest.mismatch");
    EXPECT_EQ(read_all({&store, recipe, "xxh3:0000000000000001", view.view(), true}, Verify::standard).rule,
              "digest.mismatch");
  }
}

// All threads share one reader, and each brings every fourth piece. All kinds of digests are computed.
TEST(ThreadsPieces, ShareOneReader) {
  const Data blob = test::Random(31).soft_bytes(5 * kPieceBytes + 17);
  for (const Stored& stored : stored_ways(blob, kFull)) {
    const MemoryStore store(Data(24) + stored.bytes);
    const model::Recipe recipe{
        .offset = 24, .stored_length = stored.bytes.size(), .decoded_length = blob.size(), .coding = stored.coding};
    for (const auto& [digest, over_decoded] : {std::pair{digest_of(Checksum::crc32c, stored.bytes), false},
                                               std::pair{digest_of(Checksum::sha256, stored.bytes), false},
                                               std::pair{digest_of(Checksum::xxh3, blob), true}}) {
      PieceReader reader({&store, recipe, digest, {}, over_decoded}, Verify::always, Use::lasting);
      if (reader.ordered()) continue;  // for one thread only
      Data out(blob.size());
      Scratches scratches;
      test::together(4, [&](std::size_t thread) {
        for (std::size_t piece = thread; piece < reader.pieces(); piece += 4) {
          std::unique_ptr<Scratch> scratch = scratches.take();
          const auto at = static_cast<std::size_t>(reader.piece_offset(piece));
          reader.read(piece, std::span(out).subspan(at, reader.piece_length(piece)), *scratch);
          scratches.give(std::move(scratch));
        }
      });
      reader.finish();
      EXPECT_TRUE(out == blob) << stored.what << digest;
    }
  }
}

// One call with jobs of every kind: pieces in any order, pieces in order by one thread, visited pieces, and wrong
// parts.
TEST(ThreadsParts, CarryOutAllJobsAndTellOfEachThatFails) {
  const Data blob = test::Random(32).soft_bytes(3 * kPieceBytes + 17);
  const std::vector<Stored> ways = stored_ways(blob, kFull);
  const std::string right = digest_of(Checksum::xxh3, blob);
  const std::string wrong = digest_of(Checksum::xxh3, Data(1));
  std::vector<MemoryStore> stores;
  std::vector<model::Recipe> recipes;
  for (const Stored& stored : ways) {
    stores.emplace_back(Data(24) + stored.bytes);
    recipes.push_back(
        {.offset = 24, .stored_length = stored.bytes.size(), .decoded_length = blob.size(), .coding = stored.coding});
  }
  std::vector<Data> outs(2 * ways.size(), Data(blob.size()));
  std::atomic<std::uint64_t> visited = 0;
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < outs.size(); ++i) {
    const std::size_t way = i / 2;
    jobs.push_back({.part = {&stores[way], recipes[way], i % 2 == 0 ? right : wrong, {}, true},
                    .verify = Verify::always,
                    .out = outs[i],
                    .visit = {}});
  }
  for (std::size_t way = 0; way < ways.size(); ++way) {
    jobs.push_back({.part = {&stores[way], recipes[way], right, {}, true},
                    .verify = Verify::always,
                    .out = {},
                    .visit = [&](std::uint64_t, std::span<const std::byte> bytes) { visited += bytes.size(); }});
  }
  const test::ManyThreads many;
  run::Meter meter;
  std::set<std::size_t> failed;  // reported one at a time
  carry_out(jobs, 4, meter, [&](std::size_t job, std::size_t, Error& error) {
    EXPECT_STREQ(error.rule(), "digest.mismatch") << error.what();
    EXPECT_TRUE(failed.insert(job).second);
  });
  EXPECT_EQ(failed, (std::set<std::size_t>{1, 3, 5, 7}));
  for (const Data& out : outs) EXPECT_TRUE(out == blob);
  EXPECT_EQ(visited, ways.size() * blob.size());
}

constexpr std::size_t kMany = 140000;

TEST(PieceReader, TurnsAroundABigEndianPartInPlace) {
  for (const std::uint8_t width : std::array<std::uint8_t, 3>{2, 4, 8}) {
    const std::uint64_t count = kMany;
    const TestView view{.blob_length = count * width,
                        .start = 0,
                        .shape = {1, count},
                        .strides = {0, width},
                        .element_bytes = width,
                        .swap_bytes = width};
    expect_view(noise(count * width, width), view, kFull);
    expect_view(noise(count * width, width), view, 100001);  // frames that end within a word
  }
}

TEST(PieceReader, GathersInterleavedRecords) {
  const std::int64_t record = 2 * 8 + 4;
  const std::uint64_t count = 60000;
  const Data blob = noise(static_cast<std::size_t>(record) * count, 5);
  const TestView coords{.blob_length = blob.size(),
                        .start = 0,
                        .shape = {2, count},
                        .strides = {8, record},
                        .element_bytes = 8,
                        .swap_bytes = 4};
  const TestView values{.blob_length = blob.size(),
                        .start = 16,
                        .shape = {1, count},
                        .strides = {0, record},
                        .element_bytes = 4,
                        .swap_bytes = 0};
  expect_view(blob, coords, kFull);
  expect_view(blob, values, 100000);
}

TEST(PieceReader, GathersARangeOfABlob) {
  const Data blob = noise(kMany * 8 + 24, 6);
  for (const std::uint8_t swap : std::array<std::uint8_t, 2>{0, 8}) {
    expect_view(blob,
                {.blob_length = blob.size(),
                 .start = 16,
                 .shape = {1, kMany},
                 .strides = {0, 8},
                 .element_bytes = 8,
                 .swap_bytes = swap},
                kFull);
  }
}

TEST(PieceReader, ChecksTheBlobOfAPartOfNothing) {
  const TestView none{.blob_length = 40, .start = 40, .shape = {1, 0}, .strides = {0, 4}, .element_bytes = 4};
  expect_view(noise(40, 7), none, 10);
}

TEST(PieceReader, ChecksDigestsOverDecodedBytes) {
  const Data decoded = noise(3 * kFull + 77, 8);
  for (const Stored& stored : stored_ways(decoded, kFull)) {
    const Plain part = plain(stored.bytes, stored.coding, decoded.size());
    for (const Checksum algorithm : {Checksum::xxh3, Checksum::sha256}) {
      const std::string right = digest_of(algorithm, decoded);
      const std::string wrong = digest_of(algorithm, decoded + Data(1));
      expect_bytes({&part.store, part.recipe, right, {}, true}, decoded, 1, stored.what + right);
      const bool cheap = algorithm == Checksum::xxh3;
      for (const Use use : {Use::any, Use::plain, Use::lasting}) {
        const PartSource source{&part.store, part.recipe, wrong, {}, true};
        EXPECT_EQ(read_all(source, Verify::always, use).rule, "digest.mismatch") << stored.what;
        EXPECT_EQ(read_all(source, Verify::standard, use).rule, cheap ? "digest.mismatch" : "") << stored.what;
        EXPECT_EQ(read_all(source, Verify::never, use).rule, "");
      }
    }
  }
}

TEST(PieceReader, ChecksADigestOfLastingPiecesInAnyOrder) {
  const Data decoded = noise(3 * kFull, 9);
  const Plain part = plain(decoded, model::Coding::raw, decoded.size());
  const std::string digest = digest_of(Checksum::xxh3, decoded);
  const PartSource source{&part.store, part.recipe, digest, {}, true};
  EXPECT_TRUE(read_all(source, Verify::standard).ordered);
  EXPECT_FALSE(read_all(source, Verify::standard, Use::lasting).ordered);
}

TEST(PieceReader, TellsAWrongDigestOfGeneration2FromAnUnknownOne) {
  const Data decoded = noise(100, 10);
  const Plain part = plain(decoded, model::Coding::raw, decoded.size());
  const auto rule = [&](const char* digest, Verify verify) {
    return read_all({&part.store, part.recipe, digest, {}, true}, verify).rule;
  };
  EXPECT_EQ(rule("xxh3:1", Verify::standard), "digest.form");
  EXPECT_EQ(rule("xxh3:1", Verify::never), "");
  EXPECT_EQ(rule("sha256:12", Verify::always), "digest.form");
  EXPECT_EQ(rule("sha256:12", Verify::standard), "");
  EXPECT_EQ(rule("crc32c:0xABCDEF01", Verify::always), "");
  EXPECT_EQ(rule("blake3:00", Verify::always), "");
  EXPECT_EQ(rule("", Verify::always), "");
}

// Counts the bytes read from a store at once, and in all.
class WatchedStore final : public ByteStore {
 public:
  explicit WatchedStore(Data bytes) : memory_(std::move(bytes)) {}
  std::uint64_t size() const override { return memory_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    total += out.size();
    largest = std::max(largest, out.size());
    memory_.read_at(offset, out);
  }
  mutable std::size_t total = 0;
  mutable std::size_t largest = 0;

 private:
  MemoryStore memory_;
};

// A transposed matrix needs memory for its result and for windows of its blob. The blob passes once, for the digest
// too.
TEST(PieceReader, GathersInOnePassOverWindowsOfTheBlob) {
  constexpr std::uint64_t kSide = 1500;
  const Data blob = noise(kSide * kSide * 4, 11);
  const TestView view{
      .blob_length = blob.size(), .start = 0, .shape = {kSide, kSide}, .strides = {4, 4 * kSide}, .element_bytes = 4};
  const std::string digest = digest_of(Checksum::sha256, blob);
  for (const Use use : {Use::any, Use::lasting}) {
    const WatchedStore store(blob);
    const model::Recipe recipe{
        .offset = 0, .stored_length = blob.size(), .decoded_length = blob.size(), .view = 0, .swap = 0};
    const Outcome outcome = read_all({&store, recipe, digest, view.view()}, Verify::always, use);
    EXPECT_EQ(outcome.rule, "");
    EXPECT_TRUE(outcome.out == gathered(blob, view));
    EXPECT_EQ(store.total, blob.size());
    EXPECT_LE(store.largest, kPieceBytes);
  }
}

TEST(PieceReader, ReadsNoPiecesOfABlobThatHoldNoneOfTheElements) {
  const Data blob = noise(8 * kPieceBytes, 12);
  const TestView view{.blob_length = blob.size(),
                      .start = 5,
                      .shape = {1, 2},
                      .strides = {0, 6 * static_cast<std::int64_t>(kPieceBytes)},
                      .element_bytes = 4};
  const WatchedStore store(blob);
  const model::Recipe recipe{.offset = 0, .stored_length = blob.size(), .decoded_length = 8, .view = 0};
  EXPECT_TRUE(read_all({&store, recipe, "", view.view()}, Verify::always).out == gathered(blob, view));
  EXPECT_LE(store.total, 2 * kPieceBytes);
}

// The first one gathers all elements; the others wait for it, and each takes its pieces.
TEST(ThreadsGathered, TakeThePiecesOfOneReader) {
  constexpr std::uint64_t kSide = 900;
  const Data blob = noise(kSide * kSide * 4, 13);
  const TestView view{
      .blob_length = blob.size(), .start = 0, .shape = {kSide, kSide}, .strides = {4, 4 * kSide}, .element_bytes = 4};
  const MemoryStore store(blob);
  const model::Recipe recipe{.offset = 0, .stored_length = blob.size(), .decoded_length = blob.size(), .view = 0};
  PieceReader reader({&store, recipe, digest_of(Checksum::sha256, blob), view.view()}, Verify::always);
  ASSERT_FALSE(reader.ordered());
  ASSERT_GT(reader.pieces(), 1U);
  Data out(blob.size());
  test::together(4, [&](std::size_t thread) {
    Scratch scratch;
    for (std::size_t piece = thread; piece < reader.pieces(); piece += 4) {
      const auto at = static_cast<std::size_t>(reader.piece_offset(piece));
      reader.read(piece, std::span(out).subspan(at, reader.piece_length(piece)), scratch);
    }
  });
  reader.finish();
  EXPECT_TRUE(out == gathered(blob, view));
}

TEST(ThreadsScratch, AreLeasedToOneThreadAtATime) {
  Scratches scratches;
  test::together(4, [&](std::size_t thread) {
    for (std::size_t i = 0; i < 100; ++i) {
      std::unique_ptr<Scratch> scratch = scratches.take();
      scratch->decoded.assign(64, static_cast<std::byte>(thread));
      for (const std::byte byte : scratch->decoded) EXPECT_EQ(byte, static_cast<std::byte>(thread));
      scratches.give(std::move(scratch));
    }
  });
}

}  // namespace
}  // namespace zt::read
