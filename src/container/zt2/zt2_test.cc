#include "container/zt2/zt2.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "container/zt2/footer.h"
#include "container/zt2/names.h"
#include "container/zt2/regions.h"
#include "hash/xxh3.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::container::zt2 {
namespace {

MemoryStore store_of(std::string_view bytes) {
  return MemoryStore(std::vector<std::byte>(as_bytes(bytes).begin(), as_bytes(bytes).end()));
}

std::string text_of(std::span<const std::byte> bytes) { return std::string(as_text(bytes)); }

// A file whose blobs end at `blobs_end`, with `manifest` on the next page.
std::string file_of(std::string_view manifest, std::uint64_t blobs_end = kHeaderBytes) {
  std::string file(kMagic);
  file.resize((blobs_end + 4095) / 4096 * 4096);
  const Footer footer{.manifest_offset = file.size(),
                      .manifest_length = manifest.size(),
                      .manifest_hash = hash::xxh3(as_bytes(manifest))};
  file += manifest;
  return file + text_of(encode_footer(footer));
}

constexpr std::string_view kNoObjects("\xA1\x67objects\xA0", 10);

std::string data_shard() { return std::string(kMagic) + text_of(encode_footer({})); }

std::string refusal(std::string_view bytes, const Limits& limits = {}) {
  try {
    decode(store_of(bytes), limits);
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

TEST(Zt2Footer, IsFortyBytesAndReadsBack) {
  const Footer footer{.manifest_offset = 0x2000,
                      .manifest_length = 68,
                      .manifest_hash = 0x9F2798467A5FA998,
                      .version = 2,
                      .reserved = 7};
  const auto bytes = encode_footer(footer);
  EXPECT_EQ(text_of(std::span(bytes).first(28)),
            std::string("\0\x20\0\0\0\0\0\0\x44\0\0\0\0\0\0\0\x98\xA9\x5F\x7A\x46\x98\x27\x9F\x02\0\0\0", 28));
  EXPECT_EQ(parse_footer(bytes), footer);
  auto other = bytes;
  other[39] = std::byte{0};
  EXPECT_FALSE(parse_footer(other));
}

TEST(Zt2Decode, ReadsAFileWithoutTensors) {
  const std::string file = file_of(kNoObjects);
  EXPECT_EQ(file.size(), 4146U);
  const model::Catalog catalog = decode(store_of(file), {});
  EXPECT_EQ(catalog.size(), 0U);
  EXPECT_EQ(catalog.format, "zt-2");
  EXPECT_TRUE(catalog.decoded_digests);
  EXPECT_TRUE(catalog.notes.empty());
  EXPECT_EQ(read_ending(store_of(file), {}).footer.manifest_hash, 0x8F8B3A7E746E7C7DU);
}

// zt-2 §13
TEST(Zt2Decode, ReadsTheWorkedExample) {
  std::string manifest(
      "\xA1\x67objects\xA1\x61t\xA3\x65parts\xA1\x64"
      "data\xA2\x64"
      "blob\x82\x19\x10\x00\x10\x65",
      37);
  manifest +=
      "dtype\x63"
      "f32\x65shape\x82\x02\x02\x66layout\x65"
      "dense";
  const std::string file = file_of(manifest, 4096 + 16);
  EXPECT_EQ(file.size(), 8300U);
  EXPECT_EQ(read_ending(store_of(file), {}).footer.manifest_hash, 0x9F2798467A5FA998U);
  const model::Catalog catalog = decode(store_of(file), {});
  ASSERT_EQ(catalog.size(), 1U);
  const model::TensorRow& tensor = catalog.tensor(0);
  EXPECT_EQ(catalog.text(tensor.name), "t");
  EXPECT_EQ(catalog.word(tensor.layout), "dense");
  const model::PartRow& part = catalog.parts(tensor)[0];
  EXPECT_EQ(part.dtype, DType::f32);
  EXPECT_EQ(part.recipe.offset, 4096U);
  EXPECT_EQ(part.recipe.decoded_length, 16U);
}

TEST(Zt2Decode, SaysOfADataShardThatItIsOne) {
  const model::Catalog catalog = decode(store_of(data_shard()), {});
  EXPECT_EQ(catalog.size(), 0U);
  ASSERT_EQ(catalog.notes.size(), 1U);
  EXPECT_NE(catalog.notes[0].find("data shard"), std::string::npos);
}

TEST(Zt2Decode, RefusesFilesThatDoNotBeginAndEndWithTheMagic) {
  std::string head = file_of(kNoObjects);  // a file opened by path would be taken for another format
  head[0] = '\0';
  EXPECT_EQ(refusal(head), "malformed zt2.header.magic");
  std::string footer = file_of(kNoObjects);
  footer.back() = '\0';
  EXPECT_EQ(refusal(footer), "malformed zt2.footer.magic");
  EXPECT_EQ(refusal(std::string(10, '\0')), "malformed zt2.size");
  EXPECT_EQ(refusal(data_shard().substr(0, 47)), "malformed zt2.size");
}

TEST(Zt2Decode, TellsTheFormatsDepthFromALimit) {
  const std::string nested =
      "\xA2\x61"
      "a" +
      std::string(31, '\x81') + "\x80\x67objects\xA0";
  EXPECT_EQ(refusal(file_of(nested)), "");  // the innermost item is at depth 32
  const std::string deeper =
      "\xA2\x61"
      "a" +
      std::string(32, '\x81') + "\x80\x67objects\xA0";
  EXPECT_EQ(refusal(file_of(deeper)), "malformed zt2.manifest.depth");
  Limits limits;
  limits.depth = 8;
  EXPECT_EQ(refusal(file_of(nested), limits), "limit cbor.depth");
}

TEST(Zt2Decode, ReadsAFileThatGoesOnBehindItsManifest) {
  std::string file = file_of(kNoObjects);
  file.insert(file.size() - kFooterBytes, 5000, '\xAB');
  EXPECT_EQ(refusal(file), "");
}

// A manifest of `count` shards with names of five digits.
std::string shards_of(std::uint64_t count) {
  wire::CborWriter writer;
  writer.map(2);
  writer.text("shards");
  writer.map(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    writer.text(std::to_string(10000 + i));
    writer.map(2);
    writer.text("size");
    writer.unsigned_integer(48);
    writer.text("digest");
    writer.text("xxh3:0");
  }
  writer.text("objects");
  writer.map(0);
  return text_of(writer.buffer());
}

TEST(Zt2Decode, CountsShardsInSixteenBits) {
  EXPECT_EQ(decode(store_of(file_of(shards_of(65534))), {}).files.size(), 65534U);
  EXPECT_EQ(refusal(file_of(shards_of(65535))), "limit zt2.shard.limit");
}

TEST(Zt2Sniff, KnowsTheMagicAndOwnsWhatWasCut) {
  EXPECT_TRUE(sniff(store_of(data_shard()), "model.safetensors"));
  EXPECT_TRUE(sniff(store_of(kMagic), ""));
  EXPECT_FALSE(sniff(store_of(kMagic.substr(0, 7)), "model.zt"));
  EXPECT_FALSE(sniff(store_of("ZTEN1000"), "model.zt"));
  EXPECT_FALSE(sniff(store_of(""), ""));
}

TEST(Zt2Names, AreBoundedTexts) {
  EXPECT_TRUE(is_name("w"));
  EXPECT_TRUE(is_name(std::string(1024, 'n')));
  EXPECT_FALSE(is_name(std::string(1025, 'n')));
  EXPECT_FALSE(is_name(""));
  EXPECT_FALSE(is_name(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_shard_name("a..b-C_9"));
  EXPECT_TRUE(is_shard_name(std::string(64, '-')));
  for (const std::string_view name : {"", ".a", "../a", "a/b", "a b", "a\n", "\xC3\xA9"}) {
    EXPECT_FALSE(is_shard_name(name)) << name;
  }
  EXPECT_FALSE(is_shard_name(std::string(65, 'a')));
}

TEST(Zt2Names, DigestsHaveAFormWhateverTheAlgorithm) {
  EXPECT_TRUE(is_digest("xxh3:0"));
  EXPECT_TRUE(is_digest("md5:ff00"));
  for (const std::string_view text : {"", ":", "xxh3", "xxh3:", ":00", "XXH3:00", "xxh3:0F", "xxh3:0g", "xxh3:0:0"}) {
    EXPECT_FALSE(is_digest(text)) << text;
  }
}

TEST(Zt2Names, LayoutWordsGoThereAndBack) {
  EXPECT_EQ(layout_of_file("dense"), "dense");
  EXPECT_EQ(layout_of_file("zt.sparse_csr/1"), "sparse_csr");
  EXPECT_EQ(layout_of_file("zt.sparse_coo/1"), "sparse_coo");
  EXPECT_EQ(layout_of_file("zt1.quantized_group/1"), "quantized_group");
  EXPECT_EQ(layout_of_file("zt.mx/1"), "zt.mx/1");
  for (const std::string_view layout : {"zt1.dense/1", "zt1.sparse_csr/1", "zt1.sparse_coo/1", "zt1./1", "zt1.a/b/1",
                                        "zt1.a/2", "zt1.a", "zt1.", "zt1./", "zt1.1"}) {
    EXPECT_EQ(layout_of_file(layout), layout);
  }
  for (const std::string_view word : {"dense", "sparse_csr", "sparse_coo", "quantized_group", "zt.mx/1", "a.b"}) {
    EXPECT_EQ(layout_of_file(layout_for_file(word)), word);
  }
  EXPECT_EQ(layout_for_file("quantized_group"), "zt1.quantized_group/1");
}

// Checks the rule literally: for every pair of blobs that hold bytes, and for each blob with the manifest.
bool overlap_by_pairs(std::vector<model::Recipe> blobs, const Footer& footer) {
  blobs.push_back({.offset = footer.manifest_offset, .stored_length = footer.manifest_length});
  for (const model::Recipe& a : blobs) {
    for (const model::Recipe& b : blobs) {
      const bool same = a.offset == b.offset && a.stored_length == b.stored_length;
      if (a.file != b.file || same || a.stored_length == 0 || b.stored_length == 0) continue;
      if (a.offset < b.offset + b.stored_length && b.offset < a.offset + a.stored_length) return true;
    }
  }
  return false;
}

TEST(Zt2Regions, OverlapWherePairsDo) {
  std::mt19937 random(7);  // NOLINT: the same cases each time
  std::size_t found = 0;
  for (int round = 0; round < 2000; ++round) {
    model::Catalog catalog;
    std::vector<model::Recipe> blobs;
    for (std::size_t i = random() % 7; i > 0; --i) {
      blobs.push_back({.offset = 4096 * (1 + random() % 12),
                       .stored_length = random() % 3 * 4096 + random() % 2,
                       .file = static_cast<std::uint16_t>(random() % 2)});
      catalog.add_tensor("t" + std::to_string(i), {}, "dense", {});
      catalog.add_part("data", DType::u8, blobs.back(), "");
    }
    const Footer footer{.manifest_offset = 4096 * (1 + random() % 12), .manifest_length = 100};
    const bool overlap = overlap_by_pairs(blobs, footer);
    found += overlap;
    if (overlap) {
      EXPECT_THROW(check_overlap(catalog, footer), Error) << "round " << round;
    } else {
      EXPECT_NO_THROW(check_overlap(catalog, footer)) << "round " << round;
    }
  }
  EXPECT_GT(found, 200U);
  EXPECT_LT(found, 1800U);
}

// The manifest of a file with one blob at 8192 of 4097 bytes, and a list of free regions.
std::string manifest_with(const std::vector<Region>& regions) {
  wire::CborWriter writer;
  writer.map(2);
  writer.text("objects");
  writer.map(1);
  writer.text("t");
  writer.map(3);
  writer.text("parts");
  writer.map(1);
  writer.text("data");
  writer.map(2);
  writer.text("blob");
  writer.array(2);
  writer.unsigned_integer(8192);
  writer.unsigned_integer(4097);
  writer.text("dtype");
  writer.text("u8");
  writer.text("shape");
  writer.array(1);
  writer.unsigned_integer(4097);
  writer.text("layout");
  writer.text("dense");
  writer.text(kFreeKey);
  writer.array(regions.size());
  for (const Region& region : regions) {
    writer.array(2);
    writer.unsigned_integer(region.offset);
    writer.unsigned_integer(region.length);
  }
  return text_of(writer.buffer());
}

std::vector<Region> free_of(const std::string& manifest, std::string_view asked) {
  const std::string file = file_of(manifest, 65536);
  const MemoryStore store = store_of(file);
  const model::Catalog catalog = decode(store, {});
  return free_regions(as_bytes(asked), catalog, read_ending(store, {}).footer, file.size());
}

std::vector<Region> free_of(const std::vector<Region>& regions) {
  return free_of(manifest_with(regions), manifest_with(regions));
}

TEST(Zt2Regions, ThatAreFreeAreAlignedInsideAndClear) {
  using Regions = std::vector<Region>;
  EXPECT_EQ(free_of({{16384, 4096}, {4096, 4096}, {20480, 100}}), (Regions{{4096, 4096}, {16384, 4096}, {20480, 100}}));
  EXPECT_EQ(free_of({{4096, 4097}}), Regions());                                   // into the blob
  EXPECT_EQ(free_of({{8192, 1}, {12288, 1}, {16384, 1}}), (Regions{{16384, 1}}));  // in the blob
  EXPECT_EQ(free_of({{0, 4096}, {16385, 1}, {16384, 0}}), Regions());
  EXPECT_EQ(free_of({{16384, 4097}, {20480, 1}}), (Regions{{16384, 4097}}));                 // over another
  EXPECT_EQ(free_of({{65536, 1}, {61440, 4097}, {61440, 4096}}), (Regions{{61440, 4096}}));  // over the manifest
  EXPECT_EQ(free_of({{1 << 20, 1}, {16384, ~std::uint64_t{0}}, {~std::uint64_t{0} - 4095, 4096}}), Regions());
}

TEST(Zt2Regions, OfStrangeListsAreNone) {
  const std::string good = manifest_with({{16384, 1}});
  for (const std::string_view list : {"\x01", "\xA0", "\x81\x01", "\x81\x81\x01", "\x81\x83\x01\x01\x01",
                                      "\x81\x82\x20\x01", "\x81", "\x82\x82\x19\x40\x00\x01"}) {
    EXPECT_TRUE(free_of(good, "\xA1\x6Cztensor.free" + std::string(list)).empty());
  }
  EXPECT_TRUE(free_of(good, "").empty());
  EXPECT_TRUE(free_of(good, "\x80").empty());
  EXPECT_TRUE(free_of(good, kNoObjects).empty());
  EXPECT_EQ(free_of(good, "\xA1\x6Cztensor.free\x81\x82\x19\x40" + std::string(1, '\0') + "\x01").size(), 1U);
}

}  // namespace
}  // namespace zt::container::zt2
