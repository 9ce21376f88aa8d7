// Writes and reads the bytes of the worked examples in spec/.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/utf8.h"
#include "container/zt10/zt10.h"
#include "memory_file.h"
#include "temp_dir.h"
#include "ztensor/error.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> out;
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != '\n') digits += c;
  }
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

std::vector<std::byte> padded_head(std::string_view magic = "5a 54 45 4e 31 30 30 30") {
  std::vector<std::byte> head = from_hex(magic);
  head.resize(64);
  return head;
}

std::vector<std::byte> join(std::vector<std::byte> head, std::string_view hex) {
  const std::vector<std::byte> tail = from_hex(hex);
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

// A 2x2 tensor "t" of 1 2 3 4, without a digest.
constexpr std::string_view kRawExample =
    "00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 40"
    "a2 67 76 65 72 73 69 6f 6e 65 31 2e 32 2e 30 67"
    "6f 62 6a 65 63 74 73 a1 61 74 a3 65 73 68 61 70"
    "65 82 02 02 66 66 6f 72 6d 61 74 65 64 65 6e 73"
    "65 6a 63 6f 6d 70 6f 6e 65 6e 74 73 a1 64 64 61"
    "74 61 a3 65 64 74 79 70 65 63 66 33 32 66 6f 66"
    "66 73 65 74 18 40 66 6c 65 6e 67 74 68 10 5e 00"
    "00 00 00 00 00 00 5a 54 45 4e 31 30 30 30";

// The same tensor, compressed, with a digest and a file attribute.
constexpr std::string_view kZstdExample =
    "28 b5 2f fd 20 10 81 00 00 00 00 80 3f 00 00 00"
    "40 00 00 40 40 00 00 80 40 a3 67 76 65 72 73 69"
    "6f 6e 65 31 2e 31 2e 30 6a 61 74 74 72 69 62 75"
    "74 65 73 a1 61 6b 61 76 67 6f 62 6a 65 63 74 73"
    "a1 61 74 a3 65 73 68 61 70 65 82 02 02 66 66 6f"
    "72 6d 61 74 65 64 65 6e 73 65 6a 63 6f 6d 70 6f"
    "6e 65 6e 74 73 a1 64 64 61 74 61 a6 65 64 74 79"
    "70 65 63 66 33 32 66 6f 66 66 73 65 74 18 40 66"
    "6c 65 6e 67 74 68 18 19 73 75 6e 63 6f 6d 70 72"
    "65 73 73 65 64 5f 6c 65 6e 67 74 68 10 68 65 6e"
    "63 6f 64 69 6e 67 64 7a 73 74 64 66 64 69 67 65"
    "73 74 71 63 72 63 33 32 63 3a 30 78 37 42 30 36"
    "37 39 31 34 ab 00 00 00 00 00 00 00 5a 54 45 4e"
    "31 30 30 30";

// The first tensor again, in generations 0.1 and 1.0.
constexpr std::string_view kExample01 =
    "00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 40"
    "81 bf 64 6e 61 6d 65 61 74 66 6f 66 66 73 65 74"
    "18 40 64 73 69 7a 65 10 65 64 74 79 70 65 67 66"
    "6c 6f 61 74 33 32 66 6c 61 79 6f 75 74 65 64 65"
    "6e 73 65 65 73 68 61 70 65 82 02 02 68 65 6e 63"
    "6f 64 69 6e 67 63 72 61 77 6f 64 61 74 61 5f 65"
    "6e 64 69 61 6e 6e 65 73 73 66 6c 69 74 74 6c 65"
    "ff 61 00 00 00 00 00 00 00";

constexpr std::string_view kExample10 =
    "00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 40"
    "a4 67 76 65 72 73 69 6f 6e 63 31 2e 30 69 67 65"
    "6e 65 72 61 74 6f 72 73 7a 54 65 6e 73 6f 72 2d"
    "52 75 73 74 20 76 30 2e 31 2e 30 6a 61 74 74 72"
    "69 62 75 74 65 73 a0 67 74 65 6e 73 6f 72 73 a1"
    "61 74 a4 65 64 74 79 70 65 67 66 6c 6f 61 74 33"
    "32 65 73 68 61 70 65 82 02 02 66 66 6f 72 6d 61"
    "74 65 64 65 6e 73 65 6a 63 6f 6d 70 6f 6e 65 6e"
    "74 73 a1 64 64 61 74 61 a2 66 6f 66 66 73 65 74"
    "18 40 66 6c 65 6e 67 74 68 10 8a 00 00 00 00 00"
    "00 00";

const std::vector<float> kElements = {1, 2, 3, 4};

TEST(Zt12Encode, WritesTheWorkedExampleByteForByte) {
  std::vector<std::byte> out;
  Writer writer = Writer::to(std::make_unique<test::VectorSink>(out), {.checksum = Checksum::none});
  writer.add("t", {2, 2}, std::span<const float>(kElements));
  writer.finalize();
  EXPECT_EQ(out, join(padded_head(), kRawExample));
}

TEST(Zt12Encode, WritesAnEmptyFileOf48Bytes) {
  std::vector<std::byte> out;
  Writer::to(std::make_unique<test::VectorSink>(out)).finalize();
  EXPECT_EQ(out.size(), 48U);
  EXPECT_EQ(test::open_bytes(out).size(), 0U);
}

TEST(Zt01Decode, ReadsTheWorkedExample) {
  const std::vector<std::byte> whole = join(padded_head("5a 54 45 4e 30 30 30 31"), kExample01);
  EXPECT_EQ(whole.size(), 185U);
  const Source source = test::open_bytes(whole);
  EXPECT_EQ(source.format(), "zt-0.1");
  EXPECT_EQ(source.tensor("t").read<float>(), kElements);
}

TEST(Zt10Decode, ReadsTheWorkedExample) {
  const Source source = test::open_bytes(join(padded_head(), kExample10));
  EXPECT_EQ(source.format(), "zt-1.0");
  EXPECT_EQ(source.tensor("t").read<float>(), kElements);
}

TEST(Zt10Encode, WritesTheWorkedExampleByteForByte) {
  const std::vector<std::uint64_t> shape = {2, 2};
  model::Catalog catalog;
  catalog.add_tensor("t", shape, "dense", {});
  catalog.add_part("data", DType::f32, {.offset = 64, .stored_length = 16, .decoded_length = 16}, "");
  const model::Encoder& encoder = container::zt10::kEncoder;
  std::vector<std::byte> file = encoder.head();
  file.resize(64);
  const auto elements = std::as_bytes(std::span(kElements));
  file.insert(file.end(), elements.begin(), elements.end());
  const std::vector<std::byte> manifest = encoder.manifest(catalog);
  const std::vector<std::byte> footer = encoder.footer(file.size(), manifest);
  file.insert(file.end(), manifest.begin(), manifest.end());
  file.insert(file.end(), footer.begin(), footer.end());
  EXPECT_EQ(file, join(padded_head(), kExample10));
}

TEST(Zt10Encode, WritesTheWorkedExampleThroughAWriter) {
  const WriterOptions options{.to = "1.0", .checksum = Checksum::none};
  const std::vector<std::byte> file = test::written(options, [](Writer& writer) {
    writer.add("t", {2, 2}, std::span<const float>(kElements));
  });
  EXPECT_EQ(file, join(padded_head(), kExample10));
}

TEST(Zt10Encode, WritesTheManifestsOfRelease101ByteForByte) {
  for (const char* name : {"dtypes.zt", "empty_file.zt", "names.zt", "shapes.zt", "sparse.zt", "zstd.zt"}) {
    const std::string content = test::read_file(std::filesystem::path(ZT_TEST_DATA) / "golden" / "1.0.1" / name);
    const auto bytes = as_bytes(content);
    const model::Catalog catalog =
        container::zt10::decode(MemoryStore(std::vector<std::byte>(bytes.begin(), bytes.end())), {});
    const std::vector<std::byte> manifest = container::zt10::kEncoder.manifest(catalog);
    ASSERT_LT(manifest.size(), bytes.size()) << name;
    EXPECT_TRUE(std::ranges::equal(manifest, bytes.last(manifest.size() + 8).first(manifest.size()))) << name;
    EXPECT_TRUE(std::ranges::equal(container::zt10::kEncoder.footer(0, manifest), bytes.last(8))) << name;
  }
}

TEST(Zt12Decode, ReadsTheWorkedExample) {
  const Source source = test::open_bytes(join(padded_head(), kRawExample));
  EXPECT_EQ(source.format(), "zt-1.2");
  EXPECT_EQ(source.tensor("t").read<float>(), kElements);
}

TEST(Zt12Decode, ReadsTheCompressedExampleAndChecksItsDigest) {
  const std::vector<std::byte> whole = join(padded_head(), kZstdExample);
  const Source source = test::open_bytes(whole);
  EXPECT_EQ(source.format(), "zt-1.1");
  EXPECT_EQ(*source.attributes().find("k")->text(), "v");
  EXPECT_EQ(source.tensor("t").read<float>(), kElements);
  EXPECT_EQ(source.tensor("t").data().digest(), "crc32c:0x7B067914");

  std::vector<std::byte> flipped = whole;
  flipped[75] ^= std::byte{1};
  try {
    (void)test::open_bytes(flipped).tensor("t").read<float>();
    FAIL() << "a flipped bit went unnoticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::mismatch);
    EXPECT_STREQ(error.rule(), "digest.mismatch");
  }
}

}  // namespace
}  // namespace zt
