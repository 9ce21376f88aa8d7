#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/numpy/array.h"
#include "foreign/numpy/numpy.h"
#include "foreign/pickle/pickle.h"
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
                "the header has " + count_text(bytes, "byte") + ", but the file has " + std::to_string(store.size()));
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

// Lists what the pickle of an array of objects holds. False if the array itself has to be listed.
bool list_objects(const ByteStore& store, const Header& header, const Limits& limits, model::Catalog& catalog) {
  model::Catalog found;
  pickle::list_object_array(store, {header.data, store.size() - header.data}, limits, found);
  if (found.size() == 0 && !header.shape.empty()) return false;  // a table of texts, for example
  catalog = std::move(found);
  catalog.format = "npy";
  catalog.shrink();
  return true;
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
  if (has_objects(header)) {
    try {
      if (list_objects(store, header, limits, catalog)) return catalog;
    } catch (const Error& error) {
      if (error.code() != Code::malformed && error.code() != Code::unsupported && error.code() != Code::limit) throw;
      add_unreadable(catalog, "data", header.shape, blob, model::fault_of(error));
      return catalog;
    }
  }
  add_array(catalog, "data", blob, read_array(blob, head, limits));
  return catalog;
}

}  // namespace zt::foreign::numpy
