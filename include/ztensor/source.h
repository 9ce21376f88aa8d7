#pragma once

#include <compare>
#include <cstddef>
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
// keep it alive. Immutable; any thread may call any member.
class ZT_API Source {
 public:
  std::size_t size() const;                    // tensors, unreadable ones included
  Tensor operator[](std::size_t index) const;  // in the order of the file; throws not_found
  Tensor tensor(std::string_view name) const;  // throws not_found
  std::optional<Tensor> find(std::string_view name) const;
  std::string_view format() const;  // "zt-1.2", "safetensors", ...
  Value attributes() const;         // of the file: a map, or null; parsed on each call
  std::span<const std::byte> attributes_cbor() const;
  // The path of the file, then of each shard: where it was found or, if it was not used yet, where it is expected.
  // Sources in memory have none.
  std::vector<std::filesystem::path> paths() const;
  std::size_t files() const;                     // 1, and one for each shard
  ShardIdentity shard(std::size_t index) const;  // what the file says of it: file number index + 1; throws not_found
  // Borrows all bytes of a file, by its number (Part::file). A Bytes of Part::map() with the same Mapping is a slice of
  // these. Throws not_found; unsupported and io where it cannot be mapped or found.
  Bytes map_file(std::size_t number, Mapping mapping = Mapping::shared) const;
  const std::vector<std::string>& notes() const;  // what a user should know, but is no error
  std::uint64_t stored_size() const;              // bytes of the file, without its shards
  std::uint64_t shards_size() const;              // bytes of its shards, as the file has them

  // Over the tensors, by value; of random access. An iterator is of use as long as the Source that made it.
  class Iterator {
   public:
    using value_type = Tensor;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Tensor operator*() const { return (*source_)[index_]; }
    Tensor operator[](difference_type step) const { return *(*this + step); }
    Iterator& operator++() { return *this += 1; }
    Iterator operator++(int) { return std::exchange(*this, *this + 1); }
    Iterator& operator--() { return *this -= 1; }
    Iterator operator--(int) { return std::exchange(*this, *this - 1); }
    Iterator& operator+=(difference_type step) {
      index_ += static_cast<std::size_t>(step);
      return *this;
    }
    Iterator& operator-=(difference_type step) { return *this += -step; }
    friend Iterator operator+(Iterator at, difference_type step) { return at += step; }
    friend Iterator operator+(difference_type step, Iterator at) { return at += step; }
    friend Iterator operator-(Iterator at, difference_type step) { return at -= step; }
    friend difference_type operator-(const Iterator& a, const Iterator& b) {
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
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  // One read of many: `out` receives the decoded bytes of the part, all of them.
  struct Read {
    Part part;
    std::span<std::byte> out;
  };
  // Carries out all reads, on several threads. Throws the error of the first failing read, in their order.
  void read(std::span<const Read> reads, std::optional<Verify> verify = {}, const Progress& progress = {}) const;

  explicit Source(std::shared_ptr<const SourceState> state) : state_(std::move(state)) {}
  const std::shared_ptr<const SourceState>& state() const { return state_; }

 private:
  std::shared_ptr<const SourceState> state_;
};

// Opens a file of any format, told apart by content. Reads its index only: time and memory are linear in that. Throws
// io, malformed, unsupported, limit.
ZT_API Source open(const std::filesystem::path& path, const OpenOptions& options = {});
// The same over any store; `name` is used in messages, and to recognise formats without a magic.
ZT_API Source open(std::shared_ptr<const ByteStore> store, std::string_view name, const OpenOptions& options = {});
// A regular file that the caller has open, for open(). It is read by position, so that it does not matter where the
// caller's own offset is, and through a descriptor of its own, so that the caller may close theirs. Throws io.
ZT_API std::shared_ptr<const ByteStore> store_of_descriptor(int descriptor);

}  // namespace zt
