#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/shared/delta_note.h"
#include "container/shared/fields.h"
#include "container/zt2/footer.h"
#include "container/zt2/manifest.h"
#include "container/zt2/names.h"
#include "container/zt2/profiles.h"
#include "container/zt2/regions.h"
#include "container/zt2/zt2.h"
#include "ztensor/error.h"

namespace zt::container::zt2 {
namespace {

using model::Catalog;
using model::Coding;
using model::Fault;
using model::fault_of;

// Multiplies from left to right, so a zero hides only the dimensions after it. zt-2 §4
std::uint64_t product_of(std::span<const std::uint64_t> shape) {
  std::uint64_t product = 1;
  for (const std::uint64_t dimension : shape) {
    const auto next = checked::multiply(product, dimension);
    if (!next) {
      throw Error(Code::malformed, "zt2.shape.overflow", "the shape has more elements than 64 bits count");
    }
    product = *next;
  }
  return product;
}

// Turns manifest entries into catalog rows; one per decode.
class Entries {
 public:
  Entries(Catalog& catalog, std::uint64_t data_end, const Limits& limits)
      : catalog_(catalog), data_end_(data_end), limits_(limits) {}

  void add_shard(const ShardFields& shard);
  void add_object(std::string_view name, const ObjectFields& object);
  // Call it after the last object.
  void finish() { catalog_.hide(hidden_); }

 private:
  void note_delta(const ObjectFields& object);
  void add_part(const PartFields& part);
  DType storage_of(const PartFields& part);
  std::uint16_t file_of(const PartFields& part);
  void check_blob(const PartFields& part, std::uint16_t file);
  std::optional<Fault> coding_fault(const PartFields& part, const codec::Row* coder);
  void fault_tensor(const PartFields& part, Fault fault);
  void check_layout(const ObjectFields& object, std::uint64_t elements);

  Catalog& catalog_;
  std::uint64_t data_end_;
  const Limits& limits_;
  std::vector<PartFacts> facts_;       // the parts of the current object
  std::vector<std::uint32_t> hidden_;  // tensors that are only bases
};

// zt-2 §8
void Entries::add_shard(const ShardFields& shard) {
  if (catalog_.files.size() == model::kMostFiles) {
    throw Error(Code::limit, "zt2.shard.limit",
                "the file has more than " + std::to_string(model::kMostFiles) + " shards");
  }
  catalog_.files.push_back({.name = std::string(shard.name), .size = shard.size, .digest = std::string(shard.digest)});
}

// zt-2 §4
void Entries::add_object(std::string_view name, const ObjectFields& object) {
  const std::uint64_t elements = product_of(object.shape);
  // The name is new: the CBOR cursor refuses duplicate keys.
  catalog_.add_tensor(name, object.shape, layout_of_file(object.layout), object.attributes);
  facts_.clear();
  for (const PartFields& part : object.parts) {
    try {
      add_part(part);
    } catch (Error& error) {
      error.enter("part " + in_quotes(part.role));
      throw;
    }
  }
  if (object.shape.size() > limits_.rank) {
    catalog_.fault_tensor(
        {Code::limit, "zt2.shape.limit", "the tensor has more than " + std::to_string(limits_.rank) + " dimensions"});
  }
  check_layout(object, elements);
  note_delta(object);
  if (!checked::elements(object.shape)) {
    catalog_.fault_tensor(
        {Code::unsupported, "zt2.shape.wide", "the product of the dimensions that are not zero does not fit 64 bits"});
  }
}

// spec/delta.md §5
void Entries::note_delta(const ObjectFields& object) {
  const auto row = static_cast<std::uint32_t>(catalog_.size() - 1);
  const model::TensorRow& tensor = catalog_.tensor(row);
  const auto parts = catalog_.parts(tensor);
  const bool is_delta = std::ranges::any_of(parts, [](const auto& part) { return part.recipe.coding.is_delta(); });
  try {
    const auto note = delta_note(object.attributes);
    if (note && note->is_hidden) hidden_.push_back(row);
    if (!is_delta) return;
    if (!note || !note->base) {
      throw Error(Code::malformed, "delta.base", "the attribute zt.delta must say what the delta is over");
    }
    if (object.layout != "dense" || parts.size() != 1) {
      throw Error(Code::malformed, "delta.base", "only a dense tensor of one part can be a delta");
    }
    catalog_.set_base(tensor.parts, *note->base);
  } catch (const Error& error) {
    catalog_.fault_entry(row, fault_of(error));
  }
}

// zt-2 §7
Coding coding_of(const codec::Row* coder, DType storage) {
  if (coder == nullptr) return Coding::raw;
  if (coder->codec == Codec::planes) return Coding::planes(model::element_form(storage));
  if (coder->codec == Codec::delta) return Coding::delta(model::element_form(storage));
  return Coding::of(coder->codec, model::Framing::seekable);
}

// zt-2 §5
void Entries::add_part(const PartFields& part) {
  const DType storage = storage_of(part);
  const std::uint16_t file = file_of(part);
  check_blob(part, file);
  const bool empty = part.type && part.type->empty();  // the file states the type ""
  const LogicalType logical =
      empty ? LogicalType{Logical::unknown, storage} : find_logical(part.type.value_or(""), storage);
  if (logical.verdict == Logical::wrong) {
    throw Error(Code::malformed, "zt2.part.type.storage",
                "type " + in_quotes(*part.type) + " cannot be stored as " + in_quotes(part.dtype));
  }
  const bool known = logical.verdict == Logical::ok;
  const codec::Row* coder = part.encoding ? codec::find_word(codec::Words::zt2, *part.encoding) : nullptr;
  model::PartRow& row = catalog_.add_part(part.role, logical.dtype,
                                          {.offset = part.offset,
                                           .stored_length = part.length,
                                           .decoded_length = part.decoded_length,
                                           .file = file,
                                           .coding = coding_of(coder, storage)},
                                          part.digest);
  row.storage = catalog_.intern(part.dtype);
  row.logical = catalog_.intern(part.type.value_or(""));
  facts_.push_back({.role = part.role,
                    .dtype = logical.dtype,
                    .typed = part.type.has_value(),
                    .known = known,
                    .bytes = part.decoded_length});
  if (auto fault = coding_fault(part, coder)) {
    catalog_.fault_part(*fault);
    fault_tensor(part, *std::move(fault));
  } else if (!known) {  // the bytes of the part can still be read
    fault_tensor(part, {Code::unsupported, "zt2.part.type.unknown", "unknown type " + in_quotes(*part.type)});
  }
}

// zt-2 §5. In this generation bool is a logical type over u8, and not a storage.
DType Entries::storage_of(const PartFields& part) {
  const auto storage = find_storage(part.dtype);
  if (!storage || *storage == DType::boolean) {
    throw Error(Code::malformed, "zt2.part.dtype.unknown", "unknown dtype " + in_quotes(part.dtype));
  }
  return *storage;
}

// zt-2 §8
std::uint16_t Entries::file_of(const PartFields& part) {
  if (!part.shard) return 0;
  const auto& shards = catalog_.files;
  const auto found =
      std::lower_bound(shards.begin(), shards.end(), *part.shard,
                       [](const model::FileRow& shard, std::string_view name) { return key_less(shard.name, name); });
  if (found == shards.end() || found->name != *part.shard) {
    throw Error(Code::malformed, "zt2.shard.unknown", "shard " + in_quotes(*part.shard) + " is not in the table");
  }
  return static_cast<std::uint16_t>(found - shards.begin() + 1);
}

// zt-2 §2
void Entries::check_blob(const PartFields& part, std::uint16_t file) {
  const auto range = [&] {
    return "offset " + std::to_string(part.offset) + " + length " + std::to_string(part.length);
  };
  if (part.offset % kLeastAlignment != 0 || part.offset < kLeastAlignment) {
    throw Error(Code::malformed, "zt2.blob.align",
                range() + ": expected an offset that is a multiple of 4096 and not 0");
  }
  const std::uint64_t end = file == 0 ? data_end_ : catalog_.files[file - 1U].size - kFooterBytes;
  if (!checked::within(part.offset, part.length, end)) {
    throw Error(Code::malformed, "zt2.blob.bounds", range() + " runs past " + std::to_string(end));
  }
}

// Why the bytes cannot be decoded, if the metadata shows it. zt-2 §7
std::optional<Fault> Entries::coding_fault(const PartFields& part, const codec::Row* coder) {
  if (part.encoding && coder == nullptr) {
    return Fault{Code::unsupported, "zt2.encoding.unknown", "unknown encoding " + in_quotes(*part.encoding)};
  }
  const bool is_base = coder != nullptr && coder->codec == Codec::delta && part.length == 0;  // spec/delta.md §1
  if (coder != nullptr && !is_base && !codec::can_give(coder->codec, part.length, part.decoded_length)) {
    return Fault{Code::malformed, "zt2.zstd.ratio",
                 std::to_string(part.length) + " stored bytes cannot decode to " + std::to_string(part.decoded_length)};
  }
  if (part.decoded_length > limits_.decoded_bytes) {
    return Fault{Code::limit, "zt2.part.limit",
                 "the part has more decoded bytes than the limit of " + std::to_string(limits_.decoded_bytes)};
  }
  return std::nullopt;
}

// Marks the tensor because of one of its parts.
void Entries::fault_tensor(const PartFields& part, Fault fault) {
  fault.message.insert(0, "part " + in_quotes(part.role) + ": ");
  catalog_.fault_tensor(std::move(fault));
}

// zt-2 §6
void Entries::check_layout(const ObjectFields& object, std::uint64_t elements) {
  try {
    check_profile({.layout = object.layout,
                   .shape = object.shape,
                   .elements = elements,
                   .parts = facts_,
                   .attributes = object.attributes});
  } catch (const Error& error) {
    if (refuses_file(object.layout)) throw;
    catalog_.fault_tensor(fault_of(error));
  }
}

}  // namespace

bool sniff(const ByteStore& store, std::string_view) {
  std::array<std::byte, kHeaderBytes> head;
  if (store.size() < head.size()) return false;
  store.read_at(0, head);
  return as_text(head) == kMagic;
}

namespace {

// `manifest`: gets the manifest; null: it is not wanted.
Catalog decode_file(const ByteStore& store, const Limits& limits, std::vector<std::byte>* manifest) {
  Catalog catalog;
  catalog.format = "zt-2";
  catalog.decoded_digests = true;
  Ending ending = read_ending(store, limits);
  if (ending.footer.is_data_shard()) {
    catalog.notes.emplace_back("this is a data shard and has no tensors: open the file that names it");
    return catalog;
  }
  Entries entries(catalog, ending.file_size - kFooterBytes, limits);
  ManifestCursor cursor(ending.manifest, limits);
  const RootFields root = cursor.walk(
      {.shard = [&](const ShardFields& shard) { entries.add_shard(shard); },
       .expect = [&](std::uint64_t objects) { catalog.expect(objects, ending.manifest.size()); },
       .named = [&](std::string_view name) { catalog.foresee(name); },
       .object = [&](std::string_view name, const ObjectFields& object) { entries.add_object(name, object); }});
  entries.finish();
  catalog.manifest = {ending.footer.manifest_offset, ending.footer.manifest_length};
  catalog.objects = root.objects;
  catalog.attributes.assign(root.attributes.begin(), root.attributes.end());
  if (manifest != nullptr) *manifest = std::move(ending.manifest);
  ending.manifest = std::vector<std::byte>();  // frees memory before check_overlap() takes some
  catalog.shrink();
  check_overlap(catalog, ending.footer);
  return catalog;
}

}  // namespace

Catalog decode(const ByteStore& store, const Limits& limits) { return decode_file(store, limits, nullptr); }

Catalog decode_keeping(const ByteStore& store, const Limits& limits, std::vector<std::byte>& manifest) {
  return decode_file(store, limits, &manifest);
}

}  // namespace zt::container::zt2
