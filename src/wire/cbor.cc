#include "wire/cbor.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/endian.h"
#include "base/utf8.h"
#include "wire/float_bits.h"
#include "ztensor/error.h"

namespace zt::wire {
namespace {

constexpr std::uint8_t kInfoIndefinite = 31;
constexpr std::byte kBreak{0xFF};
constexpr std::uint64_t kTagBignum = 2, kTagNegativeBignum = 3;

// put() appends a part of a message: text, a number, a byte in hex, or a string of the file in quotes.
struct Hex {
  std::uint64_t value;
};
void put(std::string& out, const char* text) { out += text; }
void put(std::string& out, std::uint64_t number) { out += std::to_string(number); }
void put(std::string& out, std::span<const std::byte> text) { out += in_quotes(as_text(text)); }
void put(std::string& out, Hex hex) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "0x%02llx", static_cast<unsigned long long>(hex.value));
  out += digits;
}

// This function is out of line and takes plain values: its callers run for each item and should have no strings on
// their frames.
template <class... Parts>
[[noreturn]] [[gnu::cold]] [[gnu::noinline]] void fail(Code code, const char* rule, std::size_t at, Parts... parts) {
  std::string message = "CBOR at offset " + std::to_string(at) + ": expected ";
  (put(message, parts), ...);
  throw Error(code, rule, std::move(message));
}
template <class... Parts>
[[noreturn]] [[gnu::cold]] [[gnu::noinline]] void malformed(const char* rule, std::size_t at, Parts... parts) {
  fail(Code::malformed, rule, at, parts...);
}

// Nearly all text is short and ASCII: settle that here, eight bytes at a time. The last words overlap.
inline bool is_text(std::span<const std::byte> bytes) {
  const std::byte* const from = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t seen = 0;
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) seen |= endian::load_le<std::uint64_t>(from + at);
    seen |= endian::load_le<std::uint64_t>(from + size - 8);
  } else if (size >= 4) {
    seen = endian::load_le<std::uint32_t>(from) | endian::load_le<std::uint32_t>(from + size - 4);
  } else if (size > 0) {
    seen = std::to_integer<std::uint64_t>(from[0] | from[size / 2] | from[size - 1]);
  }
  return (seen & 0x8080808080808080u) == 0 || is_utf8(as_text(bytes));
}

void resolve_bignum(std::uint64_t tag, std::size_t at, CborItem& item) {
  auto digits = item.content;
  while (!digits.empty() && digits[0] == std::byte{0}) digits = digits.subspan(1);
  if (digits.size() > 8) {
    malformed("cbor.bignum", at, "an integer of at most 64 bits, found a bignum of ", digits.size(), " bytes");
  }
  std::uint64_t number = 0;
  for (const std::byte digit : digits) number = number << 8 | std::to_integer<std::uint64_t>(digit);
  item = {};
  item.kind = tag == kTagBignum ? CborKind::unsigned_integer : CborKind::negative_integer;
  item.number = number;
}

}  // namespace

CborCursor::CborCursor(std::span<const std::byte> input, CborRules rules) : input_(input), rules_(rules) {}

inline void CborCursor::item_done() {
  if (levels_.empty()) return;
  Level& level = levels_.back();
  if (level.want == Want::key) {
    if (rules_.strict) check_key_order();
    level.want = Want::item;
  } else {
    level.want = Want::more;
  }
}

// Most items of an index are texts and numbers whose head is one byte: those are read here, all others by next().
CborItem CborCursor::read() {
  const bool wanted = !levels_.empty() && levels_.back().want != Want::more && levels_.size() < rules_.depth;
  if (wanted && position_ < input_.size()) {
    const auto first = std::to_integer<unsigned>(input_[position_]);
    const unsigned kind = first >> 5, number = first & 31;
    const bool text = kind == major::kText;
    if (number < 24 && (text || kind == major::kUnsigned)) {
      const std::size_t size = text ? number : 0;
      const auto content = input_.subspan(position_ + 1);
      if (size <= content.size() && (!text || is_text(content.first(size)))) {
        position_ += 1 + size;
        item_done();
        if (text) return {.kind = CborKind::text, .content = content.first(size)};
        return {.kind = CborKind::unsigned_integer, .number = number};
      }
    }
  }
  return next(rules_.keep_tags ? Tags::keep : Tags::resolve);
}

bool CborCursor::more() {
  if (levels_.empty() || levels_.back().want != Want::more) {
    fail(Code::internal, "", position_, "read() of an item, found more()");
  }
  Level& level = levels_.back();
  bool another = level.left != 0;
  if (level.left == kIndefinite) {
    if (position_ == input_.size()) {
      malformed("cbor.truncated", position_, "an item or a break, found the end");
    }
    another = input_[position_] != kBreak;
    if (!another) ++position_;
  } else if (another) {
    --level.left;
  }
  if (another) {
    level.want = level.map ? Want::key : Want::item;
    if (level.map && rules_.strict) keys_.back().at = position_;
    return true;
  }
  if (level.map && rules_.strict) keys_.pop_back();
  levels_.pop_back();
  item_done();
  return false;
}

std::span<const std::byte> CborCursor::skip() {
  const std::size_t from = position_;
  const std::size_t levels = levels_.size();
  next(Tags::drop);
  pass_until(levels);
  return input_.subspan(from, position_ - from);
}

void CborCursor::restart(std::span<const std::byte> input) {
  input_ = input;
  position_ = 0;
  levels_.clear();
  keys_.clear();
}

void CborCursor::pass(std::size_t length) {
  if (!levels_.empty() && levels_.back().want == Want::more) {
    fail(Code::internal, "", position_, "more() before an item, found pass()");
  }
  take(length);
  item_done();
}

void CborCursor::close() {
  if (levels_.empty()) fail(Code::internal, "", position_, "an open container to close, found none");
  pass_until(levels_.size() - 1);
}

void CborCursor::pass_until(std::size_t levels) {
  while (levels_.size() > levels) {
    if (levels_.back().want != Want::more || more()) next(Tags::drop);
  }
}

void CborCursor::finish() const {
  if (position_ == input_.size()) return;
  malformed("cbor.trailing", position_, "the end, found ", input_.size() - position_, " more bytes");
}

CborItem CborCursor::next(Tags tags) {
  if (!levels_.empty() && levels_.back().want == Want::more) {
    fail(Code::internal, "", position_, "more() before an item, found read()");
  }
  if (levels_.size() >= rules_.depth) {
    fail(Code::limit, "cbor.depth", position_, "at most ", rules_.depth, " levels of nesting, found another");
  }
  const std::size_t at = position_;
  const Head head = read_head();
  return head.major == major::kTag ? read_tagged(head, at, tags) : read_item(head, at);
}

inline CborItem CborCursor::read_item(Head head, std::size_t at) {
  CborItem item;
  switch (head.major) {
    case major::kUnsigned:
    case major::kNegative:
      item.kind = head.major == major::kUnsigned ? CborKind::unsigned_integer : CborKind::negative_integer;
      item.number = head.number;
      break;
    case major::kBytes:
    case major::kText: read_string(head, at, item); break;
    case major::kArray:
    case major::kMap: read_container(head, at, item); return item;
    default: read_simple(head, at, item); break;
  }
  item_done();
  return item;
}

CborItem CborCursor::read_tagged(Head head, std::size_t at, Tags tags) {
  CborItem item;
  std::uint64_t tag = 0;  // the innermost
  for (; head.major == major::kTag; at = position_, head = read_head()) {
    if (rules_.strict) malformed("cbor.strict.tag", at, "no tags, found tag ", head.number);
    tag = head.number;
    if (tags == Tags::keep) {
      item.kind = CborKind::tag;
      item.number = tag;
      levels_.push_back({.left = 1, .map = false});
      return item;
    }
  }
  item = read_item(head, at);
  const bool bignum = item.kind == CborKind::bytes && (tag == kTagBignum || tag == kTagNegativeBignum);
  if (bignum && tags == Tags::resolve) resolve_bignum(tag, at, item);
  return item;
}

// Reads the first byte of an item and the number behind it. A break is major::kSimple with kInfoIndefinite.
inline CborCursor::Head CborCursor::read_head() {
  const std::size_t at = position_;
  if (at == input_.size()) malformed("cbor.truncated", at, "an item, found the end");
  const auto first = std::to_integer<std::uint8_t>(input_[at]);
  if ((first & 31) >= 24) return read_long_head(at);
  ++position_;
  return {first & 31u, static_cast<std::uint8_t>(first >> 5), static_cast<std::uint8_t>(first & 31)};
}

CborCursor::Head CborCursor::read_long_head(std::size_t at) {
  const auto first = std::to_integer<std::uint8_t>(input_[at]);
  Head head{0, static_cast<std::uint8_t>(first >> 5), static_cast<std::uint8_t>(first & 31)};
  ++position_;
  if (head.info == kInfoIndefinite && head.major != major::kUnsigned && head.major != major::kNegative &&
      head.major != major::kTag) {
    if (rules_.strict && head.major != major::kSimple) {
      malformed("cbor.strict.indefinite", at, "a definite length, found the head ", Hex{first});
    }
    return head;
  }
  if (head.info > 27) {
    malformed("cbor.head.reserved", at, "the head of an item, found the reserved ", Hex{first});
  }
  const std::size_t width = std::size_t{1} << (head.info - 24);
  const std::byte* number = take(width).data();
  std::uint64_t shorter = 24;  // a shorter head could hold every number below this one
  switch (width) {
    case 1: head.number = std::to_integer<std::uint8_t>(*number); break;
    case 2: head.number = endian::load_be<std::uint16_t>(number), shorter = 0x100; break;
    case 4: head.number = endian::load_be<std::uint32_t>(number), shorter = 0x10000; break;
    default: head.number = endian::load_be<std::uint64_t>(number), shorter = 0x100000000; break;
  }
  if (rules_.strict && head.major != major::kSimple && head.number < shorter) {
    malformed("cbor.strict.shortest", at, "the shortest head, found ", head.number, " in ", width, " more bytes");
  }
  return head;
}

inline std::span<const std::byte> CborCursor::take(std::uint64_t length) {
  const std::size_t left = input_.size() - position_;
  if (length > left) {
    malformed("cbor.truncated", position_, length, " more bytes, found ", left, " before the end");
  }
  const auto taken = input_.subspan(position_, static_cast<std::size_t>(length));
  position_ += taken.size();
  return taken;
}

void CborCursor::read_string(Head head, std::size_t at, CborItem& item) {
  if (head.info == kInfoIndefinite) {
    join_chunks(head.major, at);
    item.content = scratch_;
  } else {
    item.content = take(head.number);
  }
  item.kind = head.major == major::kText ? CborKind::text : CborKind::bytes;
  if (item.kind == CborKind::text && !is_text(item.content)) {
    malformed("cbor.utf8", at, "UTF-8 text, found ", item.content);
  }
}

// Only the joined text is checked for UTF-8: readers of generations 0.1 to 1.1 accept a character that is split between
// chunks.
void CborCursor::join_chunks(std::uint8_t major, std::size_t begun) {
  scratch_.clear();
  for (;;) {
    const std::size_t at = position_;
    const Head chunk = read_head();
    if (chunk.major == major::kSimple && chunk.info == kInfoIndefinite) return;
    if (chunk.major != major || chunk.info == kInfoIndefinite) {
      malformed("cbor.chunk", at, "a definite string of the kind begun at ", begun, ", found the head ",
                Hex{std::to_integer<std::uint64_t>(input_[at])});
    }
    const auto content = take(chunk.number);
    scratch_.insert(scratch_.end(), content.begin(), content.end());
  }
}

void CborCursor::read_container(Head head, std::size_t at, CborItem& item) {
  const bool map = head.major == major::kMap;
  item.kind = map ? CborKind::map : CborKind::array;
  item.number = head.number;
  item.indefinite = head.info == kInfoIndefinite;
  // A member takes at least one byte, and a pair two. This check keeps callers from allocating for members that cannot
  // exist.
  const std::size_t left = input_.size() - position_;
  if (head.number > (map ? left / 2 : left)) {
    malformed("cbor.count", at,
              map ? "two bytes for each pair, found a count of " : "a byte for each member, found a count of ",
              head.number, " and ", left, " bytes");
  }
  if (map && rules_.strict) keys_.emplace_back();
  levels_.push_back({.left = item.indefinite ? kIndefinite : head.number, .map = map});
}

void CborCursor::read_simple(Head head, std::size_t at, CborItem& item) const {
  switch (head.info) {
    case 20:
    case 21:
      item.kind = CborKind::boolean;
      item.number = head.info - 20u;
      return;
    case 22: item.kind = CborKind::null; return;
    case 25:
    case 26:
    case 27: {
      if (rules_.strict) check_strict_float(head, at);
      item.kind = CborKind::floating;
      const std::uint64_t bits = head.info == 27 ? head.number : widen(head.number, head.info == 26 ? kSingle : kHalf);
      item.floating = std::bit_cast<double>(bits);
      return;
    }
    case kInfoIndefinite: malformed("cbor.break", at, "an item, found a break");
    default: break;
  }
  if (head.info == 24 && head.number < 32) {
    malformed("cbor.simple", at, "a simple value from 32 in two bytes, found ", head.number);
  }
  if (rules_.strict) {
    malformed("cbor.strict.simple", at, "false, true or null, found simple value ", head.number);
  }
  item.kind = head.info == 23 ? CborKind::undefined : CborKind::simple;
  item.number = head.number;
}

// Generation 2 has one encoding for each value: the shortest width, and f9 7e00 for every NaN.
void CborCursor::check_strict_float(Head head, std::size_t at) const {
  constexpr std::uint64_t kQuietHalf = 0x7E00, kInfinity = 0x7FF0000000000000;
  const std::uint64_t bits = head.info == 27 ? head.number : widen(head.number, head.info == 26 ? kSingle : kHalf);
  const bool nan = (bits & ~(std::uint64_t{1} << 63)) > kInfinity;
  if (nan && (head.info != 25 || head.number != kQuietHalf)) {
    malformed("cbor.strict.float", at, "the NaN 0x7e00, found ", Hex{head.number});
  }
  if ((head.info == 27 && narrow(bits, kSingle)) || (head.info == 26 && narrow(bits, kHalf))) {
    malformed("cbor.strict.float", at, "the shortest float of this value, found ", Hex{head.number});
  }
}

void CborCursor::check_key_order() {
  Keys& keys = keys_.back();
  const auto key = input_.subspan(keys.at, position_ - keys.at);
  const auto last = input_.subspan(keys.last_at, keys.last_length);
  if (!last.empty()) {
    int order = std::memcmp(last.data(), key.data(), std::min(last.size(), key.size()));
    if (order == 0) order = last.size() < key.size() ? -1 : last.size() > key.size();
    if (order == 0) {
      malformed("cbor.strict.duplicate", keys.at, "a new key, found the same key as at offset ", keys.last_at);
    }
    if (order > 0) {
      malformed("cbor.strict.order", keys.at,
                "keys in the order of their encoded bytes, found a lower key than at offset ", keys.last_at);
    }
  }
  keys.last_at = keys.at;
  keys.last_length = key.size();
}

}  // namespace zt::wire
