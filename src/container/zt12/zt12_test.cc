#include "container/zt12/zt12.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {
namespace {

// A file without tensors, by §2 and §3: 48 bytes.
std::string empty_file() {
  std::string manifest = "\xA2\x67version\x65";
  manifest += "1.2.0\x67objects\xA0";
  std::string file = "ZTEN1000" + manifest + std::string(1, static_cast<char>(manifest.size()));
  return file + std::string(7, '\0') + "ZTEN1000";
}

MemoryStore store_of(std::string_view bytes) {
  return MemoryStore(std::vector<std::byte>(as_bytes(bytes).begin(), as_bytes(bytes).end()));
}

std::string refusal(std::string_view bytes) {
  try {
    decode(store_of(bytes), {});
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

TEST(Zt12Decode, ReadsAFileWithoutTensors) {
  EXPECT_EQ(empty_file().size(), 48U);
  const model::Catalog catalog = decode(store_of(empty_file()), {});
  EXPECT_EQ(catalog.size(), 0U);
  EXPECT_EQ(catalog.format, "zt-1.2");
}

TEST(Zt12Decode, RefusesFilesThatDoNotBeginAndEndWithTheMagic) {
  std::string head = empty_file();  // a file opened by path would be taken for another format
  head[7] = '1';
  EXPECT_EQ(refusal(head), "malformed zt12.header.magic");
  std::string footer = empty_file();
  footer.back() = '1';
  EXPECT_EQ(refusal(footer), "malformed zt12.footer.magic");
  EXPECT_EQ(refusal("ZTEN1000" + std::string(7, '\0') + "ZTEN1000"), "malformed zt12.size");
  EXPECT_EQ(refusal(""), "malformed zt12.size");
}

// Counts the bytes that a decoder reads.
class CountingStore final : public ByteStore {
 public:
  explicit CountingStore(std::string_view bytes) : store_(store_of(bytes)) {}
  std::uint64_t size() const override { return store_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    count_ += out.size();
    store_.read_at(offset, out);
  }
  std::uint64_t count() const { return count_; }

 private:
  MemoryStore store_;
  mutable std::uint64_t count_ = 0;
};

// While an append writes, its data lies between the manifest and the footer.
TEST(Zt12Decode, ReadsLittleOfTheDataThatFollowsAShortManifest) {
  const std::string empty = empty_file();
  std::string file = empty.substr(0, empty.size() - 16) + std::string((std::size_t{4} << 20) - 24, 'x');
  const std::uint64_t range = file.size() - 8;
  for (int shift = 0; shift < 64; shift += 8) file += static_cast<char>(range >> shift);
  const CountingStore store(file + "ZTEN1000");
  const model::Catalog catalog = decode(store, {});
  EXPECT_EQ(catalog.manifest.length, 24U);
  EXPECT_LT(store.count(), std::uint64_t{1} << 19);
}

TEST(Zt12Sniff, KnowsTheMagicAndOwnsWhatWasCut) {
  EXPECT_TRUE(sniff(store_of(empty_file()), ""));
  EXPECT_TRUE(sniff(store_of(empty_file()), "model.safetensors"));
  EXPECT_TRUE(sniff(store_of(empty_file().substr(0, 47)), "model.zt"));
  EXPECT_TRUE(sniff(store_of("ZTEN1000"), "model.zt"));
  EXPECT_FALSE(sniff(store_of("ZTEN100"), "model.zt"));
  EXPECT_FALSE(sniff(store_of(""), ""));
}

TEST(Zt12Sniff, LeavesFilesOfGeneration10ToOthers) {
  const std::string manifest = "\xA1\x67tensors\xA0";
  const std::string size = std::string(1, static_cast<char>(manifest.size())) + std::string(7, '\0');
  EXPECT_FALSE(sniff(store_of("ZTEN1000" + manifest + size), "model.zt"));
}

}  // namespace
}  // namespace zt::container::zt12
