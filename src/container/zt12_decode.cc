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
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {
namespace {

using model::Catalog;
using model::Coding;
using model::Fault;
using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

constexpr std::uint64_t kHeaderBytes = 8;
constexpr std::uint64_t kFooterBytes = 16;

std::string number(std::uint64_t value) { return std::to_string(value); }

bool is_magic(std::span<const std::byte> bytes) { return as_text(bytes) == kMagic; }

// Where the manifest lies. §2
struct Extent {
  std::uint64_t offset;
  std::uint64_t length;
};

Extent find_manifest(const ByteStore& store, const Limits& limits) {
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
    throw Error(Code::malformed, "zt12.footer.magic", "offset " + number(size - 8) + ": expected ZTEN1000");
  }
  const auto length = endian::load_le<std::uint64_t>(footer.data());
  if (length > size - kHeaderBytes - kFooterBytes) {
    throw Error(Code::malformed, "zt12.manifest.bounds",
                "the footer gives the manifest " + number(length) + " bytes of a file of " + number(size));
  }
  if (length > limits.index_bytes) {
    throw Error(Code::limit, "zt12.manifest.limit",
                "a manifest of " + number(length) + " bytes is over the limit of " + number(limits.index_bytes));
  }
  return {size - kFooterBytes - length, length};
}

// Turns manifest entries into catalog rows; one per decode.
class Entries {
 public:
  Entries(Catalog& catalog, std::uint64_t blobs_end, const Limits& limits)
      : catalog_(catalog), blobs_end_(blobs_end), limits_(limits) {}

  // Adds one object with its parts. Whatever breaks a rule inside it becomes its fault.
  void add(std::string_view name, std::span<const std::byte> item);

 private:
  void add_parts();
  void add_part(std::string_view role, std::span<const std::byte> item);
  void check_extent(const PartFields& part);
  void check_tensor();
  void check_dense();
  void check_sparse(std::string_view indices);
  bool has_part(std::string_view role) const { return catalog_.find_part(catalog_.tensor(row()), role).has_value(); }
  std::uint32_t row() const { return static_cast<std::uint32_t>(catalog_.size() - 1); }

  Catalog& catalog_;
  std::uint64_t blobs_end_;
  const Limits& limits_;
  ObjectFields object_;  // reused, so that a file of many tensors allocates little
  PartFields part_;
};

Fault fault_of(const Error& error) { return {error.code(), error.rule(), error.what()}; }

void Entries::add(std::string_view name, std::span<const std::byte> item) {
  std::optional<Fault> fault;
  try {
    read_object(item, limits_, object_);
  } catch (const Error& error) {
    fault = fault_of(error);  // what was read before it still stands
  }
  if (!catalog_.add_tensor(name, object_.shape, object_.layout, object_.attributes)) {
    throw Error(Code::malformed, "zt12.name.duplicate", "two tensors are named " + in_quotes(name));
  }
  if (fault) catalog_.fault_tensor(std::move(*fault));
  try {
    add_parts();
    check_tensor();
  } catch (const Error& error) {
    catalog_.fault_tensor(fault_of(error));
  }
}

void Entries::add_parts() {
  if (object_.components.empty()) return;
  CborCursor cursor(object_.components, {.strict = false, .depth = limits_.depth});
  cursor.read();
  while (cursor.more()) {
    if (catalog_.tensor(row()).part_count >= limits_.parts) {
      throw Error(Code::limit, "zt12.object.parts", "more than " + number(limits_.parts) + " parts");
    }
    const std::string role(read_key(cursor));
    add_part(role, cursor.skip());
  }
}

void Entries::add_part(std::string_view role, std::span<const std::byte> item) {
  std::optional<Fault> fault;
  const bool twice = has_part(role);
  try {
    read_part(item, part_);
    if (twice) throw Error(Code::malformed, "zt12.part.duplicate", "two parts have this role");
    check_extent(part_);
  } catch (const Error& error) {
    fault = fault_of(error);
  }
  const auto storage = find_storage(part_.dtype);
  model::PartRow& row = catalog_.add_part(role, storage.value_or(DType::u8),
                                          {.offset = part_.offset,
                                           .stored_length = part_.length,
                                           .decoded_length = part_.decoded_length.value_or(model::kUnknownLength),
                                           .file = 0,
                                           .coding = part_.zstd ? Coding::zstd : Coding::raw},
                                          part_.digest);
  row.storage = catalog_.intern(part_.dtype);
  row.logical = catalog_.intern(part_.type);
  if (!part_.zstd) row.recipe.decoded_length = part_.length;
  const LogicalType logical = find_logical(part_.type, row.dtype);
  if (!fault && !storage) {
    fault = Fault{Code::unsupported, "zt12.part.dtype", "unknown dtype " + in_quotes(part_.dtype)};
  }
  const std::string place = "part " + in_quotes(role) + ": ";
  if (fault) {
    catalog_.fault_part(*fault);
    catalog_.fault_tensor({fault->code, fault->rule, place + fault->message});
  } else if (logical.verdict == Logical::ok) {
    row.dtype = logical.dtype;
  } else if (logical.verdict == Logical::wrong) {
    catalog_.fault_tensor({Code::malformed, "zt12.part.type.storage",
                           place + "type " + in_quotes(part_.type) + " cannot lie over " + in_quotes(part_.dtype)});
  } else {
    catalog_.fault_tensor({Code::unsupported, "zt12.part.type", place + "unknown type " + in_quotes(part_.type)});
  }
}

// §3: where the stored bytes lie, and what they can decode to.
void Entries::check_extent(const PartFields& part) {
  const std::string range = "offset " + number(part.offset) + " + length " + number(part.length);
  if (part.offset % 64 != 0) {
    throw Error(Code::malformed, "zt12.blob.align", range + ": the offset is no multiple of 64");
  }
  if (!checked::within(part.offset, part.length, blobs_end_)) {
    throw Error(Code::malformed, "zt12.blob.bounds", range + " runs past " + number(blobs_end_));
  }
  if (part.length > 0 && part.offset < kHeaderBytes) {
    throw Error(Code::malformed, "zt12.blob.header", range + " overlaps the header");
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

void Entries::check_tensor() {
  if (catalog_.tensor(row()).fault != model::kNone) return;
  if (object_.layout == "dense") return check_dense();
  if (object_.layout == "sparse_csr") {
    if (!has_part("indptr")) throw Error(Code::malformed, "zt12.sparse.parts", "no part 'indptr'");
    if (object_.shape.size() != 2) throw Error(Code::malformed, "zt12.sparse.rank", "a CSR tensor has two dimensions");
    return check_sparse("indices");
  }
  if (object_.layout == "sparse_coo") check_sparse("coords");
}

// §4: the data part holds exactly the elements of the shape.
void Entries::check_dense() {
  const model::TensorRow& tensor = catalog_.tensor(row());
  const auto found = catalog_.find_part(tensor, "data");
  if (!found) throw Error(Code::malformed, "zt12.dense.data", "a dense tensor has no part 'data'");
  const auto elements = checked::elements(object_.shape);
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

void Entries::check_sparse(std::string_view indices) {
  if (!has_part("values")) throw Error(Code::malformed, "zt12.sparse.parts", "no part 'values'");
  if (!has_part(indices)) throw Error(Code::malformed, "zt12.sparse.parts", "no part " + in_quotes(indices));
  if (!checked::elements(object_.shape)) {
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

bool sniff(const ByteStore& store, std::string_view) {
  if (store.size() < kHeaderBytes + kFooterBytes) return false;
  std::array<std::byte, kHeaderBytes> head;
  std::array<std::byte, kHeaderBytes> tail;
  store.read_at(0, head);
  store.read_at(store.size() - kHeaderBytes, tail);
  return is_magic(head) && is_magic(tail);
}

Catalog decode(const ByteStore& store, const Limits& limits) {
  const Extent extent = find_manifest(store, limits);
  // A private copy: another process may write to the file between a check and a use.
  std::vector<std::byte> manifest(static_cast<std::size_t>(extent.length));
  store.read_at(extent.offset, manifest);

  Catalog catalog;
  const RootFields root = read_root(manifest, limits);
  catalog.format = root.version.starts_with("1.1") ? "zt-1.1" : "zt-1.2";
  catalog.attributes.assign(root.attributes.begin(), root.attributes.end());
  Entries entries(catalog, extent.offset, limits);
  CborCursor cursor(root.objects, {.strict = false, .depth = limits.depth});
  cursor.read();
  std::string name;
  while (cursor.more()) {
    name = read_key(cursor);
    entries.add(name, cursor.skip());
  }
  catalog.shrink();
  return catalog;
}

}  // namespace zt::container::zt12
