#include "container/zt10/zt10.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/utf8.h"
#include "container/zt12/zt12.h"
#include "ztensor/error.h"

namespace zt::container::zt10 {
namespace {

MemoryStore store_of(std::string_view bytes) {
  return MemoryStore(std::vector<std::byte>(as_bytes(bytes).begin(), as_bytes(bytes).end()));
}

std::string file_of(std::string_view manifest) {
  const std::string size = std::string(1, static_cast<char>(manifest.size())) + std::string(7, '\0');
  return "ZTEN1000" + std::string(manifest) + size;
}

const std::string kEmpty = std::string("\xA2\x67version\x63") + "1.0\x67tensors\xA0";

template <class F>
std::string refusal(F&& work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

std::string decoded(std::string_view bytes) {
  return refusal([&] { decode(store_of(bytes), {}); });
}

model::PartRow& add_part(model::Catalog& catalog, std::string_view role, DType dtype) {
  return catalog.add_part(role, dtype, {.offset = 64, .stored_length = 8, .decoded_length = 8}, "");
}

// A catalog of one tensor "w" with one part for each role.
model::Catalog catalog_of(const std::vector<std::pair<std::string, DType>>& parts) {
  model::Catalog catalog;
  const std::vector<std::uint64_t> shape = {1, 1};
  catalog.add_tensor("w", shape, "acme", {});
  for (const auto& [role, dtype] : parts) add_part(catalog, role, dtype);
  return catalog;
}

std::string encoded(const model::Catalog& catalog) {
  return refusal([&] { kEncoder.manifest(catalog); });
}

TEST(Zt10Decode, ReadsAFileWithoutTensors) {
  const model::Catalog catalog = decode(store_of(file_of(kEmpty)), {});
  EXPECT_EQ(catalog.size(), 0U);
  EXPECT_EQ(catalog.format, "zt-1.0");
}

TEST(Zt10Decode, RefusesFilesThatAreNotFramedSo) {
  std::string head = file_of(kEmpty);  // a file opened by path would be taken for another format
  head[7] = '1';
  EXPECT_EQ(decoded(head), "malformed zt10.header.magic");
  EXPECT_EQ(decoded("ZTEN1000"), "malformed zt10.size");
  EXPECT_EQ(decoded("ZTEN1000" + std::string(8, '\1')), "malformed zt10.manifest.bounds");
  EXPECT_EQ(decoded(file_of("\x80")), "malformed zt10.root");
  EXPECT_EQ(decoded("ZTEN1000" + std::string(8, '\0')), "malformed cbor.truncated");
}

TEST(Zt10Decode, PassesOverWhoWroteTheFileButNotTwice) {
  const std::string version =
                        "\x67version\x63"
                        "1.0",
                    tensors = "\x67tensors\xA0", generator = "\x69generator\x01";
  EXPECT_EQ(decode(store_of(file_of("\xA3" + version + generator + tensors)), {}).size(), 0U);
  EXPECT_EQ(decoded(file_of("\xA4" + version + generator + generator + tensors)), "malformed zt10.field.duplicate");
}

TEST(Zt10Sniff, TakesNoFileThatGeneration12Takes) {
  const std::string mine = file_of(kEmpty);
  EXPECT_TRUE(sniff(store_of(mine), "model.zt"));
  EXPECT_FALSE(zt12::sniff(store_of(mine), "model.zt"));
  for (const std::string& other : {mine.substr(0, mine.size() - 1), mine + "ZTEN1000", file_of("\x80"),
                                   std::string("ZTEN1000"), std::string("ZTEN1000ZTEN1000")}) {
    EXPECT_FALSE(sniff(store_of(other), "model.zt")) << other;
    EXPECT_TRUE(zt12::sniff(store_of(other), "model.zt")) << other;
  }
  EXPECT_FALSE(sniff(store_of("ZTEN0001"), ""));
  EXPECT_FALSE(sniff(store_of(""), ""));
}

TEST(Zt10Encode, SortsNamesAndParts) {
  model::Catalog catalog = catalog_of({{"values", DType::f64}, {"indices", DType::u64}});
  catalog.add_tensor("\xC3\xA9", {}, "acme", {});
  add_part(catalog, "data", DType::u8);
  catalog.add_tensor("ab", {}, "acme", {});
  add_part(catalog, "data", DType::u8);
  const std::vector<std::byte> manifest = kEncoder.manifest(catalog);
  const std::string_view text = as_text(manifest);
  EXPECT_LT(text.find("\x62"
                      "ab\xA4"),
            text.find("\x61w\xA4"));
  EXPECT_LT(text.find("\x61w\xA4"), text.find("\x62\xC3\xA9\xA4"));
  EXPECT_LT(text.find("indices"), text.find("values"));
}

TEST(Zt10Encode, RefusesWhatTheGenerationCannotSay) {
  const std::string refused = "unsupported zt10.unwritable";
  EXPECT_EQ(encoded(catalog_of({{"values", DType::f64}, {"indices", DType::u64}})), "");
  EXPECT_EQ(encoded(catalog_of({{"values", DType::f64}, {"indices", DType::u32}})), refused);
  EXPECT_EQ(encoded(catalog_of({{"a", DType::f64}, {"b", DType::f32}})), refused);
  EXPECT_EQ(encoded(catalog_of({{"indices", DType::u64}})), refused);
  EXPECT_EQ(encoded(catalog_of({{"data", DType::f8_e5m2}})), refused);
  EXPECT_EQ(kEncoder.storage(DType::complex64), "");
  model::Catalog attributes;
  attributes.add_tensor("w", {}, "dense", as_bytes("\xA1\x61k\x61v"));
  add_part(attributes, "data", DType::u8);
  EXPECT_EQ(encoded(attributes), refused);
  model::Catalog of_file;
  for (const std::string_view map : {"\xA1\x61k\x01", "\xA1\x01\x61k", "\xA1\x61k\x81\x61v"}) {
    of_file.attributes.assign(as_bytes(map).begin(), as_bytes(map).end());
    EXPECT_EQ(encoded(of_file), refused);
  }
}

TEST(Zt10Encode, SortsTheAttributesOfTheFile) {
  model::Catalog catalog;
  const std::string_view map =
      "\xA2\x61z\x61v\x61"
      "a\x60";
  catalog.attributes.assign(as_bytes(map).begin(), as_bytes(map).end());
  const std::vector<std::byte> manifest = kEncoder.manifest(catalog);
  EXPECT_NE(as_text(manifest).find("attributes\xA2\x61"
                                   "a\x60\x61z\x61v"),
            std::string::npos);
}

}  // namespace
}  // namespace zt::container::zt10
