#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/byte_store.h"
#include "ztensor/bytes.h"
#include "ztensor/dtype.h"
#include "ztensor/error.h"
#include "ztensor/options.h"
#include "ztensor/slice.h"
#include "ztensor/value.h"

namespace zt {

class Source;
class Tensor;
struct SourceState;
namespace model {
struct PartRow;
}
namespace source {
struct PartAccess;
struct TensorAccess;
}  // namespace source

// Where the stored bytes of a part lie.
struct Location {
  std::filesystem::path path;  // of their file; of a missing shard: where it is expected. Empty: not on disk
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // stored
};

// One stored array of a tensor. A value handle: copies share one immutable source. Any thread may call any member.
// Element bytes are row-major and little-endian.
class ZT_API Part {
 public:
  std::string_view role() const;      // "data", "values", "indptr", ...; lives as long as the source or a handle to it
  DType dtype() const;                // of an unknown logical type: its storage
  std::string_view storage() const;   // the file's own word for the stored type: "f32", "BF16"
  std::string_view logical() const;   // the file's own logical type, or ""
  std::string_view encoding() const;  // "raw", "zstd"
  std::string_view digest() const;    // as the file has it, "crc32c:0x1234ABCD", or ""
  std::uint64_t offset() const;       // of the stored bytes in their file
  std::uint32_t file() const;         // which file: 0 is the source's own, n its shard number n - 1
  std::string_view shard() const;     // its name, or "": the source's own file
  std::uint64_t stored_length() const;
  Location location() const;  // looks for a shard that was not needed yet
  // Decoded bytes, where the metadata says so: always, but for the zstd parts of 1.1 files that are not dense.
  std::optional<std::uint64_t> known_length() const;
  // Decoded bytes. From metadata, but for the zstd parts of generation 1.1 that do not say: those are decoded once
  // to count, on every call.
  std::uint64_t length() const;
  // Borrows the decoded bytes without copying. The result keeps its mapping alive after the Source is gone. Throws
  // unsupported when the bytes are encoded or the file is not mapped: it never copies quietly. If someone truncates
  // the file, touching the result is SIGBUS; read_into() throws io.
  // `verify`: instead of the source's: `always` checks the bytes once in the life of the source, before they are first
  // handed out.
  Bytes map(Mapping mapping = Mapping::shared, std::optional<Verify> verify = {}) const;
  // Whether map() has bytes to borrow: they are raw, together and little-endian, and the source was not opened with
  // Backend::read. The store may still have no mapping. Opens and reads nothing. Throws the part's fault.
  bool mappable() const;
  // Decodes into `out`; out.size() must equal length(). Checks a crc32c or xxh3 digest in the same pass, others as
  // the source's Verify says. Throws usage (wrong size), io, malformed, mismatch, limit.
  void read_into(std::span<std::byte> out, std::optional<Verify> verify = {}) const;
  std::vector<std::byte> read(std::optional<Verify> verify = {}) const;
  // Decodes and checks the digest, and keeps nothing.
  void check(Verify verify = Verify::always) const;

 private:
  friend class Source;
  friend class Tensor;
  friend class Writer;
  friend struct source::PartAccess;
  const model::PartRow& prepare(const SourceState& state) const;  // throws the part's fault
  void check_bytes(const model::PartRow& part, Verify verify) const;
  Part(std::shared_ptr<const SourceState> state, std::uint32_t tensor, std::uint32_t row)
      : state_(std::move(state)), tensor_(tensor), row_(row) {}
  std::shared_ptr<const SourceState> state_;
  std::uint32_t tensor_;
  std::uint32_t row_;
};

// A sparse matrix in compressed rows, as stored: columns need not be sorted, cells may repeat (spec/zt-1.2.md §8).
template <class T>
struct Csr {
  std::vector<std::uint64_t> shape;    // rows, columns
  std::vector<T> values;               // nnz
  std::vector<std::uint64_t> indices;  // nnz columns
  std::vector<std::uint64_t> indptr;   // rows + 1
};

// Coordinates of a sparse tensor of any rank, as stored.
template <class T>
struct Coo {
  std::vector<std::uint64_t> shape;
  std::vector<T> values;               // nnz
  std::vector<std::uint64_t> indices;  // rank x nnz: all of axis 0, then all of axis 1, ...
};

// The checked index parts of a sparse tensor, widened to 64 bits.
struct SparseIndices {
  std::vector<std::uint64_t> indices;
  std::vector<std::uint64_t> indptr;  // empty for COO
};

// A named tensor of a source. A value handle, like Part.
class ZT_API Tensor {
 public:
  std::string_view name() const;    // lives as long as the source or a handle to it
  std::size_t index() const;        // source[index()] is this tensor
  std::string_view layout() const;  // "dense", "sparse_csr", "sparse_coo", "quantized_group", any other text
  std::span<const std::uint64_t> shape() const;  // outermost first; empty for a 0-d tensor
  std::uint64_t elements() const;                // product of the shape
  // Of `data` (dense) or `values` (sparse). Throws unsupported for other layouts, and the cause when unreadable.
  DType dtype() const;
  // A map, or null; parsed on each call. Without what the library notes there for itself.
  Value attributes() const;
  std::span<const std::byte> attributes_cbor() const;  // the raw item, those notes included, or empty
  std::uint64_t nbytes() const;                        // decoded bytes of all parts; see Part::length
  std::size_t parts() const;
  Part part(std::size_t index) const;      // throws not_found
  Part part(std::string_view role) const;  // throws not_found
  std::optional<Part> find_part(std::string_view role) const;
  Part data() const { return part("data"); }

  // Why this tensor cannot be read, or nothing. Its metadata, and the bytes of parts whose extent is known, still are.
  std::optional<Error> unreadable() const;

  // An owned copy of a dense tensor. Throws usage when T does not stand for the dtype or the layout is not dense.
  template <class T>
  std::vector<T> read() const {
    check_layout("dense");
    check_type(dtype_of<T>::value);
    std::vector<T> out(elements());
    read_into(std::as_writable_bytes(std::span<T>(out)));
    return out;
  }
  // Into memory of the caller, a vector, an array or a span, whose size must be elements().
  template <Elements R>
  void read_into(R&& out, std::optional<Verify> verify = {}) const {
    check_type(dtype_of<std::ranges::range_value_t<R>>::value);
    read_into(std::as_writable_bytes(std::span(out)), verify);
  }
  void read_into(std::span<std::byte> out, std::optional<Verify> verify = {}) const;
  // Borrows the elements of a dense tensor, row-major, without copying. Throws usage when T does not stand for the dtype
  // or the layout is not dense, and what Part::map() throws.
  template <class T>
  View<T> map() const {
    check_layout("dense");
    check_type(dtype_of<T>::value);
    return View<T>(map());
  }
  // The same as bytes, of any dtype: data().map(). Hold dtype() against what Bytes::as<T>() is asked for.
  Bytes map() const;

  // The selected elements of a dense tensor, row-major; `out` holds exactly them. Reads or decompresses only what
  // is needed; checks digests only where frames carry checksums. Throws usage (not dense, wrong size, out of range,
  // float4).
  void read_slice(const Selection& selection, std::span<std::byte> out) const;
  // The same as elements: `t.read_slice<float>({zt::rows(2, 5), zt::at(0)})`. Throws usage also when T does not stand
  // for the dtype.
  template <Element T>
  std::vector<T> read_slice(const Selection& selection) const {
    check_type(dtype_of<T>::value);
    std::vector<T> out(selected_elements(selection));
    read_slice(selection, std::as_writable_bytes(std::span<T>(out)));
    return out;
  }
  // Rows [first, last) of axis 0.
  template <class T>
  std::vector<T> read_rows(std::uint64_t first, std::uint64_t last) const {
    check_type(dtype_of<T>::value);
    std::vector<T> out(row_elements(first, last));
    read_slice({{.start = first, .count = last - first}}, std::as_writable_bytes(std::span<T>(out)));
    return out;
  }

  // A sparse tensor with its pointers and bounds checked. Throws usage for another layout or dtype, malformed.
  template <class T>
  Csr<T> read_csr() const {
    Csr<T> out{
        .shape = {shape().begin(), shape().end()}, .values = read_values<T>("sparse_csr"), .indices = {}, .indptr = {}};
    SparseIndices checked = read_indices(out.values.size());
    out.indices = std::move(checked.indices);
    out.indptr = std::move(checked.indptr);
    return out;
  }
  template <class T>
  Coo<T> read_coo() const {
    Coo<T> out{.shape = {shape().begin(), shape().end()}, .values = read_values<T>("sparse_coo"), .indices = {}};
    out.indices = read_indices(out.values.size()).indices;
    return out;
  }
  // What read_csr and read_coo are made of: nnz is the number of values. Throws as they do.
  SparseIndices read_indices(std::uint64_t nnz, std::optional<Verify> verify = {}) const;

 private:
  friend class Source;
  friend class Writer;
  friend struct source::TensorAccess;
  Tensor(std::shared_ptr<const SourceState> state, std::uint32_t row) : state_(std::move(state)), row_(row) {}
  void throw_unreadable() const;
  [[noreturn]] void fail(Code code, const char* rule, std::string message) const;  // names file and tensor
  void check_type(DType wanted) const;
  void check_layout(std::string_view wanted) const;
  std::uint64_t row_elements(std::uint64_t first, std::uint64_t last) const;
  Selection resolved(const Selection& selection) const;               // throws as read_slice
  std::uint64_t selected_elements(const Selection& selection) const;  // the same
  template <class T>
  std::vector<T> read_values(std::string_view wanted) const {
    check_layout(wanted);
    check_type(dtype_of<T>::value);
    const Part values = part("values");
    const std::uint64_t length = values.length();
    if (length % sizeof(T) != 0) throw_ragged(length);
    std::vector<T> out(length / sizeof(T));
    values.read_into(std::as_writable_bytes(std::span<T>(out)));
    return out;
  }
  [[noreturn]] void throw_ragged(std::uint64_t length) const;

  std::shared_ptr<const SourceState> state_;
  std::uint32_t row_;
};

}  // namespace zt
