#include "foreign/numpy/scipy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "foreign/numpy/fronts.h"
#include "hash/crc32.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

constexpr std::string_view kMatrix = "matrix";
constexpr std::uint64_t kLeastJoined = std::uint64_t{16} << 20;  // bytes of indices that any archive may take
constexpr std::uint64_t kMostGrowth = 8;                         // and for each byte of a larger archive

[[noreturn]] void unfit(const std::string& message) { throw Error(Code::malformed, "npz.scipy.form", message); }
[[noreturn]] void unknown(const std::string& message) { throw Error(Code::unsupported, "npz.scipy.layout", message); }

class Matrix {
 public:
  Matrix(model::Catalog& catalog, const ByteStore& store, const Entries& entries, const Limits& limits)
      : catalog_(catalog), store_(store), entries_(entries), limits_(limits) {}

  // The layout that the archive names; empty: it is no archive of scipy.sparse.
  std::string format() const {
    const Entry* entry = find("format");
    if (entry == nullptr || find("shape") == nullptr || find("data") == nullptr) return "";
    const std::string& descr = entry->array.header.descr;
    const bool wide = descr.starts_with("<U");
    if (!entry->array.header.shape.empty() || (!wide && !descr.starts_with("|S"))) return "";
    const std::vector<std::byte> content = content_of(*entry, 32);
    std::string text;
    for (std::size_t i = 0; i < content.size(); i += wide ? 4 : 1) {
      if (content[i] != std::byte{0}) text += static_cast<char>(content[i]);
    }
    constexpr std::string_view kFormats[] = {"csr", "csc", "coo", "bsr", "dia"};
    return std::ranges::find(kFormats, text) == std::end(kFormats) ? "" : text;
  }

  void add(const std::string& format) {
    const std::vector<std::uint64_t> shape = read_shape();
    if (format == "csr") {
      add_csr(shape);
    } else if (format == "coo") {
      add_coo(shape);
    } else {
      list("scipy." + format, shape,
           {Code::unsupported, "npz.scipy.layout",
            "the matrix has SciPy's layout " + format + ": read its parts, or convert it to csr with SciPy"});
    }
  }

  void list(const std::string& layout, std::span<const std::uint64_t> shape, const model::Fault& fault) {
    catalog_.add_tensor(kMatrix, shape, layout, {});
    catalog_.fault_tensor(fault);
  }

 private:
  const Entry* find(std::string_view name) const {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second;
  }

  // The array as the catalog has it, which must have `rank` dimensions.
  const model::PartRow& array(std::string_view name, std::size_t rank) const {
    const Entry* entry = find(name);
    if (entry == nullptr) unfit("the archive has no array " + in_quotes(name));
    if (!entry->array.header.elements) unknown("the array " + in_quotes(name) + " cannot be read");
    if (entry->array.header.shape.size() != rank) {
      unfit("the array " + in_quotes(name) + " does not have " + count_text(rank, "dimension"));
    }
    return catalog_.parts(catalog_.tensor(*catalog_.find(name)))[0];
  }
  const model::PartRow& indices(std::string_view name, std::size_t rank) const {
    const model::PartRow& part = array(name, rank);
    constexpr DType kTypes[] = {DType::i64, DType::i32, DType::u64, DType::u32};
    if (std::ranges::find(kTypes, part.dtype) == std::end(kTypes)) {
      unfit("the array " + in_quotes(name) + " has no integers of 32 or 64 bits");
    }
    return part;
  }
  std::uint64_t count(std::string_view name) const { return find(name)->array.header.count; }

  // The bytes behind the header, of which there may be at most `most`.
  std::vector<std::byte> content_of(const Entry& entry, std::uint64_t most) const {
    const std::uint64_t begin = entry.array.header.data;
    const std::uint64_t length = entry.member->length - begin;
    if (length > most) return {};
    std::vector<std::byte> bytes = first_bytes(store_, *entry.member, entry.member->length);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(begin));
    return bytes;
  }

  std::vector<std::uint64_t> read_shape() const {
    const model::PartRow& part = indices("shape", 1);
    const std::size_t width = part.dtype == DType::i64 || part.dtype == DType::u64 ? 8 : 4;
    const std::vector<std::byte> bytes = content_of(*find("shape"), width * std::min<std::uint64_t>(limits_.rank, 64));
    std::vector<std::uint64_t> shape;
    for (std::size_t at = 0; at < bytes.size(); at += width) {
      std::array<std::byte, 8> word = {};
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), width, word.begin());
      if (part.recipe.swap != 0) std::reverse(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(width));
      const auto dimension = endian::load_le<std::uint64_t>(word.data());
      const bool is_signed = part.dtype == DType::i64 || part.dtype == DType::i32;
      if (is_signed && (dimension >> (8 * width - 1)) != 0) unfit("a dimension is negative");
      shape.push_back(dimension);
    }
    if (shape.empty() || !checked::elements(shape)) unfit("the shape has no dimensions, or too many elements");
    return shape;
  }

  void add_csr(std::span<const std::uint64_t> shape) {
    if (shape.size() == 1) unknown("the array has one dimension: convert it to coo with SciPy");
    if (shape.size() != 2) unfit("the shape of a csr matrix does not have 2 dimensions");
    const model::PartRow values = array("data", 1), columns = indices("indices", 1), starts = indices("indptr", 1);
    if (count("data") != count("indices")) unfit("data and indices have different lengths");
    if (count("indptr") == 0 || count("indptr") - 1 != shape[0])
      unfit("indptr does not have one number more than the matrix has rows");
    add_row("sparse_csr", shape);
    add_part("values", values);
    add_part("indices", columns);
    add_part("indptr", starts);
  }

  void add_coo(std::span<const std::uint64_t> shape) {
    const model::PartRow values = array("data", 1);
    if (find("coords") != nullptr) {
      const model::PartRow coords = indices("coords", 2);
      if (find("coords")->array.header.shape[0] != shape.size() ||
          find("coords")->array.header.shape[1] != count("data")) {
        unfit("coords do not have one number for each dimension of each value");
      }
      add_row("sparse_coo", shape);
      add_part("values", values);
      return add_part("coords", coords);
    }
    const model::PartRow rows = indices("row", 1), columns = indices("col", 1);
    if (shape.size() != 2 || count("row") != count("data") || count("col") != count("data")) {
      unfit("row, col and data have different lengths, or the shape does not have 2 dimensions");
    }
    if (rows.dtype != columns.dtype || rows.recipe.swap != columns.recipe.swap) {
      unknown("row and col have different types: read row, col and data");
    }
    const model::Recipe joined = join(rows.recipe, columns.recipe, rows.dtype);
    add_row("sparse_coo", shape);
    add_part("values", values);
    catalog_.add_part("coords", rows.dtype, joined, "");
  }

  // Both arrays, one behind the other, as the library has the coordinates.
  model::Recipe join(const model::Recipe& rows, const model::Recipe& columns, DType dtype) {
    const std::uint64_t bytes = 2 * rows.decoded_length;  // of arrays that lie in one file, and 1032 times this
    if (bytes == 0) return {};
    if (rows.coding.is_raw() && columns.coding.is_raw()) return join_stored(rows, columns, dtype);
    const std::uint64_t most = std::min(
        limits_.index_bytes, std::max(kLeastJoined, checked::multiply(store_.size(), kMostGrowth).value_or(0)));
    if (bytes > most) {
      throw Error(Code::limit, "npz.scipy.limit",
                  "row and col have " + std::to_string(bytes) + " bytes, over the limit of " + std::to_string(most) +
                      " for compressed arrays that are joined in memory: read row, col and data");
    }
    std::vector<std::byte> all;
    append_decoded("row", all);
    append_decoded("col", all);
    return {.offset = catalog_.own(all),
            .stored_length = all.size(),
            .decoded_length = all.size(),
            .file = model::kOwnedFile,
            .swap = rows.swap};
  }

  // Rows of a table whose rows lie far apart.
  model::Recipe join_stored(const model::Recipe& rows, const model::Recipe& columns, DType dtype) {
    const std::uint64_t begin = std::min(rows.offset, columns.offset);
    const std::uint64_t end = std::max(rows.offset, columns.offset) + rows.decoded_length;
    const std::uint32_t width = dtype_bits(dtype) / 8;
    const std::uint64_t shape[] = {2, rows.decoded_length / width};
    const std::int64_t strides[] = {static_cast<std::int64_t>(columns.offset - rows.offset), width};
    model::Recipe recipe{
        .offset = begin, .stored_length = end - begin, .decoded_length = 2 * rows.decoded_length, .swap = rows.swap};
    recipe.view = catalog_.add_view({.blob_length = end - begin,
                                     .start = rows.offset - begin,
                                     .shape = shape,
                                     .strides = strides,
                                     .element_bytes = width});
    return recipe;
  }

  void append_decoded(std::string_view name, std::vector<std::byte>& out) const {
    const Entry& entry = *find(name);
    const std::vector<std::byte> bytes = first_bytes(store_, *entry.member, entry.member->length);
    if (hash::crc32(bytes) != entry.member->crc) {
      throw Error(Code::mismatch, "zip.member.crc",
                  "the array " + in_quotes(name) + " does not have the checksum that the archive states");
    }
    out.insert(out.end(), bytes.begin() + static_cast<std::ptrdiff_t>(entry.array.header.data), bytes.end());
  }

  void add_row(std::string_view layout, std::span<const std::uint64_t> shape) {
    const Entry* entry = find("_is_array");
    wire::CborWriter attributes;
    if (entry != nullptr && shape.size() == 2) {
      const std::vector<std::byte> value = content_of(*entry, 1);
      if (value.size() == 1 && value[0] != std::byte{0}) {
        attributes.map(1);
        attributes.text("ztensor.scipy");
        attributes.text("array");
      }
    }
    catalog_.add_tensor(kMatrix, shape, layout, attributes.buffer());
  }
  void add_part(std::string_view role, const model::PartRow& part) {
    const std::string digest(catalog_.text(part.digest));
    catalog_.add_part(role, part.dtype, part.recipe, digest).storage = part.storage;
  }

  model::Catalog& catalog_;
  const ByteStore& store_;
  const Entries& entries_;
  const Limits& limits_;
};

}  // namespace

void add_matrix(model::Catalog& catalog, const ByteStore& store, const Entries& entries, const Limits& limits) {
  Matrix matrix(catalog, store, entries, limits);
  std::string format;
  try {
    format = matrix.format();
    if (format.empty()) return;
    if (catalog.find(kMatrix)) {
      catalog.notes.emplace_back("the archive has an array 'matrix', so its sparse matrix is not listed");
      return;
    }
    matrix.add(format);
  } catch (const Error& error) {
    if (error.code() == Code::io || error.code() == Code::no_memory) throw;
    if (!format.empty() && !catalog.find(kMatrix)) matrix.list("scipy." + format, {}, model::fault_of(error));
  }
}

}  // namespace zt::foreign::numpy
