#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ztensor/byte_store.h"
#include "ztensor/bytes.h"
#include "ztensor/dtype.h"
#include "ztensor/error.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/slice.h"
#include "ztensor/value.h"

namespace zt {

struct Access;       // for the library itself: what the handles hold
struct SourceState;  // what the handles of one source share

// The number of no file: opening made these bytes from others, which the file has in a form that cannot be read at an
// offset.
inline constexpr std::uint32_t kNoFile = 0xFFFF;

// Where the stored bytes of a part lie.
struct Location {
  std::filesystem::path path;  // of their file; of a missing shard: where it is expected. Empty: in no file on disk
  std::uint64_t offset = 0;    // bytes from the start of that file
  std::uint64_t length = 0;    // stored bytes
};

// One stored array of a tensor. A value handle: copies share one immutable source and keep it open. Any thread may call
// any member. Element bytes are row-major and little-endian. Texts live as long as the source or a handle to it.
class ZT_API Part {
 public:
  [[nodiscard]] std::string_view role() const;      // "data", "values", "indptr", ...
  [[nodiscard]] DType dtype() const;                // where the logical type is unknown: the dtype of the storage
  [[nodiscard]] std::string_view storage() const;   // the file's own word for the stored type: "f32", "BF16"
  [[nodiscard]] std::string_view logical() const;   // the file's own word for the logical type, or ""
  [[nodiscard]] std::string_view encoding() const;  // "raw", "zstd", "planes", "deflate"
  [[nodiscard]] std::string_view digest() const;    // as the file has it, "crc32c:0x1234ABCD", or ""
  // Of the stored bytes in their file. In kNoFile, it only tells parts apart.
  [[nodiscard]] std::uint64_t offset() const;
  // The number of the file that has the stored bytes: 0 is the source's own file, n is its shard n - 1 (Source::shard,
  // Source::map_file). kNoFile: no file has them.
  [[nodiscard]] std::uint32_t file_number() const;
  [[nodiscard]] std::string_view shard() const;  // the name of that shard; "": the source's own file, or kNoFile
  [[nodiscard]] std::uint64_t stored_length() const;
  // Where the stored bytes lie. Looks on disk for a shard that was not used yet.
  [[nodiscard]] Location location() const;
  // Decoded bytes, if the index states them; reads nothing. Some zstd parts do not state them: in generations 0.1 to
  // 1.2, where the layout is not dense.
  [[nodiscard]] std::optional<std::uint64_t> length() const;
  // Decoded bytes of any part. Where the index does not state them, each call decodes the whole part to count them.
  // `progress` can stop that; it is given 1 as the total, which is not known. Throws the part's fault, io, malformed,
  // limit, cancelled.
  [[nodiscard]] std::uint64_t measure(const Progress& progress = {}) const;
  // Borrows the decoded bytes without copying. The result keeps its mapping alive after the Source is gone. Throws
  // unsupported where the bytes are encoded or the file is not mapped: it never copies quietly. If someone truncates
  // the file, touching the result is SIGBUS; read_into() throws io.
  // `verify` replaces the source's. Only `always` checks the bytes, once in the life of the source, before it first
  // hands them out; it then throws mismatch, too.
  [[nodiscard]] Bytes map(Mapping mapping = Mapping::shared, std::optional<Verify> verify = {}) const;
  // Whether map() can borrow the bytes: they are raw, together and little-endian, and the source was not opened with
  // Backend::read. A store that cannot be mapped is not noticed. Reads nothing. Throws the part's fault.
  [[nodiscard]] bool mappable() const;
  // Decodes into `out`, whose size must be measure(). Checks digests in the same pass, those that `verify` or else the
  // source's Verify selects. Throws usage (wrong size), io, malformed, mismatch, limit.
  void read_into(std::span<std::byte> out, std::optional<Verify> verify = {}) const;
  // The same into memory of its own.
  [[nodiscard]] std::vector<std::byte> read(std::optional<Verify> verify = {}) const;
  // Says that the bytes are not needed for now: pages that map() gave can leave memory. They stay readable, and come
  // back from the file when they are touched. Does nothing where the file is not mapped.
  void release() const;
  // Decodes the part, checks its digest, and keeps nothing. Throws as read_into().
  void check(Verify verify = Verify::always) const;

 private:
  friend struct Access;
  Part(std::shared_ptr<const SourceState> state, std::uint32_t tensor, std::uint32_t row)
      : state_(std::move(state)), tensor_(tensor), row_(row) {}
  std::shared_ptr<const SourceState> state_;
  std::uint32_t tensor_;
  std::uint32_t row_;
};

// A sparse matrix in compressed rows, as stored: columns may be unsorted, and cells may repeat (spec/zt-1.2.md §8).
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

// A named tensor of a source. A value handle, as Part is.
class ZT_API Tensor {
 public:
  [[nodiscard]] std::string_view name() const;  // lives as long as the source or a handle to it
  [[nodiscard]] std::size_t index() const;      // source[index()] is this tensor
  // "dense", "sparse_csr", "sparse_coo", "quantized_group", or any other text: the file chooses it.
  [[nodiscard]] std::string_view layout() const;
  [[nodiscard]] std::span<const std::uint64_t> shape() const;  // outermost first; empty for a 0-d tensor
  [[nodiscard]] std::uint64_t elements() const;                // the product of the shape
  // The dtype of part "data" (dense) or "values" (sparse). Throws unsupported for other layouts, and the cause of an
  // unreadable tensor.
  [[nodiscard]] DType dtype() const;
  // The name of the dtype; of blocks of ggml (layout "gguf.q4_k/1") the type's word ("q4_k"). Throws as dtype().
  [[nodiscard]] std::string_view type_name() const;
  // The user's attributes: a map, or null; parsed on each call. Leaves out the notes that the library keeps there.
  [[nodiscard]] Value attributes() const;
  [[nodiscard]] std::span<const std::byte> attributes_cbor() const;  // all of them, one CBOR item; empty: null
  // Decoded bytes of all parts, if the index states them; reads nothing: see Part::length(). Throws malformed where the
  // sum has more than 64 bits.
  [[nodiscard]] std::optional<std::uint64_t> nbytes() const;
  // Decoded bytes of all parts of any tensor. May decode whole parts to count them: see Part::measure(), which says
  // what it throws.
  [[nodiscard]] std::uint64_t measure(const Progress& progress = {}) const;
  [[nodiscard]] std::size_t parts() const;               // how many there are
  [[nodiscard]] Part part(std::size_t index) const;      // throws not_found
  [[nodiscard]] Part part(std::string_view role) const;  // throws not_found
  [[nodiscard]] std::optional<Part> find_part(std::string_view role) const;
  [[nodiscard]] Part data() const { return part("data"); }

  // Why this tensor cannot be read; nothing for a tensor that can be. The metadata of an unreadable tensor can still be
  // asked for, and so can the bytes of its parts whose extent is known.
  [[nodiscard]] std::optional<Error> unreadable() const;

  // An owned copy of a dense tensor. Throws usage when T does not stand for the dtype or the layout is not dense.
  template <class T>
  [[nodiscard]] std::vector<T> read() const {
    check_layout("dense");
    check_type(dtype_of<T>::value);
    std::vector<T> out(elements());
    read_into(std::as_writable_bytes(std::span<T>(out)));
    to_host_order(std::span<T>(out));
    return out;
  }
  // The same into memory of the caller, a vector, an array or a span, whose size must be elements().
  template <Elements R>
  void read_into(R&& out, std::optional<Verify> verify = {}) const {
    check_type(dtype_of<std::ranges::range_value_t<R>>::value);
    read_into(std::as_writable_bytes(std::span(out)), verify);
    to_host_order(std::span<std::ranges::range_value_t<R>>(out));
  }
  // The same as bytes, for any dtype.
  void read_into(std::span<std::byte> out, std::optional<Verify> verify = {}) const;
  // Borrows the elements of a dense tensor, row-major, without copying. Throws usage when T does not stand for the
  // dtype or the layout is not dense, and what Part::map() throws.
  template <class T>
  [[nodiscard]] View<T> map() const {
    check_layout("dense");
    check_type(dtype_of<T>::value);
    return View<T>(map());
  }
  // The same as bytes, for any dtype: data().map(). Bytes::as<T>() checks no dtype: compare dtype() first.
  [[nodiscard]] Bytes map() const;

  // Copies the selected elements of a dense tensor, row-major, into `out`, which holds exactly these. Reads or
  // decompresses only what the selection needs.
  //
  // A digest covers a whole part, so the bytes of a slice alone cannot be held against it. So Verify::standard and
  // `never` check only the checksums that zstd frames carry. Verify::always (`verify`, or else the source's) first
  // checks the whole part, as map() does: once in the life of the source. `progress` counts bytes of the result, and
  // before them those that Verify::always checks. Throws usage (not dense, wrong size, a position outside its axis,
  // float4), io, malformed, mismatch, cancelled.
  void read_slice(const Selection& selection, std::span<std::byte> out, std::optional<Verify> verify = {},
                  const Progress& progress = {}) const;
  // The same as elements: `t.read_slice<float>({zt::rows(2, 5), zt::at(0)})`. Throws usage also when T does not stand
  // for the dtype.
  template <Element T>
  [[nodiscard]] std::vector<T> read_slice(const Selection& selection, std::optional<Verify> verify = {},
                                          const Progress& progress = {}) const {
    check_type(dtype_of<T>::value);
    std::vector<T> out(selected_elements(selection));
    read_slice(selection, std::as_writable_bytes(std::span<T>(out)), verify, progress);
    to_host_order(std::span<T>(out));
    return out;
  }
  // Rows first to last - 1 of axis 0. Throws usage also when first > last.
  template <class T>
  [[nodiscard]] std::vector<T> read_rows(std::uint64_t first, std::uint64_t last,
                                         std::optional<Verify> verify = {}) const {
    check_type(dtype_of<T>::value);
    std::vector<T> out(row_elements(first, last));
    read_slice({rows(first, last)}, std::as_writable_bytes(std::span<T>(out)), verify);
    to_host_order(std::span<T>(out));
    return out;
  }

  // A sparse tensor with its pointers and bounds checked. Throws usage for another layout or dtype, malformed.
  template <class T>
  [[nodiscard]] Csr<T> read_csr() const {
    Csr<T> out{
        .shape = {shape().begin(), shape().end()}, .values = read_values<T>("sparse_csr"), .indices = {}, .indptr = {}};
    SparseIndices checked = read_indices(out.values.size());
    out.indices = std::move(checked.indices);
    out.indptr = std::move(checked.indptr);
    return out;
  }
  template <class T>
  [[nodiscard]] Coo<T> read_coo() const {
    Coo<T> out{.shape = {shape().begin(), shape().end()}, .values = read_values<T>("sparse_coo"), .indices = {}};
    out.indices = read_indices(out.values.size()).indices;
    return out;
  }
  // The checked indices alone, for a tensor with `nnz` values. Throws as read_csr() and read_coo(), which use it.
  [[nodiscard]] SparseIndices read_indices(std::uint64_t nnz, std::optional<Verify> verify = {}) const;

 private:
  friend struct Access;
  Tensor(std::shared_ptr<const SourceState> state, std::uint32_t row) : state_(std::move(state)), row_(row) {}
  void throw_unreadable() const;
  [[noreturn]] void fail(Code code, const char* rule, std::string message) const;  // names file and tensor
  void check_type(DType wanted) const;
  void check_layout(std::string_view wanted) const;
  std::uint64_t row_elements(std::uint64_t first, std::uint64_t last) const;
  std::uint64_t selected_elements(const Selection& selection) const;  // throws usage as read_slice()
  // Elements in files are little-endian.
  template <class T>
  static void to_host_order(std::span<T> elements) {
    if constexpr (std::endian::native == std::endian::big)
      swap_bytes(dtype_of<T>::value, std::as_writable_bytes(elements));
  }
  static void swap_bytes(DType dtype, std::span<std::byte> elements);
  template <class T>
  std::vector<T> read_values(std::string_view wanted) const {
    check_layout(wanted);
    check_type(dtype_of<T>::value);
    const Part values = part("values");
    const std::uint64_t length = values.measure();
    if (length % sizeof(T) != 0) throw_ragged(length);
    std::vector<T> out(length / sizeof(T));
    values.read_into(std::as_writable_bytes(std::span<T>(out)));
    to_host_order(std::span<T>(out));
    return out;
  }
  [[noreturn]] void throw_ragged(std::uint64_t length) const;

  std::shared_ptr<const SourceState> state_;
  std::uint32_t row_;
};

}  // namespace zt
