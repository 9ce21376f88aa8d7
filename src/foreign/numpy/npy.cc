#include <algorithm>
#include <array>
#include <vector>

#include "base/utf8.h"
#include "foreign/numpy/array.h"
#include "foreign/numpy/numpy.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

constexpr std::string_view kArrayMagic = "\x93NUMPY";

std::vector<std::byte> read_head(const ByteStore& store) {
  std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(store.size(), kPrefix + 4)));
  store.read_at(0, head);
  const std::uint64_t bytes = header_bytes(head);
  if (bytes > store.size()) {
    throw Error(Code::malformed, "npy.header.bounds",
                "the header has " + std::to_string(bytes) + " bytes, but the file has " + std::to_string(store.size()));
  }
  head.resize(static_cast<std::size_t>(bytes));
  store.read_at(0, head);
  return head;
}

// Whether another array follows: np.save() to an open file appends, and np.load() reads one after another.
bool has_another(const ByteStore& store, std::uint64_t end) {
  std::array<std::byte, kArrayMagic.size()> magic;
  if (end > store.size() || store.size() - end < magic.size()) return false;
  store.read_at(end, magic);
  return as_text(magic) == kArrayMagic;
}

}  // namespace

bool sniff_npy(const ByteStore& store, std::string_view) {
  std::array<std::byte, kArrayMagic.size()> magic;
  if (store.size() < magic.size()) return false;
  store.read_at(0, magic);
  return as_text(magic) == kArrayMagic;
}

model::Catalog decode_npy(const ByteStore& store, const Limits& limits) {
  const std::vector<std::byte> head = read_head(store);
  const Header header = parse_header(head, limits);
  const std::uint64_t bytes = header.elements ? header.count * header.elements->bytes : 0;  // checked with the header
  if (header.elements && bytes < store.size() - header.data && has_another(store, header.data + bytes)) {
    throw Error(Code::unsupported, "npy.data.several",
                "the file has several arrays, one behind the other: save them with np.savez, which names them");
  }
  model::Catalog catalog;
  catalog.format = "npy";
  const Blob blob{.stored_length = store.size(), .length = store.size()};
  add_array(catalog, "data", blob, read_array(blob, head, limits));
  return catalog;
}

}  // namespace zt::foreign::numpy
