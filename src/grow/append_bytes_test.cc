// The very bytes that appends make of old files of all kinds. The digests come from a version of the library that made
// each entry of an index an object and read every item of CBOR in the same way: no shortcut may change a byte.

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "hash/xxh3.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

constexpr float kFour[] = {1, 2, 3, 4};
constexpr std::span<const float> kData(kFour);

Value map_of(std::string key, std::int64_t number) { return Value(Value::Map{{std::move(key), number}}); }

class AppendBytes : public testing::Test {
 protected:
  const fs::path& path() const { return path_; }
  std::uint64_t digest() const { return hash::xxh3(as_bytes(test::read_file(path_))); }

  void write(const std::string& format) {
    Writer writer = Writer::create(path_, {.to = format, .attributes = map_of("of the file", 1)});
    writer.add("plain", {2, 2}, kData);
    writer.add("a number", {}, kData.first(1));
    writer.add("empty", {0, 3}, kData.first(0));
    writer.add("\xC3\xA9", {4}, kData, {.attributes = map_of("k", 7)});
    const std::vector<std::uint64_t> indices = {0, 1}, indptr = {0, 1, 2}, coordinates = {0, 1, 1, 0};
    writer.add_csr("csr", {2, 2}, kData.first(2), indices, indptr);
    writer.add_coo("coo", {2, 2}, kData.first(2), coordinates);
    writer.add_alias("tied", "plain");
    writer.finalize();
  }

  // Three appends: a tensor; all other changes; a tensor.
  void append() {
    add("new");
    Writer writer = Writer::create(path_, WriteMode::append);
    const Source present = open(path_);
    writer.add_alias("second name", present[0].name());
    writer.set_tensor_attributes(present[0].name(), map_of("changed", 3));
    writer.remove("new");
    writer.set_attributes(map_of("of the file", 2));
    writer.add("m", {4}, kData, {.attributes = map_of("k", 1)});
    writer.finalize();
    add("zz");
  }
  void add(const std::string& name) {
    Writer writer = Writer::create(path_, WriteMode::append);
    writer.add(name, {4}, kData);
    writer.finalize();
  }

  // A file with these entries, by another writer. Its blob of 16 bytes lies at `blob`.
  void write_foreign(std::string_view head, std::uint64_t blob, const std::string& manifest, bool second) {
    std::string file(head);
    file.resize(blob * 2);
    file += manifest;
    std::string footer(second ? 40 : 16, '\0');
    const auto put = [&](std::size_t at, std::uint64_t number) {
      endian::store_le(reinterpret_cast<std::byte*>(footer.data()) + at, number);
    };
    put(0, second ? blob * 2 : manifest.size());
    if (second) {
      put(8, manifest.size());
      put(16, hash::xxh3(as_bytes(manifest)));
      put(24, 2);
    }
    footer.replace(footer.size() - head.size(), head.size(), head);
    std::ofstream(path_, std::ios::binary) << file << footer;
  }

 private:
  test::TempDir folder_;
  fs::path path_ = folder_.path() / "m.zt";
};

template <std::size_t N>
std::string raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

TEST_F(AppendBytes, OfGeneration12) {
  write("1.2");
  append();
  EXPECT_EQ(digest(), 0xB4CE75BFBB7A0D64U);
}

TEST_F(AppendBytes, OfGeneration2) {
  write("2");
  append();
  EXPECT_EQ(digest(), 0x55E24A900AA02703U);
}

// Chunks, tags, long heads, unknown keys, another order of keys, an unreadable tensor.
TEST_F(AppendBytes, OfAForeignFileOfGeneration12) {
  const std::string part =
      raw("\xA3\x65"
          "dtype\x63"
          "f32\x66"
          "offset\x18\x40\x66"
          "length\x10");
  const std::string loose = raw("\xBF\x6A"
                                "components\xA1\x64"
                                "data") +
                            part +
                            raw("\x66"
                                "format\x7F\x62"
                                "de\x63"
                                "nse\xFF\x65"
                                "shape\x9F\x04\xFF\x61x\xC1\x00\xFF");
  const std::string plain = raw("\xA3\x65shape\x81\x19\x00\x04\x66"
                                "format\x65"
                                "dense\x6A"
                                "components\xA1\x64"
                                "data") +
                            part;
  const std::string odd =
      raw("\xA3\x65shape\x81\x04\x66"
          "format\x65"
          "dense\x6A"
          "components\xA1\x64"
          "data\xA4\x65"
          "dtype\x63"
          "f32\x64type\x62??\x66"
          "offset\x18\x40\x66"
          "length\x10");
  const std::string manifest = raw("\xBF\x67"
                                   "objects\xBF\x7F\x61l\x64oose\xFF") +
                               loose + raw("\x65plain") + plain + raw("\x63odd") + odd +
                               raw("\xFF\x67version\x65"
                                   "1.2.0\x67unknown\x82\x01\x02\xFF");
  write_foreign("ZTEN1000", 64, manifest, false);
  EXPECT_TRUE(open(path()).tensor("odd").unreadable());
  append();
  EXPECT_EQ(digest(), 0x3997959F5F404C66U);
}

TEST_F(AppendBytes, OfAForeignFileOfGeneration2) {
  const std::string part =
      raw("\xA2\x64"
          "blob\x82\x19\x10\x00\x10\x65"
          "dtype\x63"
          "f32");
  const std::string more =
      raw("\xA3\x61?\x01\x64"
          "blob\x82\x19\x10\x00\x10\x65"
          "dtype\x63"
          "f32");
  const std::string odd =
      raw("\xA3\x64"
          "blob\x82\x19\x10\x00\x10\x64type\x62??\x65"
          "dtype\x63"
          "f32");
  const std::string plain_end =
      raw("\x65shape\x81\x04\x66layout\x65"
          "dense");
  const std::string manifest = raw("\xA2\x61?\x82\x01\x02\x67objects\xA3\x63odd\xA3\x65parts\xA1\x64"
                                   "data") +
                               odd + plain_end +
                               raw("\x64more\xA4\x61?\xA0\x65parts\xA1\x64"
                                   "data") +
                               more + plain_end +
                               raw("\x65plain\xA3\x65parts\xA1\x64"
                                   "data") +
                               part + plain_end;
  write_foreign("\x89ZT2\r\n\x1a\n", 4096, manifest, true);
  EXPECT_TRUE(open(path()).tensor("odd").unreadable());
  append();
  EXPECT_EQ(digest(), 0x1E398DDFD93095FDU);
}

}  // namespace
}  // namespace zt
