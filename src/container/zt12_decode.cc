#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "codec/zstd.h"
#include "container/fields.h"
#include "container/zt12.h"
#include "container/zt12_manifest.h"
#include "wire/cbor_end.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {
namespace {

using model::Catalog;
using model::Coding;
using model::Fault;

constexpr std::uint64_t kHeaderBytes = 8;
constexpr std::uint64_t kFooterBytes = 16;
constexpr std::uint64_t kFirstPiece = std::uint64_t{64} << 10;  // of the manifest

std::string number(std::uint64_t value) { return std::to_string(value); }

bool is_magic(std::span<const std::byte> bytes) { return as_text(bytes) == kMagic; }

// A range of the file.
struct Extent {
  std::uint64_t offset;
  std::uint64_t length;
};

// Where the manifest lies. §2
Extent find_manifest(const ByteStore& store) {
  const std::uint64_t size = store.size();
  if (size < kHeaderBytes + kFooterBytes) {
    throw Error(Code::malformed, "zt12.size", "a file of " + number(size) + " bytes cannot be whole: 24 is the least");
  }
  std::array<std::byte, kHeaderBytes> head;
  std::array<std::byte, kFooterBytes> footer;
  store.read_at(0, head);
  store.read_at(size - kFooterBytes, footer);
  if (!is_magic(head)) throw Error(Code::malformed, "zt12.header.magic", "offset 0: expected ZTEN1000");
  if (!is_magic(std::span(footer).subspan(8))) {
    throw Error(Code::malformed, "zt12.footer.magic",
                "offset " + number(size - 8) + ": expected ZTEN1000; the file was cut short or never finished");
  }
  const auto length = endian::load_le<std::uint64_t>(footer.data());
  if (length > size - kHeaderBytes - kFooterBytes) {
    throw Error(Code::malformed, "zt12.manifest.bounds",
                "the footer gives the manifest " + number(length) + " bytes of a file of " + number(size));
  }
  return {size - kFooterBytes - length, length};
}

// The item that the manifest's range begins with. While a file grows, the range goes on to the new end of the file, over
// whatever is there: so it is fetched in pieces, each as long as those before, and only to the end of the item. A
// private copy: another process may write to the file between a check and a use.
std::vector<std::byte> fetch_manifest(const ByteStore& store, Extent extent, const Limits& limits) {
  const std::uint64_t most = std::min(extent.length, limits.index_bytes);
  std::vector<std::byte> manifest;
  wire::CborEnd end(extent.length, limits.depth);
  std::uint64_t want = std::min<std::uint64_t>(most, kFirstPiece);
  while (true) {
    const std::size_t have = manifest.size();
    manifest.resize(static_cast<std::size_t>(want));
    store.read_at(extent.offset + have, std::span(manifest).subspan(have));
    const auto state = end.advance(manifest);
    if (state == wire::CborEnd::State::found) manifest.resize(static_cast<std::size_t>(end.position()));
    if (state != wire::CborEnd::State::more || want == extent.length) return manifest;
    if (want == most) {
      throw Error(
          Code::limit, "zt12.manifest.limit",
          "a manifest of up to " + number(extent.length) + " bytes is over the limit of " + number(limits.index_bytes));
    }
    want = std::min(most, 2 * want);
  }
}

// Turns manifest entries into catalog rows; one per decode.
class Entries {
 public:
  // `manifest`: where its item lies.
  Entries(Catalog& catalog, Extent manifest, std::uint64_t file_size, const Limits& limits)
      : catalog_(catalog), manifest_(manifest), blobs_end_(file_size - kFooterBytes), limits_(limits) {}

  // Adds one object with its parts. Whatever breaks a rule inside it becomes its fault.
  void add(std::string_view name, const ObjectFields& object);

 private:
  void add_part(const PartFields& part);
  void set_type(model::PartRow& row, const PartFields& part);
  void check_extent(const PartFields& part);
  void check_tensor(const ObjectFields& object);
  void check_dense(const ObjectFields& object);
  void check_sparse(const ObjectFields& object, std::string_view indices);
  void fault_part(const PartFields& part, Fault fault);
  bool has_part(std::string_view role) const { return catalog_.find_part(catalog_.tensor(row()), role).has_value(); }
  std::uint32_t row() const { return static_cast<std::uint32_t>(catalog_.size() - 1); }

  Catalog& catalog_;
  Extent manifest_;
  std::uint64_t blobs_end_;
  const Limits& limits_;
};

Fault fault_of(const Error& error) { return {error.code(), error.rule(), error.what()}; }

void Entries::add(std::string_view name, const ObjectFields& object) {
  if (!catalog_.add_tensor(name, object.shape, object.layout, object.attributes)) {
    throw Error(Code::malformed, "zt12.name.duplicate", "two tensors are named " + in_quotes(name));
  }
  if (object.fault) catalog_.fault_tensor(fault_of(*object.fault));
  for (const PartFields& part : object.parts) add_part(part);
  try {
    check_tensor(object);
  } catch (const Error& error) {
    catalog_.fault_tensor(fault_of(error));
  }
}

void Entries::add_part(const PartFields& part) {
  const auto storage = find_storage(part.dtype);
  std::optional<Fault> fault;
  try {
    if (part.fault) throw *part.fault;
    if (has_part(part.role)) throw Error(Code::malformed, "zt12.part.duplicate", "two parts have this role");
    check_extent(part);
    if (!storage) throw Error(Code::unsupported, "zt12.part.dtype", "unknown dtype " + in_quotes(part.dtype));
  } catch (const Error& error) {
    fault = fault_of(error);
  }
  const std::uint64_t decoded = part.zstd ? part.decoded_length.value_or(model::kUnknownLength) : part.length;
  model::PartRow& row = catalog_.add_part(part.role, storage.value_or(DType::u8),
                                          {.offset = part.offset,
                                           .stored_length = part.length,
                                           .decoded_length = decoded,
                                           .coding = part.zstd ? Coding::zstd : Coding::raw},
                                          part.digest);
  row.storage = catalog_.intern(part.dtype);
  row.logical = catalog_.intern(part.type);
  if (fault) {
    catalog_.fault_part(*fault);
    fault_part(part, *fault);
  } else {
    set_type(row, part);
  }
}

// Marks the tensor because of one of its parts.
void Entries::fault_part(const PartFields& part, Fault fault) {
  fault.message.insert(0, "part " + in_quotes(part.role) + ": ");
  catalog_.fault_tensor(std::move(fault));
}

// §5. The bytes of a part whose logical type is not known can be read; the tensor cannot.
void Entries::set_type(model::PartRow& row, const PartFields& part) {
  const LogicalType logical = find_logical(part.type, row.dtype);
  if (logical.verdict == Logical::ok) {
    row.dtype = logical.dtype;
  } else if (logical.verdict == Logical::wrong) {
    fault_part(part, {Code::malformed, "zt12.part.type.storage",
                      "type " + in_quotes(part.type) + " cannot lie over " + in_quotes(part.dtype)});
  } else {
    fault_part(part, {Code::unsupported, "zt12.part.type", "unknown type " + in_quotes(part.type)});
  }
}

// §3: where the stored bytes lie, and what they can decode to.
void Entries::check_extent(const PartFields& part) {
  const auto range = [&] { return "offset " + number(part.offset) + " + length " + number(part.length); };
  if (part.offset % 64 != 0) {
    throw Error(Code::malformed, "zt12.blob.align", range() + ": the offset is no multiple of 64");
  }
  if (!checked::within(part.offset, part.length, blobs_end_)) {
    throw Error(Code::malformed, "zt12.blob.bounds", range() + " runs past " + number(blobs_end_));
  }
  if (part.offset + part.length > manifest_.offset && part.offset < manifest_.offset + manifest_.length) {
    throw Error(Code::malformed, "zt12.blob.bounds",
                range() + " runs into the manifest at " + number(manifest_.offset));
  }
  if (part.length > 0 && part.offset < kHeaderBytes) {
    throw Error(Code::malformed, "zt12.blob.header", range() + " overlaps the header");
  }
  if (!part.zstd && part.decoded_length && *part.decoded_length != part.length) {
    throw Error(
        Code::malformed, "zt12.part.length",
        "a raw part of " + number(part.length) + " bytes declares " + number(*part.decoded_length) + " decoded");
  }
  if (part.zstd && part.decoded_length) check_ratio(*part.decoded_length, part.length);
  if (part.decoded_length.value_or(part.length) > limits_.decoded_bytes) {
    throw Error(Code::limit, "zt12.part.limit",
                "more decoded bytes than the limit of " + number(limits_.decoded_bytes));
  }
}

void Entries::check_tensor(const ObjectFields& object) {
  if (catalog_.tensor(row()).fault != model::kNone) return;
  if (object.layout == "dense") return check_dense(object);
  if (object.layout == "sparse_csr") {
    if (!has_part("indptr")) throw Error(Code::malformed, "zt12.sparse.parts", "no part 'indptr'");
    if (object.shape.size() != 2) throw Error(Code::malformed, "zt12.sparse.rank", "a CSR tensor has two dimensions");
    return check_sparse(object, "indices");
  }
  if (object.layout == "sparse_coo") check_sparse(object, "coords");
}

// §4: the data part holds exactly the elements of the shape.
void Entries::check_dense(const ObjectFields& object) {
  const model::TensorRow& tensor = catalog_.tensor(row());
  const auto found = catalog_.find_part(tensor, "data");
  if (!found) throw Error(Code::malformed, "zt12.dense.data", "a dense tensor has no part 'data'");
  const auto elements = checked::elements(object.shape);
  const auto expected = elements ? byte_length(catalog_.part(*found).dtype, *elements) : std::nullopt;
  if (!expected) throw Error(Code::malformed, "zt12.shape.overflow", "the shape has more elements than 64 bits count");
  const model::Recipe& recipe = catalog_.part(*found).recipe;
  if (recipe.decoded_length == model::kUnknownLength) {
    check_ratio(*expected, recipe.stored_length);
    if (*expected > limits_.decoded_bytes) {
      throw Error(Code::limit, "zt12.part.limit",
                  "more decoded bytes than the limit of " + number(limits_.decoded_bytes));
    }
    catalog_.set_decoded_length(*found, *expected);
  } else if (recipe.decoded_length != *expected) {
    throw Error(Code::malformed, "zt12.dense.length",
                "the shape takes " + number(*expected) + " bytes, part 'data' has " + number(recipe.decoded_length));
  }
}

void Entries::check_sparse(const ObjectFields& object, std::string_view indices) {
  if (!has_part("values")) throw Error(Code::malformed, "zt12.sparse.parts", "no part 'values'");
  if (!has_part(indices)) throw Error(Code::malformed, "zt12.sparse.parts", "no part " + in_quotes(indices));
  if (!checked::elements(object.shape)) {
    throw Error(Code::malformed, "zt12.shape.overflow", "the shape has more elements than 64 bits count");
  }
}

}  // namespace

void check_ratio(std::uint64_t decoded, std::uint64_t stored) {
  if (decoded / codec::kMaxRatio > stored) {
    throw Error(Code::malformed, "zt12.zstd.ratio",
                number(stored) + " stored bytes cannot decode to " + number(decoded));
  }
}

// A file that begins like ours but does not end so is a 1.0 file where its last eight bytes can be the size of a
// manifest; else it was cut short, and decode() says so.
bool sniff(const ByteStore& store, std::string_view) {
  const std::uint64_t size = store.size();
  std::array<std::byte, kHeaderBytes> head;
  if (size < kHeaderBytes) return false;
  store.read_at(0, head);
  if (!is_magic(head)) return false;
  if (size < kHeaderBytes + kFooterBytes) return true;
  std::array<std::byte, kHeaderBytes> tail;
  store.read_at(size - kHeaderBytes, tail);
  const auto length = endian::load_le<std::uint64_t>(tail.data());
  if (is_magic(tail) || length == 0 || length > size - 2 * kHeaderBytes) return true;
  std::array<std::byte, 1> first;
  store.read_at(size - kHeaderBytes - length, first);
  return static_cast<unsigned>(first[0]) >> 5 != 5;  // no CBOR map
}

Catalog decode(const ByteStore& store, const Limits& limits) {
  const Extent extent = find_manifest(store);
  const std::vector<std::byte> manifest = fetch_manifest(store, extent, limits);

  Catalog catalog;
  Entries entries(catalog, {extent.offset, manifest.size()}, extent.offset + extent.length + kFooterBytes, limits);
  const RootFields root = ManifestCursor(manifest, limits).walk([&](std::string_view name, const ObjectFields& object) {
    entries.add(name, object);
  });
  catalog.format = root.version.starts_with("1.1") ? "zt-1.1" : "zt-1.2";
  catalog.attributes.assign(root.attributes.begin(), root.attributes.end());
  catalog.shrink();
  return catalog;
}

}  // namespace zt::container::zt12
