#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ztensor/byte_store.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/resolver.h"
#include "ztensor/tensor.h"

namespace zt {

// An open file of tensors, of any format. A value handle: copies, tensors, parts and mapped bytes share its state and
// keep the file open. Immutable; any thread may call any member.
class ZT_API Source {
 public:
  [[nodiscard]] std::size_t size() const;                    // tensors, unreadable ones included
  [[nodiscard]] Tensor operator[](std::size_t index) const;  // in the order of the file; throws not_found
  [[nodiscard]] Tensor tensor(std::string_view name) const;  // throws not_found
  [[nodiscard]] std::optional<Tensor> find(std::string_view name) const;
  // The name of the format: "zt-1.2", "safetensors", ... A name, not an enum, since the table of formats grows with the
  // library.
  [[nodiscard]] std::string_view format() const;
  [[nodiscard]] Value attributes() const;                            // of the file: a map, or null; parsed on each call
  [[nodiscard]] std::span<const std::byte> attributes_cbor() const;  // the same as one CBOR item; empty: null
  // The path of the file, then of each shard: where it was found or, if it was not used yet, where it is expected.
  // Sources in memory have none.
  [[nodiscard]] std::vector<std::filesystem::path> paths() const;
  [[nodiscard]] std::size_t files() const;  // the file and its shards: 1 plus the number of shards
  // What the file says of shard `index`, which is file number index + 1. Throws not_found.
  [[nodiscard]] ShardIdentity shard(std::size_t index) const;
  // Borrows all bytes of the file of this number (Part::file_number), without copying. What Part::map() gives with the
  // same Mapping is a slice of them. Throws not_found for the number; io where the file is missing; unsupported where
  // it cannot be mapped.
  [[nodiscard]] Bytes map_file(std::size_t number, Mapping mapping = Mapping::shared) const;
  [[nodiscard]] const std::vector<std::string>& notes() const;  // what a user should know, but is no error
  [[nodiscard]] std::uint64_t stored_size() const;              // bytes of the file, without its shards
  // Bytes of all shards, as the file gives their sizes; of raw files without a size there, what tensors have in them.
  [[nodiscard]] std::uint64_t shards_size() const;
  // For each tensor, the index of the first tensor that has the same shape, layout and stored bytes, read in the same
  // way: its own, unless it is tied to an earlier one. Worked out once; lives as long as the source or a handle to it.
  // Where shares_equal_bytes(), no tensors count as tied.
  [[nodiscard]] std::span<const std::size_t> ties() const;
  // Whether the format stores equal bytes once (generation 2). Then tensors that share their bytes may be tied, or equal
  // by chance.
  [[nodiscard]] bool shares_equal_bytes() const;

  // A random-access iterator that gives tensors by value. It is valid as long as the Source object that made it.
  class Iterator {
   public:
    using value_type = Tensor;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    [[nodiscard]] Tensor operator*() const { return (*source_)[index_]; }
    [[nodiscard]] Tensor operator[](difference_type step) const { return *(*this + step); }
    Iterator& operator++() { return *this += 1; }
    Iterator operator++(int) { return std::exchange(*this, *this + 1); }
    Iterator& operator--() { return *this -= 1; }
    Iterator operator--(int) { return std::exchange(*this, *this - 1); }
    Iterator& operator+=(difference_type step) {
      index_ += static_cast<std::size_t>(step);
      return *this;
    }
    Iterator& operator-=(difference_type step) { return *this += -step; }
    [[nodiscard]] friend Iterator operator+(Iterator at, difference_type step) { return at += step; }
    [[nodiscard]] friend Iterator operator+(difference_type step, Iterator at) { return at += step; }
    [[nodiscard]] friend Iterator operator-(Iterator at, difference_type step) { return at -= step; }
    [[nodiscard]] friend difference_type operator-(const Iterator& a, const Iterator& b) {
      return static_cast<difference_type>(a.index_ - b.index_);
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;
    friend auto operator<=>(const Iterator& a, const Iterator& b) { return a.index_ <=> b.index_; }

   private:
    friend class Source;
    Iterator(const Source* source, std::size_t index) : source_(source), index_(index) {}
    const Source* source_ = nullptr;
    std::size_t index_ = 0;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }

  // One read of several: `out` receives all decoded bytes of the part.
  struct Read {
    Part part;
    std::span<std::byte> out;
  };
  // Carries out all reads, on several threads. `verify` replaces the source's; `progress` counts decoded bytes. Throws
  // the error of the first failing read, in the order of `reads`; usage for a part of another source; cancelled.
  void read(std::span<const Read> reads, std::optional<Verify> verify = {}, const Progress& progress = {}) const;

 private:
  friend struct Access;
  explicit Source(std::shared_ptr<const SourceState> state) : state_(std::move(state)) {}
  std::shared_ptr<const SourceState> state_;
};

// Opens a file of any format; its content tells which. Reads only its index: time and memory are linear in the size of
// the index. Throws io, malformed, mismatch, unsupported, limit.
[[nodiscard]] ZT_API Source open(const std::filesystem::path& path, const OpenOptions& options = {});
// Several files of one format as one source, in the order given. Throws also malformed "index.tensor.twice" for a name
// that two files have, usage for no paths, or for files of several formats.
[[nodiscard]] ZT_API Source open(std::span<const std::filesystem::path> paths, const OpenOptions& options = {});
// The same over any store. `name` stands for the file in messages, and tells formats apart that have no magic.
[[nodiscard]] ZT_API Source open(std::shared_ptr<const ByteStore> store, std::string_view name,
                                 const OpenOptions& options = {});
// The names of the formats that open() reads, in the order in which it tries them.
[[nodiscard]] ZT_API std::vector<std::string_view> readable_formats();
// A store for open() over a regular file that the caller has open as `descriptor`. The store keeps a descriptor of its
// own, so the caller may close theirs, and reads by position, so the caller's offset neither matters nor moves. Throws
// io.
[[nodiscard]] ZT_API std::shared_ptr<const ByteStore> store_of_descriptor(int descriptor);

}  // namespace zt
