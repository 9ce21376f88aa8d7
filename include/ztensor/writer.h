#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/byte_store.h"
#include "ztensor/dtype.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/tensor.h"

namespace zt {

using Shape = std::vector<std::uint64_t>;

// Elements in memory, of any strides and byte order; borrowed for the call.
struct ArrayView {
  DType dtype;
  Shape shape;                             // outermost first
  const std::byte* data;                   // the element at index 0, 0, ...
  std::vector<std::int64_t> strides = {};  // bytes between neighbours, one an axis; empty: row-major without gaps
  bool byte_swapped = false;               // elements are big-endian
};

// One part of an object: its role and its elements.
struct PartView {
  std::string_view role;
  ArrayView array;
};

// Writes a new file, or grows one (WriteMode::append). Nothing of a new file is visible at the target before
// finalize(). A file that grows is written to at once, but readers see the version it had until finalize(). A Writer
// that is dropped, or whose add threw on I/O, leaves the target as it was. One owner at a time. In a
// child of the process that made it calls throw usage, and dropping it changes nothing.
class ZT_API Writer {
 public:
  // Throws usage (bad options), io (no such folder; EEXIST under create_new; EWOULDBLOCK where another writer grows the
  // file), unsupported for a file to append to that is of 1.0, 0.1 or a foreign format.
  static Writer create(const std::filesystem::path& path, const WriterOptions& options = {});
  // Into a sink instead of a file: bytes leave as they are made, finalize() writes the last.
  static Writer to(std::unique_ptr<ByteSink> sink, const WriterOptions& options = {});
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  // Elements in row-major order, in a vector, an array or a span; their number must be the product of `shape`. Throws
  // usage (name taken, empty, with NUL, over 1024 bytes or not UTF-8; sizes that do not agree; a bad level), io.
  template <Elements R>
  void add(std::string_view name, const Shape& shape, const R& elements, const AddOptions& options = {}) {
    ArrayView array = array_of(elements);
    check_count(shape, std::ranges::size(elements));
    array.shape = shape;
    add(name, array, options);
  }
  // Any strides and byte order. The bytes are taken before the call returns.
  void add(std::string_view name, const ArrayView& array, const AddOptions& options = {});

  // A sparse matrix; indptr has rows + 1 entries. Throws usage when pointers fall or a column is out of range.
  template <Elements Values, Elements Indices, Elements Indptr>
  void add_csr(std::string_view name, const Shape& shape, const Values& values, const Indices& indices,
               const Indptr& indptr, const AddOptions& options = {}) {
    add_csr(name, shape, array_of(values), array_of(indices), array_of(indptr), options);
  }
  // Parts of one dimension; indices of any integer dtype, stored as u64.
  void add_csr(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
               const ArrayView& indptr, const AddOptions& options = {});

  // Coordinates: rank x nnz, all of axis 0 first.
  template <Elements Values, Elements Indices>
  void add_coo(std::string_view name, const Shape& shape, const Values& values, const Indices& indices,
               const AddOptions& options = {}) {
    add_coo(name, shape, array_of(values), array_of(indices), options);
  }
  // `indices` has shape {rank, nnz}, or {rank * nnz}.
  void add_coo(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
               const AddOptions& options = {});

  // A tensor of any layout, its parts in the order given. For a layout of this format ("dense", "sparse_csr",
  // "sparse_coo") the parts must agree with it: use the calls above.
  void add_object(std::string_view name, const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                  const AddOptions& options = {});
  // A second name of a tensor that was added, or that a growing file has; its bytes are stored once. Throws usage,
  // not_found.
  void add_alias(std::string_view name, std::string_view existing);
  // A tensor of another generation 2 file on disk whose bytes stay there: this file names it as a shard. Throws usage
  // for a canonical file or another format, unsupported for a tensor that has no such bytes.
  void add_reference(std::string_view name, const Tensor& tensor);

  // Of a file that grows. What is removed or replaced stays on disk until the file is compacted (grow.h): whoever has
  // mapped it is not disturbed. Throws usage, not_found.
  void remove(std::string_view name);
  void set_tensor_attributes(std::string_view name, const Value& attributes);

  // A tensor of another source, with its layout and attributes. Parts that this format holds as they are stored move
  // unchanged, with encoding and digest; others are decoded and stored as the writer's options say. `encoding`: recode
  // every part so. Digests of what is read are checked. `replace`: as AddOptions has it. Throws the tensor's cause when
  // it is unreadable, unsupported for what the format cannot hold (unless WriterOptions::lossy).
  void add_stored(std::string_view name, const Tensor& tensor, std::optional<Encoding> encoding = {},
                  bool replace = false);
  // Says which tensors add_stored() will be given, all of them and under their own names, before the first tensor. Gives
  // the order in which they are best added, as places in `tensors`. A file whose index comes first (safetensors) is then
  // written once, front to back, instead of through a temporary file, and takes them in that order only, and no others.
  // Elsewhere the order is free: a canonical file is then written once, too. Throws usage, limit, io.
  std::vector<std::size_t> plan(std::span<const Tensor> tensors);
  // What add_stored() had to leave out, a line for each.
  const std::vector<std::string>& losses() const;
  // After finalize(): what a user should know of the files that were put in place, such as an owner that a replaced file
  // had and that the new one could not be given. "path: note", one each.
  const std::vector<std::string>& notes() const;

  // Replaces the attributes of the file: a map with text keys, or null.
  void set_attributes(const Value& attributes);
  Value attributes() const;         // as they will be, or after finalize() are
  std::string_view format() const;  // "zt-1.2"
  // Whether a file that was there grows, instead of being made.
  bool grows() const;
  // Whether a tensor has this name: one that was added, or one of a file that grows which is not removed. Reads nothing.
  bool has(std::string_view name) const;
  // Called during long adds with the bytes taken since this call, over all adds, and with `total` as it is given here.
  // An add that it stops throws cancelled, and the writer can then only be dropped.
  void set_progress(Progress progress, std::uint64_t total = 0);
  std::uint64_t bytes_written() const;  // so far; after finalize(), the size of the file, its shards included
  // After finalize() of a file that grew: the bytes that compact() (grow.h) would give back. 0 where it would refuse.
  std::uint64_t reclaimable() const;

  // Writes the index and publishes the file. No call but bytes_written(), reclaimable() and attributes() may
  // follow. Throws usage (an earlier write failed), limit (an index over Limits::index_bytes: nothing is published), io
  // (the target is as it was).
  void finalize();
  // Gives up: the target stays as it was. Idempotent.
  void abort() noexcept;

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  static void check_count(const Shape& shape, std::uint64_t elements);
  template <Elements R>
  static ArrayView array_of(const R& elements) {
    return {.dtype = dtype_of<std::ranges::range_value_t<R>>::value,
            .shape = {std::ranges::size(elements)},
            .data = reinterpret_cast<const std::byte*>(std::ranges::data(elements))};
  }
  std::unique_ptr<State> state_;
};

}  // namespace zt
