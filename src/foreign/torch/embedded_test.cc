// Storages in the bytes of a pickle.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "foreign/pickle/pickle.h"
#include "memory_file.h"
#include "pickles.h"
#include "ztensor/ztensor.h"

namespace zt::foreign::torch {
namespace {

using namespace std::string_literals;
using namespace test::pickles;

// A store that counts requests.
class CountingStore final : public ByteStore {
 public:
  explicit CountingStore(std::string_view bytes) : bytes_(stored(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    ++requests_;
    bytes_.read_at(offset, out);
  }
  int requests() const { return requests_; }

 private:
  MemoryStore bytes_;
  mutable int requests_ = 0;
};

// What torch.save writes for a storage of bytes, in its old way.
std::string stream_of(std::string_view bytes) {
  const std::string id = text("storage") + "ctorch\nByteStorage\n" + text("0") + text("cpu") +
                         number(static_cast<std::int32_t>(bytes.size())) + "N";
  return "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19."s + pickled("M\xE9\x03", 2) +
         pickled(dict(text("little_endian") + "\x88"), 2) + pickled(tuple(id) + "Q", 2) + pickled(list(text("0")), 2) +
         little(bytes.size(), 8) + std::string(bytes);
}

// A tensor of bytes in a pickle. `stream`: the opcodes of the stream of its storage.
std::string tensor(const std::string& stream, std::int32_t elements) {
  return call("torch._utils", "_rebuild_tensor_v2",
              call("torch.storage", "_load_from_bytes", stream) + number(0) + tuple(number(elements)) +
                  tuple(number(1)) + "\x89" + "ccollections\nOrderedDict\n)R");
}

std::string in_utf8(std::string_view latin1) {
  std::string out;
  for (const char c : latin1) {
    const auto code = static_cast<std::uint8_t>(c);
    if (code < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return out;
}

TEST(TorchEmbedded, AStorageIsReadFromTextThatStandsForItsBytes) {
  const std::string elements = "ab\xFF"s;
  const std::string shared = latin1(in_utf8(stream_of(elements))) + put(1);
  const std::string pickle =
      pickled(dict(text("a") + tensor(shared, 3) + text("b") + tensor(get(1), 2) + text("c") + tensor(get(1), 4)), 2);
  const auto bytes = as_bytes(pickle);
  const Source source = test::open_bytes({bytes.begin(), bytes.end()});
  EXPECT_EQ(source.tensor("a").read<std::uint8_t>(), (std::vector<std::uint8_t>{'a', 'b', 255}));
  EXPECT_EQ(source.tensor("b").read<std::uint8_t>(), (std::vector<std::uint8_t>{'a', 'b'}));
  EXPECT_THROW((void)source.tensor("c").read<std::uint8_t>(), Error);
  const model::Catalog catalog = pickle::decode(stored(pickle), {});
  EXPECT_EQ(catalog.owned().size(), stream_of(elements).size()) << "the text is decoded once";
}

TEST(TorchEmbedded, ThePicklesOfEachStorageAreReadAtOnce) {
  constexpr int kTensors = 20;
  std::string entries;
  for (int i = 0; i < kTensors; ++i) {
    entries += text(std::to_string(i)) + tensor(binary(stream_of(std::string(100000, 'x'))), 100000);
  }
  const CountingStore store(pickled(dict(entries)));
  EXPECT_EQ(pickle::decode(store, {}).part_rows(), std::size_t{kTensors});
  EXPECT_LE(store.requests(), 2 * kTensors + 10) << "one for its pickles, and one to pass over its bytes";
}

}  // namespace
}  // namespace zt::foreign::torch
