#include "wire/cbor_end.h"

#include <algorithm>
#include <limits>

#include "wire/cbor.h"

namespace zt::wire {
namespace {

constexpr unsigned kLongest = 27;  // the low bits of a head with 8 more bytes
constexpr unsigned kOpenEnd = 31;  // the low bits of the head of an indefinite item, or of the break

}  // namespace

bool CborEnd::open(std::uint64_t members) {
  left_.push_back(members);
  return left_.size() <= std::size_t{depth_} + 2;  // one more: an indefinite string is a level here
}

bool CborEnd::take_break() {
  if (left_.back() != kIndefinite) return false;
  left_.pop_back();
  return true;
}

// Takes an item with a definite head; `position_` is behind the head.
bool CborEnd::take_head(std::uint8_t major, std::uint64_t number) {
  if (major == major::kTag) return true;  // the item in the tag is the member
  if (left_.back() != kIndefinite) --left_.back();
  const std::uint64_t room = most_ > position_ ? most_ - position_ : 0;
  switch (major) {
    case major::kBytes:
    case major::kText:
      if (number > room) return false;
      position_ += number;
      return true;
    case major::kArray: return number <= room && open(number);
    case major::kMap: return number <= room / 2 && open(2 * number);
    default: return true;
  }
}

// Passes numbers and short strings that are whole, as long as the innermost container has them: they are most of an
// index. All else is left to advance().
void CborEnd::pass_short(std::span<const std::byte> bytes) {
  std::uint64_t& left = left_.back();
  if (left == kIndefinite) return;
  const auto end = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), most_));
  auto at = static_cast<std::size_t>(position_);
  for (; left > 0 && at < end; --left) {
    const auto first = std::to_integer<unsigned>(bytes[at]);
    const unsigned major = first >> 5, low = first & 31;
    std::size_t size = 1;
    if (major == major::kUnsigned && low <= kLongest) {
      if (low >= 24) size += std::size_t{1} << (low - 24);
    } else if (major == major::kText && low <= 24) {
      if (low == 24 && end - at < 2) break;
      size += low < 24 ? low : 1 + std::to_integer<std::size_t>(bytes[at + 1]);
    } else {
      break;
    }
    if (size > end - at) break;
    at += size;
  }
  position_ = at;
}

CborEnd::State CborEnd::advance(std::span<const std::byte> bytes) {
  while (true) {
    if (!left_.empty() && position_ < bytes.size()) pass_short(bytes);
    while (!left_.empty() && left_.back() == 0) left_.pop_back();
    if (position_ > bytes.size()) return State::more;
    if (left_.empty()) return State::found;
    if (position_ == bytes.size()) return State::more;
    const std::span<const std::byte> rest = bytes.subspan(static_cast<std::size_t>(position_));
    const auto first = std::to_integer<unsigned>(rest[0]);
    const auto major = static_cast<std::uint8_t>(first >> 5);
    const unsigned low = first & 31;
    if (low > kLongest && low != kOpenEnd) return State::broken;
    const std::size_t argument = low >= 24 && low <= kLongest ? std::size_t{1} << (low - 24) : 0;
    if (rest.size() < 1 + argument) return State::more;
    std::uint64_t number = argument == 0 ? low : 0;
    for (std::size_t i = 0; i < argument; ++i) number = number << 8 | std::to_integer<std::uint64_t>(rest[1 + i]);
    position_ += 1 + argument;
    if (low != kOpenEnd) {
      if (!take_head(major, number)) return State::broken;
    } else if (major == major::kSimple) {
      if (!take_break()) return State::broken;
    } else {
      if (major < major::kBytes || major > major::kMap) return State::broken;
      if (left_.back() != kIndefinite) --left_.back();
      if (!open(kIndefinite)) return State::broken;
    }
  }
}

}  // namespace zt::wire
