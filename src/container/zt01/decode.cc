#include <string>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/shared/fields.h"
#include "container/shared/tensor_checks.h"
#include "container/shared/trailer.h"
#include "container/zt01/index.h"
#include "container/zt01/zt01.h"
#include "ztensor/error.h"

namespace zt::container::zt01 {
namespace {

using model::Catalog;
using model::fault_of;
using model::View;

constexpr TrailerRules kTrailer = {
    .size = "zt01.size", .magic = "zt01.header.magic", .bounds = "zt01.index.bounds", .limit = "zt01.index.limit"};

constexpr TensorRules kRules = {
    .blob = {.align = "zt01.blob.align",
             .bounds = "zt01.blob.bounds",
             .header = "zt01.blob.header",
             .limit = "zt01.part.limit",
             .ratio = "zt01.zstd.ratio"},
    .overflow = "zt01.shape.overflow",
    .dense_data = "",  // an entry always has its one part
    .dense_length = "zt01.dense.length",
    .sparse_parts = "",
    .sparse_rank = "zt01.sparse.rank",
};

constexpr std::uint32_t kIndexBytes = 8;

// Translates layouts to the library's own words.
std::string_view layout_of(const Entry& entry) {
  if (entry.layout == "sparsecsr") return "sparse_csr";
  if (entry.layout == "sparsecoo") return "sparse_coo";
  return entry.layout;
}

bool is_raw(const Entry& entry) { return entry.codec == Codec::raw; }
// §6: the mark of byte order counts only for raw data of types of more than one byte. Then it counts for the indices
// too.
bool is_swapped(const Entry& entry, DType dtype) { return entry.big_endian && is_raw(entry) && dtype_bits(dtype) > 8; }

std::uint8_t swap_of(DType dtype) { return static_cast<std::uint8_t>(dtype_bits(dtype) / 8); }

// Turns index entries into catalog rows.
class Entries {
 public:
  Entries(Catalog& catalog, std::uint64_t blobs_end, const Limits& limits)
      : catalog_(catalog), blobs_end_(blobs_end), limits_(limits) {}

  // Adds one tensor with its parts. A broken rule inside it becomes its fault.
  void add(const Entry& entry);
  // Notes the entries that were left out because their names are taken.
  void note_duplicates();

 private:
  void add_parts(const Entry& entry, DType dtype);
  void add_dense(const Entry& entry, DType dtype);
  void add_csr(const Entry& entry, DType dtype);
  void add_coo(const Entry& entry, DType dtype);
  std::uint64_t sparse_bytes(const Entry& entry, DType dtype) const;
  model::PartRow& add_blob(const Entry& entry, DType dtype);
  // Where the elements of a part are in the blob: on axes of this shape, `strides` bytes apart.
  struct Axes {
    std::uint64_t blob_length;
    std::uint64_t start;
    std::vector<std::uint64_t> shape;
    std::vector<std::int64_t> strides;
  };
  void add_view(const Entry& entry, std::string_view role, DType dtype, const Axes& axes, bool swapped);

  Catalog& catalog_;
  std::uint64_t blobs_end_;
  const Limits& limits_;
  std::uint64_t duplicates_ = 0;
  std::string first_duplicate_;
};

// zt-0.1 §3, §4
void Entries::add(const Entry& entry) {
  if (!catalog_.add_tensor(entry.name, entry.shape, layout_of(entry), entry.attributes)) {
    if (duplicates_++ == 0) first_duplicate_ = entry.name;
    return;
  }
  const auto dtype = find_long_storage(entry.dtype);
  try {
    if (entry.fault) throw *entry.fault;
    check_extent(entry.offset, entry.length, blobs_end_, kRules.blob);
    if (entry.offset == 0) throw Error(Code::malformed, kRules.blob.header, "offset 0 is in the header");
    check_decoded(entry.length, limits_, kRules.blob);
    if (!dtype) throw Error(Code::unsupported, "zt01.dtype", "unknown dtype " + in_quotes(entry.dtype));
  } catch (const Error& error) {
    add_blob(entry, dtype.value_or(DType::u8));
    catalog_.fault_part(fault_of(error));
    catalog_.fault_tensor(fault_of(error));
    return;
  }
  try {
    add_parts(entry, *dtype);
  } catch (const Error& error) {
    add_blob(entry, *dtype);  // so its raw bytes can still be read
    catalog_.fault_tensor(fault_of(error));
  }
}

void Entries::note_duplicates() {
  if (duplicates_ == 0) return;
  catalog_.notes.push_back(
      count_text(duplicates_, "entry has", "entries have") +
      " the name of an earlier tensor, and only the earlier tensor is read; the first such name is " +
      in_quotes(first_duplicate_));
}

// If it throws, it has added nothing. zt-0.1 §5
void Entries::add_parts(const Entry& entry, DType dtype) {
  if (entry.layout == "dense") return add_dense(entry, dtype);
  if (entry.layout == "sparsecsr") return add_csr(entry, dtype);
  if (entry.layout == "sparsecoo") return add_coo(entry, dtype);
  throw Error(Code::unsupported, "zt01.layout", "unknown layout " + in_quotes(entry.layout));
}

// §4
void Entries::add_dense(const Entry& entry, DType dtype) {
  const std::uint64_t expected = dense_bytes(entry.shape, dtype, kRules);
  if (!is_raw(entry)) {
    check_ratio(entry.codec, expected, entry.length, kRules.blob);
    check_decoded(expected, limits_, kRules.blob);
  } else if (entry.length != expected) {
    throw Error(
        Code::malformed, kRules.dense_length,
        "the shape takes " + count_text(expected, "byte") + ", but " + std::to_string(entry.length) + " are stored");
  }
  model::PartRow& row = add_blob(entry, dtype);
  row.recipe.decoded_length = expected;
  if (is_swapped(entry, dtype) && expected > 0) row.recipe.swap = swap_of(dtype);
}

[[noreturn]] void throw_unsaid() {
  throw Error(Code::unsupported, "zt01.sparse.zstd",
              "the file does not state how many bytes the sparse tensor has without zstd: it cannot be read");
}

[[noreturn]] void throw_uneven(const Entry& entry, std::uint64_t bytes) {
  if (!is_raw(entry)) throw_unsaid();
  throw Error(Code::malformed, "zt01.sparse.length",
              count_text(bytes, "byte is", "bytes are") + " not a whole number of entries");
}

// §5. The decoded length of a sparse blob. A zstd blob does not state its length. Every release wrote as many bytes as
// the dense tensor would have, so only such a blob can be read.
std::uint64_t Entries::sparse_bytes(const Entry& entry, DType dtype) const {
  const std::uint64_t elements = element_count(entry.shape, kRules);
  if (is_raw(entry)) return entry.length;
  const auto dense = byte_length(dtype, elements);
  if (!dense || !codec::can_give(entry.codec, entry.length, *dense)) throw_unsaid();
  check_decoded(*dense, limits_, kRules.blob);
  return *dense;
}

// §5: row pointers, columns, values.
void Entries::add_csr(const Entry& entry, DType dtype) {
  if (entry.shape.size() != 2) {
    throw Error(Code::malformed, kRules.sparse_rank,
                "a CSR tensor needs two dimensions, and this one has " + std::to_string(entry.shape.size()));
  }
  const std::uint64_t bytes = sparse_bytes(entry, dtype);
  const std::uint32_t width = dtype_bits(dtype) / 8;
  const auto pointers = checked::add(entry.shape[0], 1);
  const auto head = pointers ? checked::multiply(*pointers, kIndexBytes) : std::nullopt;
  if (!head || *head > bytes || (bytes - *head) % (kIndexBytes + width) != 0) throw_uneven(entry, bytes);
  const std::uint64_t count = (bytes - *head) / (kIndexBytes + width);
  const std::uint64_t values = *head + count * kIndexBytes;
  const auto run = [&](std::uint64_t start, std::uint64_t elements, std::uint32_t element) {
    return Axes{.blob_length = bytes, .start = start, .shape = {elements}, .strides = {element}};
  };
  const bool swapped = is_swapped(entry, dtype);
  add_view(entry, "values", dtype, run(values, count, width), swapped);
  add_view(entry, "indices", DType::u64, run(*head, count, kIndexBytes), swapped);
  add_view(entry, "indptr", DType::u64, run(0, *pointers, kIndexBytes), swapped);
}

// §5: each record has a position on each axis, and a value.
void Entries::add_coo(const Entry& entry, DType dtype) {
  const std::uint64_t rank = entry.shape.size();
  if (rank == 0)
    throw Error(Code::malformed, kRules.sparse_rank,
                "a COO tensor needs at least one dimension, and this one has none");
  const std::uint64_t bytes = sparse_bytes(entry, dtype);
  const std::uint64_t record = rank * kIndexBytes + dtype_bits(dtype) / 8;
  if (bytes % record != 0) throw_uneven(entry, bytes);
  const std::uint64_t count = bytes / record;
  const auto step = static_cast<std::int64_t>(record);
  const bool swapped = is_swapped(entry, dtype);
  add_view(entry, "values", dtype,
           {.blob_length = bytes, .start = rank * kIndexBytes, .shape = {count}, .strides = {step}}, swapped);
  add_view(entry, "coords", DType::u64,
           {.blob_length = bytes, .start = 0, .shape = {rank, count}, .strides = {kIndexBytes, step}}, swapped);
}

// Adds the whole blob as the part "data".
model::PartRow& Entries::add_blob(const Entry& entry, DType dtype) {
  model::PartRow& row = catalog_.add_part("data", dtype,
                                          {.offset = entry.offset,
                                           .stored_length = entry.length,
                                           .decoded_length = is_raw(entry) ? entry.length : model::kUnknownLength,
                                           .coding = model::Coding::of(entry.codec)},
                                          entry.digest);
  row.storage = catalog_.intern(entry.dtype);
  return row;
}

// Adds a part of the blob. Its digest covers all stored bytes of the blob.
void Entries::add_view(const Entry& entry, std::string_view role, DType dtype, const Axes& axes, bool swapped) {
  const std::uint32_t width = dtype_bits(dtype) / 8;
  std::uint64_t elements = 1;  // no overflow: the elements are in the blob
  for (const std::uint64_t size : axes.shape) elements *= size;
  const View view{.blob_length = axes.blob_length,
                  .start = axes.start,
                  .shape = axes.shape,
                  .strides = axes.strides,
                  .element_bytes = width};
  model::PartRow& row = catalog_.add_part(role, dtype,
                                          {.offset = entry.offset,
                                           .stored_length = entry.length,
                                           .decoded_length = elements * width,
                                           .view = catalog_.add_view(view),
                                           .coding = model::Coding::of(entry.codec),
                                           .swap = swapped ? swap_of(dtype) : std::uint8_t{0}},
                                          entry.digest);
  row.storage = catalog_.intern(dtype_name(dtype));
}

}  // namespace

bool sniff(const ByteStore& store, std::string_view) { return begins_with(store, kMagic); }

Catalog decode(const ByteStore& store, const Limits& limits) {
  const Region extent = find_index(store, kMagic, limits, kTrailer);
  Catalog catalog;
  catalog.format = "zt-0.1";
  if (extent.length == 0) return catalog;  // §2: like the original reader
  // A private copy: another process may write to the file between a check and a use.
  std::vector<std::byte> index(static_cast<std::size_t>(extent.length));
  store.read_at(extent.offset, index);

  Entries entries(catalog, extent.offset, limits);
  IndexCursor cursor(index, limits);
  catalog.expect(cursor.count(), index.size());
  Entry entry;
  while (cursor.next(entry)) entries.add(entry);
  entries.note_duplicates();
  catalog.shrink();
  return catalog;
}

}  // namespace zt::container::zt01
