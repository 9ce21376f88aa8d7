#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "wire/cbor.h"
#include "ztensor/macros.h"

namespace zt::container {

// Reads the few forms of CBOR that nearly every entry of an index consists of: it is several times faster than a
// CborCursor. Each call returns false if the next item has another form, even if that form is valid. The caller then
// reads the whole entry again with a CborCursor, which also finds what is wrong with it. So this class refuses nothing,
// and what it accepts means the same to a CborCursor under strict rules.
class PlainItems {
 public:
  explicit PlainItems(std::span<const std::byte> bytes ZT_LIFETIME_BOUND)
      : from_(bytes.data()), at_(from_), end_(from_ + bytes.size()) {}

  // The text `name`, of at most 23 bytes. If another item is next, this function stays before it.
  // Inlined, so that the comparison with a literal takes a few instructions.
  [[gnu::always_inline]] bool key(std::string_view name) {
    if (left() < 1 + name.size() || !is_head(wire::major::kText, name.size())) return false;
    if (std::memcmp(at_ + 1, name.data(), name.size()) != 0) return false;
    at_ += 1 + name.size();
    return true;
  }
  // A map or an array of at most 23 members.
  bool map(std::size_t& members) { return short_head(wire::major::kMap, members); }
  bool array(std::size_t& members) { return short_head(wire::major::kArray, members); }
  bool map_of(std::size_t members) { return pass_head(wire::major::kMap, members); }
  bool array_of(std::size_t members) { return pass_head(wire::major::kArray, members); }
  // An integer in its shortest form.
  bool number(std::uint64_t& out) {
    if (left() == 0) return false;
    const auto first = std::to_integer<unsigned>(*at_);
    if (first < 24) {
      out = first;
      ++at_;
      return true;
    }
    if (first > 27) return false;
    const std::size_t width = std::size_t{1} << (first - 24);
    if (left() < 1 + width) return false;
    std::uint64_t least = 24;  // smaller numbers have a shorter form
    switch (width) {
      case 1: out = std::to_integer<std::uint64_t>(at_[1]); break;
      case 2: out = endian::load_be<std::uint16_t>(at_ + 1), least = 0x100; break;
      case 4: out = endian::load_be<std::uint32_t>(at_ + 1), least = 0x10000; break;
      default: out = endian::load_be<std::uint64_t>(at_ + 1), least = 0x100000000; break;
    }
    at_ += 1 + width;
    return out >= least;
  }
  // An array of at most `most` and 23 such integers.
  bool numbers(std::vector<std::uint64_t>& out, std::size_t most) {
    std::size_t members = 0;
    if (!array(members) || members > most) return false;
    out.resize(members);
    for (std::uint64_t& one : out) {
      if (!number(one)) return false;
    }
    return true;
  }
  // An ASCII text of at most 255 bytes, with the shortest head.
  bool text(std::string_view& out) {
    if (left() < 2) return false;
    std::size_t size = std::to_integer<std::size_t>(*at_) - 0x60;
    std::size_t head = 1;
    if (size == 24) {
      size = std::to_integer<std::size_t>(at_[1]);
      head = 2;
      if (size < 24) return false;
    } else if (size > 24) {
      return false;
    }
    if (left() < head + size || !is_ascii(at_ + head, size)) return false;
    out = as_text({at_ + head, size});
    at_ += head + size;
    return true;
  }

  std::size_t position() const { return static_cast<std::size_t>(at_ - from_); }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  // Whether the next byte is the head of such an item. `number` is below 24.
  bool is_head(unsigned major, std::size_t number) const {
    return left() > 0 && *at_ == static_cast<std::byte>(major << 5 | number);
  }
  bool pass_head(unsigned major, std::size_t number) {
    if (!is_head(major, number)) return false;
    ++at_;
    return true;
  }
  bool short_head(unsigned major, std::size_t& members) {
    if (left() == 0) return false;
    members = std::to_integer<std::size_t>(*at_) - (major << 5);
    ++at_;
    return members < 24;
  }
  static bool is_ascii(const std::byte* bytes, std::size_t size) {
    std::uint64_t seen = 0;
    for (; size >= 8; bytes += 8, size -= 8) seen |= endian::load_le<std::uint64_t>(bytes);
    for (; size > 0; ++bytes, --size) seen |= std::to_integer<std::uint64_t>(*bytes);
    return (seen & 0x8080808080808080) == 0;
  }

  const std::byte* from_;
  const std::byte* at_;
  const std::byte* end_;
};

}  // namespace zt::container
