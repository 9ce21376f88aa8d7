#include "tools/content_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "errors.h"
#include "hash/digest.h"
#include "memory_file.h"
#include "sha256_hex.h"
#include "ztensor/diff.h"

namespace zt {
namespace {

const std::vector<float> kData = {1, 2, 3, 4};
const std::vector<std::uint64_t> kIndices = {0, 1, 1};
const std::vector<std::uint64_t> kIndptr = {0, 2, 3};

std::span<const float> data(std::size_t count = 4) { return std::span(kData).first(count); }
std::string id_of(std::vector<std::byte> bytes) { return content_id(test::open_bytes(std::move(bytes))); }

TEST(ContentId, IsTheSha256OfTheTensorsInDeterministicCbor) {
  const auto file = test::written({}, [](Writer& writer) {
    writer.add("w", {2, 2}, data(), {.attributes = Value::Map{{"k", 1}}});
  });
  const Value entry = Value::Map{
      {"shape", Value::Array{2, 2}},
      {"layout", "dense"},
      {"attributes", Value::Map{{"k", 1}}},
      {"parts", Value::Map{{"data", Value::Map{{"dtype", "float32"},
                                               {"digest", "sha256:" + test::sha256_hex(std::as_bytes(data()))}}}}}};
  const Value all = Value::Array{"ztensor.id/1", Value::Map{{"w", entry}}};
  EXPECT_EQ(id_of(file), "sha256:" + test::sha256_hex(all.encode_sorted()));
}

TEST(ContentId, IsThatOfTheTensorsHoweverTheyAreStored) {
  std::vector<std::uint8_t> large(std::size_t{9} << 20);
  std::iota(large.begin(), large.end(), std::uint8_t{0});
  const auto fill = [&](Writer& writer, Encoding encoding, bool backwards) {
    const AddOptions options = {
        .encoding = encoding,
        .attributes = backwards ? Value::Map{{"bb", 1}, {"a", 2.5}} : Value::Map{{"a", 2.5}, {"bb", 1}}};
    const auto add_large = [&] { writer.add("large", {large.size()}, std::span<const std::uint8_t>(large), options); };
    if (!backwards) add_large();
    writer.add_csr("sparse", {2, 2}, data(3), kIndices, kIndptr, {.encoding = encoding});
    writer.add("w", {2, 2}, data());
    if (backwards) add_large();
  };
  const auto plain = test::written({}, [&](Writer& writer) { fill(writer, Encoding::raw(), false); });
  const auto other =
      test::written({.checksum = Checksum::sha256, .alignment = 4096, .attributes = Value::Map{{"x", 1}}},
                    [&](Writer& writer) { fill(writer, Encoding::zstd(3), true); });
  const std::string id = id_of(plain);
  EXPECT_EQ(id_of(other), id);
  EXPECT_EQ(content_id(test::open_bytes(other, {.threads = 1})), id);
  EXPECT_EQ(content_id(test::open_bytes(other, {.threads = 4})), id);
  EXPECT_TRUE(content_id(test::open_bytes(plain), {.trust_digests = true}) == id)
      << "digests of 1.2 are over stored bytes";
}

TEST(ContentId, TellsApartWhatDiffers) {
  const auto of = [](std::string_view name, const Shape& shape, const AddOptions& options, float first) {
    return id_of(test::written({}, [&](Writer& writer) {
      const std::vector<float> values = {first, 2, 3, 4};
      writer.add(name, shape, std::span<const float>(values), options);
    }));
  };
  std::vector<std::string> ids = {
      of("w", {2, 2}, {}, 1),
      of("v", {2, 2}, {}, 1),
      of("w", {4}, {}, 1),
      of("w", {2, 2}, {.attributes = Value::Map{{"a", 1}}}, 1),
      of("w", {2, 2}, {}, -1),
      id_of(test::written({}, [](Writer&) {})),
      id_of(test::written({}, [](Writer& writer) {
        const std::vector<std::uint32_t> bits = {0x3f800000, 0x40000000, 0x40400000, 0x40800000};
        writer.add("w", {2, 2}, std::span<const std::uint32_t>(bits));
      }))};
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
  EXPECT_EQ(of("w", {2, 2}, {.attributes = Value::map()}, 1), of("w", {2, 2}, {}, 1));
}

TEST(ContentId, FailsWhereABytesIsWrong) {
  auto bytes = test::written({}, [](Writer& writer) { writer.add("w", {2, 2}, data()); });
  bytes[test::open_bytes(bytes).tensor("w").data().offset()] ^= std::byte{1};
  EXPECT_EQ(test::error_of([&] { id_of(bytes); }).code(), Code::mismatch);
}

TEST(ContentId, StopsWhenTheCallbackSaysSo) {
  const auto bytes = test::written({}, [](Writer& writer) { writer.add("w", {2, 2}, data()); });
  const auto stop = [](std::uint64_t, std::uint64_t) { return false; };
  EXPECT_EQ(test::error_of([&] { (void)content_id(test::open_bytes(bytes), {.progress = stop}); }).code(),
            Code::cancelled);
}

// The worked example of generation 2: one tensor "t" of 2 x 2 floats.
model::Catalog worked_example() {
  model::Catalog catalog;
  catalog.decoded_digests = true;
  const std::uint64_t shape[] = {2, 2};
  catalog.add_tensor("t", shape, "dense", {});
  model::PartRow& part =
      catalog.add_part("data", DType::f32, {.stored_length = 16, .decoded_length = 16}, "xxh3:a82f522ec4510db4");
  part.storage = catalog.intern("f32");
  return catalog;
}

TEST(ContentDigest, IsThatOfTheWorkedExample) {
  EXPECT_EQ(tools::content_digest(worked_example(), Checksum::xxh3), "xxh3:e3a3abf628a96e07");
  EXPECT_EQ(tools::content_digest(worked_example(), Checksum::sha256),
            "sha256:67616d1f784642d8a45836225aa7df1cb73f564ed0be3524936545b35d7b1e90");
}

TEST(ContentDigest, HoldsTypesAttributesAndLayoutsByTheWordsOfGeneration2) {
  model::Catalog catalog;
  catalog.decoded_digests = true;
  const std::vector<std::byte> empty_map = Value::map().encode();
  const std::uint64_t shape[] = {1, 1};
  catalog.add_tensor("s", shape, "sparse_csr", empty_map);
  model::PartRow& part = catalog.add_part("values", DType::f8_e5m2, {}, "xxh3:00");
  part.storage = catalog.intern("u8");
  part.logical = catalog.intern("f8_e5m2");
  const Value entry = Value::Map{
      {"shape", Value::Array{1, 1}},
      {"layout", "zt.sparse_csr/1"},
      {"attributes", Value::map()},
      {"parts", Value::Map{{"values", Value::Map{{"dtype", "u8"}, {"type", "f8_e5m2"}, {"digest", "xxh3:00"}}}}}};
  const Value all = Value::Array{"zt.content/1", Value::Map{{"s", entry}}};
  EXPECT_EQ(tools::content_digest(catalog, Checksum::sha256), "sha256:" + test::sha256_hex(all.encode_sorted()));
}

TEST(ContentDigest, IsNotToBeHadWithoutDigestsOverDecodedBytes) {
  model::Catalog catalog = worked_example();
  EXPECT_EQ(test::error_of([&] { tools::content_digest(catalog, Checksum::crc32c); }).code(), Code::usage);
  const std::uint64_t shape[] = {0};
  catalog.add_tensor("u", shape, "dense", {});
  catalog.add_part("data", DType::f32, {}, "");
  const Error error = test::error_of([&] { tools::content_digest(catalog, Checksum::sha256); });
  EXPECT_EQ(error.code(), Code::unsupported);
  EXPECT_STREQ(error.rule(), "content.digest");
  const Source of_1_2 = test::open_bytes(test::written({}, [](Writer& writer) { writer.add("w", {2, 2}, data()); }));
  EXPECT_STREQ(test::error_of([&] { (void)content_digest(of_1_2); }).rule(), "content.digest");
}

}  // namespace
}  // namespace zt
