#include "write/part_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "hash/crc32c.h"
#include "hash/xxh3.h"
#include "many_threads.h"
#include "memory_file.h"
#include "random.h"
#include "write/array_pieces.h"

namespace zt::write {
namespace {

constexpr std::size_t kBatch = 9;  // pieces: few, so that parts take several batches
constexpr Checksum kChecksums[] = {
    Checksum::none,
    Checksum::crc32c,
#ifdef ZT_HAVE_SHA256
    Checksum::sha256,
#endif
    Checksum::xxh3,
};

struct Written {
  WrittenPart part;
  std::vector<std::byte> bytes;
};

// Bytes that are made piece by piece, unlike an array in memory.
class MadePieces final : public Pieces {
 public:
  MadePieces(std::span<const std::byte> bytes, bool ordered) : bytes_(bytes), ordered_(ordered) {}
  std::uint64_t length() const override { return bytes_.size(); }
  bool ordered() const override { return ordered_; }
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch&) override {
    const auto from = bytes_.subspan(piece * read::kPieceBytes, out.size());
    std::copy(from.begin(), from.end(), out.begin());
  }

 private:
  std::span<const std::byte> bytes_;
  bool ordered_;
};

Written write(Pieces& source, const PartOptions& options, unsigned threads) {
  Written written;
  Output output(std::make_unique<test::VectorSink>(written.bytes));
  PartWriter writer(output, threads, kBatch);
  run::Meter meter;
  written.part = writer.write(source, options, meter);
  output.flush();
  return written;
}

Written write_memory(std::span<const std::byte> bytes, const PartOptions& options, unsigned threads = 2) {
  ArrayPieces source({.dtype = DType::u8, .shape = {bytes.size()}, .data = bytes.data()});
  return write(source, options, threads);
}

hash::Digest digest_of(std::span<const std::byte> bytes, Checksum checksum) {
  hash::Digest digest;
  digest.algorithm = checksum;
  if (checksum == Checksum::crc32c) digest.crc = hash::crc32c(bytes);
  if (checksum == Checksum::xxh3) digest.xxh3 = hash::xxh3(bytes);
  if (checksum == Checksum::sha256) {
    hash::Sha256 sha;
    sha.update(bytes);
    digest.sha = sha.finish();
  }
  return digest;
}

const std::size_t kSizes[] = {1,
                              read::kPieceBytes - 1,
                              read::kPieceBytes,
                              kBatch* read::kPieceBytes,
                              kBatch* read::kPieceBytes + 1,
                              11 * read::kPieceBytes + 5};

TEST(PartWriter, DigestsDecodedBytesOfGenerationTwo) {
  const std::vector<std::byte> all = test::Random(1).soft_bytes(*std::rbegin(kSizes));
  for (const std::size_t size : kSizes) {
    const auto bytes = std::span(all).first(size);
    for (const Checksum checksum : kChecksums) {
      for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1)}) {
        const PartOptions options{.encoding = encoding, .checksum = checksum, .digest_decoded = true};
        const Written written = write_memory(bytes, options);
        EXPECT_EQ(written.part.digest, digest_of(bytes, checksum)) << size;
        EXPECT_EQ(written.part.stored_length, written.bytes.size());
        EXPECT_EQ(written.part.coding.is_raw(),
                  encoding.is_raw() || size == 1);  // a frame of one byte is larger than that byte
      }
    }
  }
}

// So long that the writer asks several times whether a second thread would help.
TEST(PartWriter, DigestsLongPartsWithAnyNumberOfThreads) {
  const std::vector<std::byte> bytes = test::Random(7).bytes((std::size_t{64} << 20) + 10 * read::kPieceBytes + 5);
  for (const unsigned threads : {1u, 2u}) {
    const Written written = write_memory(bytes, {.checksum = Checksum::crc32c}, threads);
    EXPECT_EQ(written.part.digest, digest_of(bytes, Checksum::crc32c)) << threads;
    EXPECT_TRUE(written.bytes == bytes) << threads;
  }
}

TEST(PartWriter, DigestsStoredBytesOfEarlierGenerations) {
  const std::vector<std::byte> all = test::Random(2).soft_bytes(*std::rbegin(kSizes));
  for (const std::size_t size : {std::size_t{1}, all.size()}) {
    for (const Checksum checksum : kChecksums) {
      for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1)}) {
        const Written written = write_memory(std::span(all).first(size), {.encoding = encoding, .checksum = checksum});
        EXPECT_EQ(written.part.digest, digest_of(written.bytes, checksum)) << size;
      }
    }
  }
}

TEST(PartWriter, StoresTheSameBytesWhateverIsDigested) {
  const std::vector<std::byte> bytes = test::Random(3).soft_bytes(4 * read::kPieceBytes + 9);
  for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1)}) {
    const Written plain = write_memory(bytes, {.encoding = encoding});
    const Written digested =
        write_memory(bytes, {.encoding = encoding, .checksum = Checksum::xxh3, .digest_decoded = true});
    EXPECT_TRUE(digested.bytes == plain.bytes);
  }
}

TEST(PartWriter, DigestsAnEmptyPart) {
  for (const Checksum checksum : kChecksums) {
    const Written written =
        write_memory({}, {.encoding = Encoding::zstd(), .checksum = checksum, .digest_decoded = true});
    EXPECT_EQ(written.part.digest, digest_of({}, checksum));
    EXPECT_EQ(written.part.stored_length, 0U);
    EXPECT_TRUE(written.part.coding.is_raw());
  }
}

TEST(PartWriter, DigestsWhatZstdDoesNotShrink) {
  const std::vector<std::byte> bytes = test::Random(4).bytes(kBatch * read::kPieceBytes);
  for (const Checksum checksum : kChecksums) {
    for (const bool decoded : {false, true}) {
      const Written written =
          write_memory(bytes, {.encoding = Encoding::zstd(1), .checksum = checksum, .digest_decoded = decoded});
      EXPECT_TRUE(written.part.coding.is_raw());
      EXPECT_EQ(written.part.digest, digest_of(bytes, checksum));
      EXPECT_TRUE(written.bytes == bytes);
    }
  }
}

TEST(ThreadsPartWriter, MakeTheSameOfBytesInMemoryAndOfPieces) {
  const std::vector<std::byte> bytes = test::Random(5).soft_bytes(11 * read::kPieceBytes + 77);
  for (const Checksum checksum : kChecksums) {
    for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1)}) {
      const PartOptions options{.encoding = encoding, .checksum = checksum, .digest_decoded = true};
      const Written expected = write_memory(bytes, options, 1);
      const test::ManyThreads many;
      EXPECT_TRUE(write_memory(bytes, options, 3).bytes == expected.bytes);
      for (const bool ordered : {false, true}) {
        MadePieces source(bytes, ordered);
        const Written written = write(source, options, 3);
        EXPECT_EQ(written.part.digest, expected.part.digest);
        EXPECT_TRUE(written.bytes == expected.bytes);
      }
    }
  }
}

// Each part starts a new digest.
TEST(PartWriter, StartsADigestForEveryPart) {
  const std::vector<std::byte> bytes = test::Random(6).soft_bytes(1000);
  std::vector<std::byte> file;
  Output output(std::make_unique<test::VectorSink>(file));
  PartWriter writer(output, 1);
  run::Meter meter;
  for (const Checksum checksum : {Checksum::xxh3, Checksum::crc32c, Checksum::xxh3, Checksum::none}) {
    ArrayPieces source({.dtype = DType::u8, .shape = {bytes.size()}, .data = bytes.data()});
    const WrittenPart part = writer.write(source, {.checksum = checksum, .digest_decoded = true}, meter);
    EXPECT_EQ(part.digest, digest_of(bytes, checksum));
  }
}

}  // namespace
}  // namespace zt::write
