#include "wire/protobuf.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/endian.h"
#include "ztensor/error.h"

namespace zt::wire {
namespace {

constexpr std::size_t kFirstRead = 4096;  // after a jump: most payloads that are skipped lie between short heads
constexpr std::size_t kLargestRead = 65536;
constexpr std::uint64_t kNear = 8192;  // to read over so many bytes takes less time than another request
constexpr std::uint32_t kMostNumber = (std::uint32_t{1} << 29) - 1;
constexpr std::uint32_t kReservedFirst = 19000;
constexpr std::uint32_t kReservedLast = 19999;
constexpr std::size_t kLongestTag = 5;

[[noreturn]] void broken_wire(const char* rule, std::uint64_t at, const std::string& message) {
  throw Error(Code::malformed, rule, "offset " + std::to_string(at) + ": " + message);
}

// Reads the varint at `at` and moves `at` behind it. Nothing at or after `end` belongs to it.
std::uint64_t read_varint(ProtoWindow& window, std::uint64_t& at, std::uint64_t end) {
  const auto bytes = window.look(at);
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>({bytes.size(), end - at, 10}));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < most; ++i) {
    const auto byte = static_cast<std::uint64_t>(bytes[i]);
    if (i == 9 && byte > 1) break;
    value |= (byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      at += i + 1;
      return value;
    }
  }
  broken_wire("protobuf.varint", at, most == 10 ? "the varint has more than 64 bits" : "the varint runs past its end");
}

std::uint64_t read_fixed(ProtoWindow& window, std::uint64_t& at, std::uint64_t end, std::size_t width) {
  if (end - at < width) broken_wire("protobuf.length", at, "the number runs past the end of its message");
  const auto bytes = window.look(at);
  at += width;
  return width == 8 ? endian::load_le<std::uint64_t>(bytes.data()) : endian::load_le<std::uint32_t>(bytes.data());
}

}  // namespace

ProtoWindow::ProtoWindow(const ByteStore& store, std::uint64_t fields)
    : store_(store), size_(store.size()), fields_left_(fields), next_(kFirstRead) {}

std::span<const std::byte> ProtoWindow::refill(std::uint64_t offset) {
  const bool goes_on = filled_ != 0 && offset >= begin_ && offset <= begin_ + filled_ + kNear;
  next_ = goes_on ? std::min(2 * next_, kLargestRead) : kFirstRead;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(next_, size_ - std::min(offset, size_)));
  buffer_.resize(std::max(buffer_.size(), wanted));
  filled_ = 0;  // in case reading fails
  store_.read_at(offset, std::span(buffer_).first(wanted));
  begin_ = offset;
  filled_ = wanted;
  return std::span(buffer_).first(wanted);
}

std::string ProtoWindow::text(Region range) const {
  std::string text(static_cast<std::size_t>(range.length), '\0');
  const auto out = std::as_writable_bytes(std::span(text.data(), text.size()));
  if (range.offset >= begin_ && checked::within(range.offset - begin_, range.length, filled_)) {
    std::memcpy(out.data(), buffer_.data() + (range.offset - begin_), out.size());
  } else {
    store_.read_at(range.offset, out);
  }
  return text;
}

void ProtoWindow::count_field() {
  if (fields_left_ == 0) throw Error(Code::limit, "protobuf.fields", "the file has more fields than a reader admits");
  --fields_left_;
}

bool ProtoReader::next() {
  if (at_ == end_) return false;
  if (count_ == ProtoCount::now) window_->count_field();
  field_.at = at_;
  const std::uint64_t tag = read_varint(*window_, at_, end_);
  const std::uint64_t number = tag >> 3;
  const bool reserved = number >= kReservedFirst && number <= kReservedLast;
  if (at_ - field_.at > kLongestTag || number == 0 || number > kMostNumber || reserved) {
    broken_wire("protobuf.tag", field_.at, "the tag has no valid field number");
  }
  field_.number = static_cast<std::uint32_t>(number);
  field_.content = {};
  switch (tag & 7) {
    case 0: field_.value = read_varint(*window_, at_, end_); break;
    case 1: field_.value = read_fixed(*window_, at_, end_, 8); break;
    case 2: {
      const std::uint64_t length = read_varint(*window_, at_, end_);
      if (length > end_ - at_) {
        broken_wire("protobuf.length", field_.at,
                    "field " + std::to_string(number) + " of " + std::to_string(length) +
                        " bytes runs past the end of its message");
      }
      field_.content = {at_, length};
      at_ += length;
      break;
    }
    case 5: field_.value = read_fixed(*window_, at_, end_, 4); break;
    default:
      broken_wire(
          "protobuf.type", field_.at,
          "field " + std::to_string(number) + " has wire type " + std::to_string(tag & 7) + ": expected 0, 1, 2 or 5");
  }
  field_.type = static_cast<ProtoType>(tag & 7);
  return true;
}

std::optional<std::uint64_t> ProtoVarints::next() {
  if (at_ == end_) return std::nullopt;
  return read_varint(*window_, at_, end_);
}

}  // namespace zt::wire
