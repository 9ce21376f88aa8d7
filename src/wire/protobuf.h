#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/region.h"
#include "ztensor/byte_store.h"

// The wire form of protobuf, read from a store through a small window. Of a payload that the caller skips, at most the window
// is read: the part that lies near the heads before and behind it.
namespace zt::wire {

enum class ProtoType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct ProtoField {
  std::uint32_t number = 0;
  ProtoType type = ProtoType::varint;
  std::uint64_t at = 0;     // where its tag begins in the store
  std::uint64_t value = 0;  // of a varint or a fixed number
  Region content = {};      // of bytes: it lies in the message
};

// The part of a store that was read last. All readers of one store share it.
class ProtoWindow {
 public:
  static constexpr std::size_t kLeast = 16;  // bytes that look() gives: enough for a tag and a varint

  // `fields`: how many fields all readers together may read.
  ProtoWindow(const ByteStore& store, std::uint64_t fields);

  std::uint64_t size() const { return size_; }
  // The bytes from `offset` on: at least kLeast of them, or all up to the end of the store. Valid until the next call.
  std::span<const std::byte> look(std::uint64_t offset) {
    if (offset >= begin_ && offset - begin_ <= filled_) {
      const auto skipped = static_cast<std::size_t>(offset - begin_);
      if (filled_ - skipped >= kLeast || begin_ + filled_ == size_) {
        return std::span(buffer_).subspan(skipped, filled_ - skipped);
      }
    }
    return refill(offset);
  }
  // The bytes of a range, which lies in the store.
  std::string text(Region range) const;
  void read(std::uint64_t offset, std::span<std::byte> out) const { store_.read_at(offset, out); }
  // Throws limit "protobuf.fields".
  void count_field();

 private:
  std::span<const std::byte> refill(std::uint64_t offset);

  const ByteStore& store_;
  std::uint64_t size_;
  std::uint64_t fields_left_;
  std::vector<std::byte> buffer_;
  std::uint64_t begin_ = 0;  // where the window begins in the store
  std::size_t filled_ = 0;
  std::size_t next_;  // how much the next refill() reads
};

// Whether a reader counts the fields. A field that two readers walk over counts once.
enum class ProtoCount : std::uint8_t { now, before, later };

// The fields of one message, in the order of the file. A message within it has a reader of its own, over
// `field().content`; so nothing here recurses. Throws malformed "protobuf.*" with the offset.
class ProtoReader {
 public:
  // `message` lies in the store.
  ProtoReader(ProtoWindow& window, Region message, ProtoCount count = ProtoCount::now)
      : window_(&window), count_(count), at_(message.offset), end_(message.offset + message.length) {}

  // Reads the next field, without the content of bytes. False at the end of the message.
  bool next();
  const ProtoField& field() const { return field_; }
  std::uint64_t end() const { return end_; }

 private:
  ProtoWindow* window_;
  ProtoCount count_;
  std::uint64_t at_;
  std::uint64_t end_;
  ProtoField field_;
};

// The varints of a packed field.
class ProtoVarints {
 public:
  ProtoVarints(ProtoWindow& window, Region packed)
      : window_(&window), at_(packed.offset), end_(packed.offset + packed.length) {}
  std::optional<std::uint64_t> next();

 private:
  ProtoWindow* window_;
  std::uint64_t at_;
  std::uint64_t end_;
};

}  // namespace zt::wire
