// An entry of an index in the usual form is read in a faster way than others (src/container/shared/plain_items.h). Both
// ways must give the same, whatever the bytes are. A key that no reader knows makes a reader take the slow way.

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::container {
namespace {

using Bytes = std::vector<std::byte>;
using wire::CborWriter;

struct Generation {
  const char* name;
  model::Catalog (*decode)(const ByteStore& store, const Limits& limits);
  const model::Encoder& encoder;
  std::uint64_t blob;  // the place of the only blob, of 16 bytes
};

// A file of one object: `entry`. In generation 2 it also has the shard "s".
Bytes file_of(const Generation& generation, const Bytes& entry) {
  const bool second = generation.encoder.format == "zt-2";
  CborWriter out;
  out.map(2);
  out.text(second ? "shards" : "version");
  if (second) {
    out.map(1);
    out.text("s");
    out.map(2);
    out.text("size");
    out.unsigned_integer(1 << 20);
    out.text("digest");
    out.text("sha256:00ff");
  } else {
    out.text("1.2.0");
  }
  out.text("objects");
  out.map(1);
  out.text("t");
  out.raw(entry);
  const Bytes& manifest = out.buffer();
  Bytes file = generation.encoder.head();
  file.resize(2 * generation.blob);
  file.insert(file.end(), manifest.begin(), manifest.end());
  const Bytes footer = generation.encoder.footer(2 * generation.blob, manifest);
  file.insert(file.end(), footer.begin(), footer.end());
  return file;
}

// The entry that the encoder writes for the only tensor of a catalog.
Bytes entry_of(const Generation& generation, const std::function<void(model::Catalog&)>& fill) {
  model::Catalog catalog;
  fill(catalog);
  const Bytes manifest = generation.encoder.manifest(catalog);
  wire::CborCursor cursor(manifest);
  cursor.read();
  while (cursor.more()) {
    if (as_text(cursor.read().content) != "objects") {
      cursor.skip();
      continue;
    }
    cursor.read();
    cursor.more();
    cursor.read();
    const auto entry = cursor.skip();
    return {entry.begin(), entry.end()};
  }
  return {};
}

// The same entry with one more member, which readers ignore. It is the last one in the order of keys.
Bytes with_unknown_key(const Bytes& entry) {
  CborWriter more;
  more.text("a key that no reader knows");
  more.unsigned_integer(0);
  Bytes out = entry;
  out[0] = static_cast<std::byte>(std::to_integer<unsigned>(out[0]) + 1);
  out.insert(out.end(), more.buffer().begin(), more.buffer().end());
  return out;
}

std::string text_of(const model::Catalog& catalog, std::uint32_t fault) {
  const model::Fault* found = catalog.fault(fault);
  return found == nullptr ? "" : std::string(code_name(found->code)) + " " + found->rule + " " + found->message;
}

// All that a decoder tells of a file, as one text.
std::string told(const Generation& generation, const Bytes& entry, const Limits& limits) {
  try {
    const model::Catalog catalog = generation.decode(MemoryStore(file_of(generation, entry)), limits);
    std::string out;
    for (std::uint32_t row = 0; row < catalog.size(); ++row) {
      const model::TensorRow& tensor = catalog.tensor(row);
      out += in_quotes(catalog.text(tensor.name)) + " " + in_quotes(catalog.word(tensor.layout)) + " [";
      for (const std::uint64_t dimension : catalog.shape(tensor)) out += std::to_string(dimension) + ",";
      out += "] " + in_quotes(catalog.text(tensor.attributes)) + text_of(catalog, tensor.fault);
      for (const model::PartRow& part : catalog.parts(tensor)) {
        const model::Recipe& recipe = part.recipe;
        out += "\n" + in_quotes(catalog.word(part.role)) + in_quotes(catalog.word(part.storage)) +
               in_quotes(catalog.word(part.logical)) + in_quotes(catalog.text(part.digest));
        for (const std::uint64_t number :
             {recipe.offset, recipe.stored_length, recipe.decoded_length, std::uint64_t{recipe.file},
              static_cast<std::uint64_t>(recipe.coding.codec), static_cast<std::uint64_t>(part.dtype)}) {
          out += " " + std::to_string(number);
        }
        out += " " + text_of(catalog, part.fault);
      }
    }
    return out;
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

// Whether the entry is one item and nothing more: otherwise its neighbours in the file decide what is read.
bool is_one_item(const Bytes& entry) {
  wire::CborCursor cursor(entry);
  try {
    return cursor.skip().size() == entry.size() && std::to_integer<unsigned>(entry[0]) >> 5 == wire::major::kMap;
  } catch (const Error&) {
    return false;
  }
}

class PlainEntries : public testing::TestWithParam<Generation> {
 protected:
  // Compares both ways of reading the entry, and the entry with each byte changed.
  void compare(const Bytes& entry, const Limits& limits = {}) {
    ASSERT_TRUE(is_one_item(entry));
    const auto check = [&](const Bytes& changed) {
      if (!is_one_item(changed)) return;
      ASSERT_EQ(told(GetParam(), changed, limits), told(GetParam(), with_unknown_key(changed), limits));
    };
    check(entry);
    for (std::size_t at = 1; at < entry.size(); ++at) {
      for (const unsigned flip : {0x01U, 0x02U, 0x04U, 0x08U, 0x10U, 0x20U, 0x40U, 0x60U, 0x80U}) {
        Bytes changed = entry;
        changed[at] ^= static_cast<std::byte>(flip);
        check(changed);
      }
    }
  }

  struct Content {
    std::vector<std::uint64_t> shape = {2, 2};
    DType dtype = DType::f32;
    std::uint64_t stored = 16;
    std::uint64_t decoded = 16;
    Codec codec = Codec::raw;
    std::string digest = "crc32c:0a1b2c3d";
    std::string role = "data";
    std::string layout = "dense";
    std::uint16_t file = 0;
  };
  Bytes entry(const Content& content) const {
    const model::Encoder& encoder = GetParam().encoder;
    return entry_of(GetParam(), [&](model::Catalog& catalog) {
      catalog.files.push_back({.name = "s", .size = 1 << 20, .digest = "sha256:00"});
      catalog.add_tensor("t", content.shape, content.layout, {});
      model::PartRow& part = catalog.add_part(content.role, content.dtype,
                                              {.offset = GetParam().blob,
                                               .stored_length = content.stored,
                                               .decoded_length = content.decoded,
                                               .file = content.file,
                                               .coding = model::Coding::of(content.codec)},
                                              content.digest);
      part.storage = catalog.intern(encoder.storage(content.dtype));
      part.logical = catalog.intern(encoder.logical(content.dtype));
    });
  }
};

TEST_P(PlainEntries, MeanTheSameInBothWaysOfReadingThem) {
  compare(entry({}));
  compare(entry({.shape = {}, .stored = 4, .decoded = 4, .digest = ""}));
  compare(entry({.shape = {1, 16}, .dtype = DType::boolean}));
  compare(entry({.shape = {30, 1000}, .stored = 16, .decoded = 120000, .codec = Codec::zstd}));
  compare(entry({.shape = {16}, .dtype = DType::f8_e4m3fn, .digest = "sha256:" + std::string(64, 'a')}));
  compare(entry({.role = "\xC3\xA9", .layout = "x/\xC3\xA9"}));
  compare(entry({.role = std::string(24, 'r'), .layout = std::string(300, 'x')}));
  compare(entry({.role = std::string(2, '\0')}));
  compare(entry({.file = 1}));
}

TEST_P(PlainEntries, KeepTheLimitsThatACallerSets) {
  for (const std::uint32_t depth : {1U, 4U, 5U, 6U, 7U, 8U, 15U, 16U}) {
    Limits limits;
    limits.depth = depth;
    EXPECT_EQ(told(GetParam(), entry({}), limits), told(GetParam(), with_unknown_key(entry({})), limits)) << depth;
  }
  Limits limits;
  limits.rank = 1;
  compare(entry({}), limits);
  limits = {};
  limits.parts = 0;
  compare(entry({}), limits);
  limits = {};
  limits.decoded_bytes = 15;
  compare(entry({}), limits);
}

std::string title_of(const testing::TestParamInfo<Generation>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Generations, PlainEntries,
                         testing::Values(Generation{"Zt12", zt12::decode, zt12::kEncoder, 64},
                                         Generation{"Zt2", zt2::decode, zt2::kEncoder, 4096}),
                         title_of);

}  // namespace
}  // namespace zt::container
