#include <string>
#include <vector>

#include "base/utf8.h"
#include "container/shared/fields.h"
#include "container/shared/tensor_checks.h"
#include "container/shared/trailer.h"
#include "container/zt10/manifest.h"
#include "container/zt10/zt10.h"
#include "ztensor/error.h"

namespace zt::container::zt10 {
namespace {

using model::Catalog;
using model::Fault;
using model::fault_of;

constexpr TrailerRules kTrailer = {.size = "zt10.size",
                                   .magic = "zt10.header.magic",
                                   .bounds = "zt10.manifest.bounds",
                                   .limit = "zt10.manifest.limit"};

constexpr TensorRules kRules = {
    .blob = {.align = "zt10.blob.align",
             .bounds = "zt10.blob.bounds",
             .header = "zt10.blob.header",
             .limit = "zt10.part.limit",
             .ratio = "zt10.zstd.ratio"},
    .overflow = "zt10.shape.overflow",
    .dense_data = "zt10.dense.data",
    .dense_length = "zt10.dense.length",
    .sparse_parts = "zt10.sparse.parts",
    .sparse_rank = "zt10.sparse.rank",
};

// Turns manifest entries into catalog rows.
class Entries {
 public:
  Entries(Catalog& catalog, std::uint64_t blobs_end, const Limits& limits)
      : catalog_(catalog), blobs_end_(blobs_end), limits_(limits) {}

  // Adds one tensor with its parts. A broken rule inside it becomes its fault.
  void add(std::string_view name, const TensorFields& tensor);

 private:
  void add_part(const TensorFields& tensor, const PartFields& part);
  std::uint32_t row() const { return static_cast<std::uint32_t>(catalog_.size() - 1); }

  Catalog& catalog_;
  std::uint64_t blobs_end_;
  const Limits& limits_;
};

// zt-1.0 §3
void Entries::add(std::string_view name, const TensorFields& tensor) {
  if (!catalog_.add_tensor(name, tensor.shape, tensor.layout, {})) {
    throw Error(Code::malformed, "zt10.name.duplicate", "two tensors are named " + in_quotes(name));
  }
  if (tensor.fault) catalog_.fault_tensor(fault_of(*tensor.fault));
  for (const PartFields& part : tensor.parts) add_part(tensor, part);
  if (catalog_.tensor(row()).fault != model::kNone) return;
  try {
    check_tensor(catalog_, limits_, kRules);
  } catch (const Error& error) {
    catalog_.fault_tensor(fault_of(error));
  }
}

// §4: the dtype of a tensor is the dtype of its elements; indices are u64.
void Entries::add_part(const TensorFields& tensor, const PartFields& part) {
  const std::string_view word = is_index(part.role) ? dtype_name(DType::u64) : std::string_view(tensor.dtype);
  const auto storage = find_long_storage(word);
  std::optional<Fault> fault;
  try {
    if (part.fault) throw *part.fault;
    if (catalog_.find_part(catalog_.tensor(row()), part.role)) {
      throw Error(Code::malformed, "zt10.part.duplicate", "two parts have this role");
    }
    check_extent(part.offset, part.length, blobs_end_, kRules.blob);
    check_decoded(part.length, limits_, kRules.blob);
    if (!storage) throw Error(Code::unsupported, "zt10.tensor.dtype", "unknown dtype " + in_quotes(word));
  } catch (const Error& error) {
    fault = fault_of(error);
  }
  model::PartRow& row =
      catalog_.add_part(part.role, storage.value_or(DType::u8),
                        {.offset = part.offset,
                         .stored_length = part.length,
                         .decoded_length = part.codec == Codec::raw ? part.length : model::kUnknownLength,
                         .coding = model::Coding::of(part.codec)},
                        part.digest);
  row.storage = catalog_.intern(word);
  if (!fault) return;
  catalog_.fault_part(*fault);
  fault->message.insert(0, "part " + in_quotes(part.role) + ": ");
  catalog_.fault_tensor(std::move(*fault));
}

}  // namespace

// §2. If the last eight bytes cannot be the size of a manifest, the file is a torn file of 1.1 or 1.2, and zt12 reports
// it.
bool sniff(const ByteStore& store, std::string_view) {
  return begins_with(store, kMagic) && ends_in_size_of_map(store);
}

Catalog decode(const ByteStore& store, const Limits& limits) {
  const Region extent = find_index(store, kMagic, limits, kTrailer);
  // A private copy: another process may write to the file between a check and a use.
  std::vector<std::byte> manifest(static_cast<std::size_t>(extent.length));
  store.read_at(extent.offset, manifest);

  Catalog catalog;
  catalog.format = "zt-1.0";
  Entries entries(catalog, extent.offset, limits);
  std::span<const std::byte> attributes;
  try {
    attributes = ManifestCursor(manifest, limits)
                     .walk([&](std::uint64_t count) { catalog.expect(count, manifest.size()); },
                           [&](std::string_view name, const TensorFields& tensor) { entries.add(name, tensor); });
  } catch (const Error& error) {
    if (std::string_view(error.rule()) != "zt10.root.tensors") throw;
    throw Error(error.code(), error.rule(),
                std::string(error.what()) +
                    "; a 1.2 file looks like this after its last 8 bytes were cut: see 'ztensor repair'");
  }
  catalog.attributes.assign(attributes.begin(), attributes.end());
  catalog.shrink();
  return catalog;
}

}  // namespace zt::container::zt10
