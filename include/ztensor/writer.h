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
  std::vector<std::int64_t> strides = {};  // bytes between neighbours, one for each axis; empty: row-major, no gaps
  bool byte_swapped = false;               // elements are big-endian
};

// One part of an object: its role and its elements.
struct PartView {
  std::string_view role;
  ArrayView array;
};

// The first dimension of a tensor that is streamed, if it is known only at the end.
inline constexpr std::uint64_t kUnknownRows = ~std::uint64_t{0};

// A tensor that is written chunk by chunk along its first axis, so that it need not fit into memory; Writer::stream()
// begins it. Memory does not grow with the tensor. While it is open, its Writer refuses other calls. Dropping it, or
// cancel(), gives up this tensor alone, unless a write failed on I/O. One owner. In a child of the process that made
// it, calls throw usage.
class ZT_API TensorStream {
 public:
  TensorStream(TensorStream&&) noexcept;
  TensorStream& operator=(TensorStream&&) noexcept;
  ~TensorStream();

  // Appends a chunk of any strides and byte order: its first dimension is its number of rows, and the others are those
  // of the tensor. How rows are cut into chunks never changes the file. Throws usage for another dtype or shape, or for
  // too many rows, which changes nothing; io.
  void write(const ArrayView& chunk);
  // The same for elements in row-major order, of whole rows.
  template <Elements R>
  void write(const R& elements) {
    write_elements(dtype_of<std::ranges::range_value_t<R>>::value, std::as_bytes(std::span(elements)));
  }
  [[nodiscard]] std::uint64_t rows() const;  // that were written
  // Adds the tensor to the file. Throws usage, changing nothing, while rows are missing; io.
  void finish();
  // Gives up the tensor. Does nothing after finish(). What went to a sink already, or to a file that grows, stays there
  // as bytes that no tensor uses.
  void cancel() noexcept;

 private:
  friend class Writer;
  struct State;
  explicit TensorStream(std::unique_ptr<State> state);
  void write_elements(DType dtype, std::span<const std::byte> bytes);
  State& state() const;  // throws usage if it was moved from
  std::unique_ptr<State> state_;
};

// Writes a new file, or grows one (WriteMode::append). A new file appears at the target only when finalize() publishes
// it. A file that grows is written to at once, but readers see its former version until finalize(). The target stays as
// it was when a Writer is dropped before finalize(), or when one of its adds threw on I/O. One owner at a time. In a
// child of the process that made the Writer, calls throw usage, and dropping it changes nothing.
class ZT_API Writer {
 public:
  // Writes a new file, which replaces the present one when it is complete. Throws usage (bad options), io (no such
  // folder).
  [[nodiscard]] static Writer create(const std::filesystem::path& path, const WriterOptions& options = {});
  // The same in the given mode. Throws also io (EEXIST under create_new; EWOULDBLOCK where another writer grows the
  // file) and, under append, unsupported for a file of format 1.0, 0.1 or a foreign format.
  [[nodiscard]] static Writer create(const std::filesystem::path& path, WriteMode mode,
                                     const WriterOptions& options = {});
  // Writes into a sink instead of a file: bytes leave as they are made, and finalize() writes the last of them.
  [[nodiscard]] static Writer to(std::unique_ptr<ByteSink> sink, const WriterOptions& options = {});
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  // Adds elements in row-major order: a vector, an array or a span, with as many elements as `shape` says. Throws usage
  // (a name that is taken, empty, over 1024 bytes, not UTF-8 or has a NUL; sizes that do not agree; a bad level), io.
  template <Elements R>
  void add(std::string_view name, const Shape& shape, const R& elements, const AddOptions& options = {}) {
    ArrayView array = array_of(elements);
    check_count(shape, std::ranges::size(elements));
    array.shape = shape;
    add(name, array, options);
  }
  // Adds elements of any strides and byte order. Takes the bytes before it returns.
  void add(std::string_view name, const ArrayView& array, const AddOptions& options = {});

  // Adds a sparse matrix; indptr has rows + 1 entries. Throws usage when pointers fall or a column is out of range.
  template <Elements Values, Elements Indices, Elements Indptr>
  void add_csr(std::string_view name, const Shape& shape, const Values& values, const Indices& indices,
               const Indptr& indptr, const AddOptions& options = {}) {
    add_csr(name, shape, array_of(values), array_of(indices), array_of(indptr), options);
  }
  // The same with parts of one dimension. Indices may have any integer dtype; they are stored as u64.
  void add_csr(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
               const ArrayView& indptr, const AddOptions& options = {});

  // Adds a sparse tensor by coordinates: `indices` is rank x nnz, all of axis 0 first.
  template <Elements Values, Elements Indices>
  void add_coo(std::string_view name, const Shape& shape, const Values& values, const Indices& indices,
               const AddOptions& options = {}) {
    add_coo(name, shape, array_of(values), array_of(indices), options);
  }
  // The same; `indices` has shape {rank, nnz} or {rank * nnz}.
  void add_coo(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
               const AddOptions& options = {});

  // Adds a tensor of any layout, its parts in the order given. The parts of a layout that the format knows ("dense",
  // "sparse_csr", "sparse_coo") must agree with the shape; the calls above are simpler for these.
  void add_object(std::string_view name, const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                  const AddOptions& options = {});
  // Begins a dense tensor whose rows come in chunks. The first dimension may be kUnknownRows. A format or a form that
  // needs the length first (npz, shards) gets the bytes through a temporary file. With compression, the codec is judged
  // by the first 16 MiB. Throws what add() throws, and usage for a shape without dimensions.
  [[nodiscard]] TensorStream stream(std::string_view name, const Shape& shape, DType dtype,
                                    const AddOptions& options = {});
  // Gives a tensor a second name; its bytes are stored once. `existing` was added by this writer, or is in the file
  // that grows. Throws usage, not_found.
  void add_alias(std::string_view name, std::string_view existing);
  // Adds a tensor of another format 2 file on disk without its bytes: this file names that one as a shard. Throws usage
  // where this file is canonical or of another format, unsupported for a tensor of another format.
  void add_reference(std::string_view name, const Tensor& tensor);

  // For a file that grows: takes a tensor out. Bytes of a removed or replaced tensor stay on disk until the file is
  // compacted (grow.h), so whoever has mapped them is not disturbed. Throws usage, not_found.
  void remove(std::string_view name);
  // For a file that grows: replaces the attributes of a tensor that it has. Throws usage, not_found, unsupported.
  void set_tensor_attributes(std::string_view name, const Value& attributes);

  // Adds a tensor of another source, with its layout and attributes. Parts that this format can hold as they are stored
  // move unchanged, with encoding and digest; other parts are decoded and stored as the writer's options say.
  // `encoding` stores every part anew, in this encoding. `replace` is that of AddOptions. Checks the digests of what it
  // reads. Throws the cause of an unreadable tensor, and unsupported for what the format cannot hold (unless
  // WriterOptions::lossy).
  void add_stored(std::string_view name, const Tensor& tensor, std::optional<Encoding> encoding = {},
                  bool replace = false);
  // Announces, before the first tensor is added, all tensors that add_stored() will be given, under their own names.
  // Returns the order in which to add them, as indices of `tensors`. A file whose index comes first (safetensors) is
  // then written once, front to back, instead of through a temporary file; it takes these tensors in this order only.
  // A canonical file is then written once, too, in any order. Other files gain nothing. Throws usage, limit, io,
  // and what add_stored() throws for a tensor that cannot be read or held. After limit and io only abort() is left.
  [[nodiscard]] std::vector<std::size_t> plan(std::span<const Tensor> tensors);
  // What add_stored() had to leave out, a line for each.
  [[nodiscard]] const std::vector<std::string>& losses() const;
  // After finalize(): what a user should know of the published files, as "path: note"; for example that a new file
  // could not get the owner of the file it replaced.
  [[nodiscard]] const std::vector<std::string>& notes() const;

  // Replaces the attributes of the file: a map with text keys, or null.
  void set_attributes(const Value& attributes);
  // The attributes that the file will have and, after finalize(), has.
  [[nodiscard]] Value attributes() const;
  [[nodiscard]] std::string_view format() const;  // "zt-1.2", as Source::format()
  // Whether a file that was there grows, instead of being made.
  [[nodiscard]] bool grows() const;
  // Whether a tensor has this name: one that was added, or one of a file that grows which is not removed. Reads nothing.
  [[nodiscard]] bool has(std::string_view name) const;
  // Sets the callback for long adds. It is given the bytes taken by all adds since this call, and `total` as it is
  // given here. An add that it stops throws cancelled; the writer can then only be dropped.
  // Throws usage while a stream is open.
  void set_progress(Progress progress, std::uint64_t total = 0);
  // Bytes written so far. After finalize(): the size of the file, its shards included.
  [[nodiscard]] std::uint64_t bytes_written() const;
  // After finalize() of a file that grew: the bytes that compact() (grow.h) would give back. 0 if it would refuse.
  [[nodiscard]] std::uint64_t reclaimable() const;

  // Writes the index and publishes the file. Afterwards only the const members may be called. Throws usage (an earlier
  // write failed), limit (the index is larger than Limits::index_bytes: nothing is published), io (the target is as it
  // was).
  void finalize();
  // Gives up: the target stays as it was. Calling it again does nothing.
  void abort() noexcept;

 private:
  friend class TensorStream;
  struct State;
  explicit Writer(std::shared_ptr<State> state);
  static void check_count(const Shape& shape, std::uint64_t elements);
  template <Elements R>
  static ArrayView array_of(const R& elements) {
    return {.dtype = dtype_of<std::ranges::range_value_t<R>>::value,
            .shape = {std::ranges::size(elements)},
            .data = reinterpret_cast<const std::byte*>(std::ranges::data(elements)),
            .byte_swapped = std::endian::native == std::endian::big};
  }
  std::shared_ptr<State> state_;  // one owner; a TensorStream knows it as long as it lives
};

}  // namespace zt
