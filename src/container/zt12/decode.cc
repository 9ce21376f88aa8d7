#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "container/shared/fields.h"
#include "container/shared/tensor_checks.h"
#include "container/shared/trailer.h"
#include "container/zt12/delta.h"
#include "container/zt12/manifest.h"
#include "container/zt12/planes.h"
#include "container/zt12/zt12.h"
#include "wire/cbor_end.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {
namespace {

using model::Catalog;
using model::Fault;
using model::fault_of;

constexpr std::uint64_t kHeaderBytes = 8;
constexpr std::uint64_t kFooterBytes = 16;
constexpr std::uint64_t kFirstPiece = std::uint64_t{64} << 10;  // bytes of the manifest in the first read
constexpr std::uint64_t kMostReserved = std::uint64_t{64} << 20;

bool is_magic(std::span<const std::byte> bytes) { return as_text(bytes) == kMagic; }

constexpr TensorRules kRules = {
    .blob = {.align = "zt12.blob.align",
             .bounds = "zt12.blob.bounds",
             .header = "zt12.blob.header",
             .limit = "zt12.part.limit",
             .ratio = "zt12.zstd.ratio"},
    .overflow = "zt12.shape.overflow",
    .dense_data = "zt12.dense.data",
    .dense_length = "zt12.dense.length",
    .sparse_parts = "zt12.sparse.parts",
    .sparse_rank = "zt12.sparse.rank",
};

// Finds the manifest. §2
Region find_manifest(const ByteStore& store) {
  const std::uint64_t size = store.size();
  if (size < kHeaderBytes + kFooterBytes) {
    throw Error(Code::malformed, "zt12.size", "the file has " + count_text(size, "byte") + ": expected at least 24");
  }
  std::array<std::byte, kHeaderBytes> head;
  std::array<std::byte, kFooterBytes> footer;
  store.read_at(0, head);
  store.read_at(size - kFooterBytes, footer);
  if (!is_magic(head)) throw Error(Code::malformed, "zt12.header.magic", "offset 0: expected ZTEN1000");
  if (!is_magic(std::span(footer).subspan(8))) {
    throw Error(Code::malformed, "zt12.footer.magic",
                "offset " + std::to_string(size - 8) +
                    ": expected ZTEN1000; the file was cut short, is unfinished or has bytes behind its end; see "
                    "'ztensor repair'");
  }
  const auto length = endian::load_le<std::uint64_t>(footer.data());
  if (length > size - kHeaderBytes - kFooterBytes) {
    throw Error(Code::malformed, "zt12.manifest.bounds",
                "the footer states a manifest of " + count_text(length, "byte") + ", but the file has " +
                    std::to_string(size) + "; see 'ztensor repair'");
  }
  return {size - kFooterBytes - length, length};
}

// Reads the CBOR item at the start of the manifest's range. While a file grows, the range reaches to the new end of the
// file. So we read it in pieces, each as long as all before it, and only to the end of the item. The result is a
// private copy, because another process may write to the file between a check and a use. zt-1.2 §2
std::vector<std::byte> fetch_manifest(const ByteStore& store, Region extent, const Limits& limits) {
  const std::uint64_t most = std::min(extent.length, limits.index_bytes);
  std::vector<std::byte> manifest;
  manifest.reserve(static_cast<std::size_t>(std::min(most, kMostReserved)));  // instead of moving it again and again
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
      throw Error(Code::limit, "zt12.manifest.limit",
                  "the manifest may have " + std::to_string(extent.length) + " bytes, over the limit of " +
                      std::to_string(limits.index_bytes));
    }
    want = std::min(most, 2 * want);
  }
}

// Turns manifest entries into catalog rows.
class Entries {
 public:
  // `manifest` is the region of the CBOR item.
  Entries(Catalog& catalog, Region manifest, std::uint64_t file_size, const Limits& limits)
      : catalog_(catalog), manifest_(manifest), blobs_end_(file_size - kFooterBytes), limits_(limits) {}

  // Adds one object with its parts. A broken rule inside it becomes its fault.
  void add(std::string_view name, const ObjectFields& object);
  // Call it after the last object.
  void finish() { catalog_.hide(hidden_); }

 private:
  void add_shown(std::string_view name, const ObjectFields& object);
  void add_delta(std::string_view name, const ObjectFields& object, const DeltaNote& note);
  void add_object(std::string_view name, const ObjectFields& object);
  void add_part(const PartFields& part);
  void set_type(model::PartRow& row, const PartFields& part);
  void check_part(const PartFields& part);
  void fault_part(const PartFields& part, Fault fault);
  bool has_part(std::string_view role) const { return catalog_.find_part(catalog_.tensor(row()), role).has_value(); }
  std::uint32_t row() const { return static_cast<std::uint32_t>(catalog_.size() - 1); }

  Catalog& catalog_;
  Region manifest_;
  std::uint64_t blobs_end_;
  const Limits& limits_;
  std::vector<std::uint32_t> hidden_;  // tensors that are only bases
};

// zt-1.2 §3
void Entries::add(std::string_view name, const ObjectFields& object) {
  std::optional<DeltaNote> note;
  try {
    note = delta_note(object.attributes);
    if (object.layout == kDelta && (!note || !note->base)) {
      throw Error(Code::malformed, "delta.base", "the attribute zt.delta must say what the delta is over");
    }
  } catch (const Error& error) {
    ObjectFields broken = object;
    broken.fault = error;
    return add_object(name, broken);
  }
  if (object.layout == kDelta) {
    add_delta(name, object, *note);
  } else {
    add_shown(name, object);
  }
  if (note && note->is_hidden) hidden_.push_back(row());
}

// spec/delta.md §5
void Entries::add_delta(std::string_view name, const ObjectFields& object, const DeltaNote& note) {
  ObjectFields shown = object;
  PartFields part;
  try {
    part = delta_as_dense(object, note);
    shown.layout = "dense";
    shown.parts = {&part, 1};
  } catch (const Error& error) {
    shown.fault = error;
  }
  add_object(name, shown);
  const model::TensorRow& tensor = catalog_.tensor(row());
  if (!shown.fault && tensor.part_count == 1) catalog_.set_base(tensor.parts, *note.base);
}

void Entries::add_shown(std::string_view name, const ObjectFields& object) {
  if (object.layout != kPlanes) return add_object(name, object);
  ObjectFields shown = object;
  PlanesAsDense dense;
  try {
    dense = planes_as_dense(object);
    shown.layout = "dense";
    shown.attributes = dense.attributes;
    shown.parts = {&dense.part, 1};
  } catch (const Error& error) {
    shown.fault = error;
  }
  add_object(name, shown);
}

void Entries::add_object(std::string_view name, const ObjectFields& object) {
  if (!catalog_.add_tensor(name, object.shape, object.layout, object.attributes)) {
    throw Error(Code::malformed, "zt12.name.duplicate", "two tensors are named " + in_quotes(name));
  }
  if (object.fault) catalog_.fault_tensor(fault_of(*object.fault));
  for (const PartFields& part : object.parts) add_part(part);
  if (catalog_.tensor(row()).fault != model::kNone) return;
  try {
    check_tensor(catalog_, limits_, kRules);
  } catch (const Error& error) {
    catalog_.fault_tensor(fault_of(error));
  }
}

// zt-1.2 §3, §5
void Entries::add_part(const PartFields& part) {
  const auto storage = find_storage(part.dtype);
  std::optional<Fault> fault;
  try {
    if (part.fault) throw *part.fault;
    if (has_part(part.role)) throw Error(Code::malformed, "zt12.part.duplicate", "two parts have this role");
    check_part(part);
    if (!storage) throw Error(Code::unsupported, "zt12.part.dtype", "unknown dtype " + in_quotes(part.dtype));
  } catch (const Error& error) {
    fault = fault_of(error);
  }
  const bool raw = part.codec == Codec::raw;
  const std::uint64_t decoded = raw ? part.length : part.decoded_length.value_or(model::kUnknownLength);
  const ElementForm form = model::element_form(storage.value_or(DType::u8));
  const model::Coding coding = part.codec == Codec::planes  ? model::Coding::planes(form)
                               : part.codec == Codec::delta ? model::Coding::delta(form)
                                                            : model::Coding::of(part.codec);
  model::PartRow& row = catalog_.add_part(
      part.role, storage.value_or(DType::u8),
      {.offset = part.offset, .stored_length = part.length, .decoded_length = decoded, .coding = coding}, part.digest);
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

// §5. If the logical type of a part is unknown, its bytes can be read, but the tensor cannot.
void Entries::set_type(model::PartRow& row, const PartFields& part) {
  const LogicalType logical = find_logical(part.type, row.dtype);
  if (logical.verdict == Logical::ok) {
    row.dtype = logical.dtype;
  } else if (logical.verdict == Logical::wrong) {
    fault_part(part, {Code::malformed, "zt12.part.type.storage",
                      "type " + in_quotes(part.type) + " cannot be stored as " + in_quotes(part.dtype)});
  } else {
    fault_part(part, {Code::unsupported, "zt12.part.type", "unknown type " + in_quotes(part.type)});
  }
}

// §3: checks where the stored bytes are, and what they can decode to.
void Entries::check_part(const PartFields& part) {
  check_extent(part.offset, part.length, blobs_end_, kRules.blob);
  if (part.offset + part.length > manifest_.offset && part.offset < manifest_.offset + manifest_.length) {
    throw Error(Code::malformed, kRules.blob.bounds,
                "offset " + std::to_string(part.offset) + " + length " + std::to_string(part.length) +
                    " runs into the manifest at " + std::to_string(manifest_.offset));
  }
  if (part.codec == Codec::raw && part.decoded_length && *part.decoded_length != part.length) {
    throw Error(Code::malformed, "zt12.part.length",
                "a raw part of " + count_text(part.length, "byte") + " states " + std::to_string(*part.decoded_length) +
                    " decoded bytes");
  }
  if (part.codec != Codec::raw && part.decoded_length)
    check_ratio(part.codec, *part.decoded_length, part.length, kRules.blob);
  check_decoded(part.decoded_length.value_or(part.length), limits_, kRules.blob);
}

// Whether the manifest is likely to fill its range. In a file that grows, a hole follows the item, or the data that was
// written so far. So the item must not end in the first sixteenth of the range: otherwise a short item could make us
// read a long range.
bool is_likely_whole(const ByteStore& store, Region extent, const Limits& limits) {
  if (extent.length < 8 || extent.length > std::min(limits.index_bytes, kMostReserved)) return false;
  std::array<std::byte, 8> last;
  store.read_at(extent.offset + extent.length - last.size(), last);
  if (std::ranges::all_of(last, [](std::byte one) { return one == std::byte{0}; })) return false;
  const std::uint64_t piece = std::max(kFirstPiece, extent.length / 16);
  if (extent.length <= piece) return true;
  std::vector<std::byte> first(static_cast<std::size_t>(piece));
  store.read_at(extent.offset, first);
  return wire::CborEnd(extent.length, limits.depth).advance(first) == wire::CborEnd::State::more;
}

// `length`: becomes that of the CBOR item.
Catalog decode_manifest(std::span<const std::byte> manifest, Region extent, const Limits& limits,
                        std::uint64_t& length) {
  Catalog catalog;
  Entries entries(catalog, {extent.offset, manifest.size()}, extent.offset + extent.length + kFooterBytes, limits);
  const RootFields root =
      ManifestCursor(manifest, limits)
          .walk([&](std::uint64_t count) { catalog.expect(count, manifest.size()); },
                [&](std::string_view name) { catalog.foresee(name); },
                [&](std::string_view name, const ObjectFields& object) { entries.add(name, object); });
  entries.finish();
  catalog.format = root.version.starts_with("1.1") ? "zt-1.1" : "zt-1.2";
  catalog.manifest = {extent.offset, manifest.size()};
  catalog.objects = root.objects;
  catalog.attributes.assign(root.attributes.begin(), root.attributes.end());
  catalog.shrink();
  length = root.length;
  return catalog;
}

}  // namespace

// A file that begins with the magic and does not end with it is a 1.0 file if its last eight bytes can be the size of a
// manifest. Otherwise it was cut short, and decode() reports it.
bool sniff(const ByteStore& store, std::string_view) {
  if (!begins_with(store, kMagic)) return false;
  return store.size() < kHeaderBytes + kFooterBytes || !ends_in_size_of_map(store);
}

Catalog decode(const ByteStore& store, const Limits& limits) {
  std::vector<std::byte> manifest;
  return decode_keeping(store, limits, manifest);
}

Catalog decode_keeping(const ByteStore& store, const Limits& limits, std::vector<std::byte>& manifest) {
  const Region extent = find_manifest(store);
  std::uint64_t length = 0;
  if (is_likely_whole(store, extent, limits)) {
    manifest.resize(static_cast<std::size_t>(extent.length));
    store.read_at(extent.offset, manifest);
    try {
      Catalog catalog = decode_manifest(manifest, extent, limits, length);
      if (length == extent.length) return catalog;
    } catch (const Error&) {  // the item may end earlier: the code below finds its end, and then its faults
    }
  }
  manifest = std::vector<std::byte>();  // frees it before the next is read
  manifest = fetch_manifest(store, extent, limits);
  return decode_manifest(manifest, extent, limits, length);
}

}  // namespace zt::container::zt12
