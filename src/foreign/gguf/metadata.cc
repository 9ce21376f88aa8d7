#include "foreign/gguf/metadata.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/gguf/integer_range.h"
#include "wire/float_bits.h"
#include "ztensor/error.h"

namespace zt::foreign::gguf {
namespace {

constexpr std::uint64_t kPiece = 65536;  // items of an array that are translated at once

[[noreturn]] void malformed_metadata(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

bool is_signed(Kind kind) { return kind == Kind::i8 || kind == Kind::i16 || kind == Kind::i32 || kind == Kind::i64; }

std::uint64_t load_unsigned(const HeaderCursor& header, const std::byte* at, unsigned bytes) {
  switch (bytes) {
    case 1: return header.load<std::uint8_t>(at);
    case 2: return header.load<std::uint16_t>(at);
    case 4: return header.load<std::uint32_t>(at);
    default: return header.load<std::uint64_t>(at);
  }
}

std::int64_t load_signed(const HeaderCursor& header, const std::byte* at, unsigned bytes) {
  const unsigned unused = 64 - 8 * bytes;
  return static_cast<std::int64_t>(load_unsigned(header, at, bytes) << unused) >> unused;
}

// The usual type of a single integer.
Kind usual_integer(std::int64_t value) {
  return value < std::numeric_limits<std::int32_t>::min() ? Kind::i64 : Kind::i32;
}
Kind usual_integer(std::uint64_t value) {
  return value > std::numeric_limits<std::uint32_t>::max() ? Kind::u64 : Kind::u32;
}

std::string word_unless(bool told, Kind kind) { return told ? std::string() : std::string(row_of(kind).word); }

}  // namespace

void Metadata::read(std::uint64_t count) {
  cbor_.buffer().resize(9);  // for the head of the map
  for (std::uint64_t i = 0; i < count; ++i) read_member();
  members_ = count;
  check_keys();
}

std::vector<std::byte> Metadata::attributes(std::uint32_t version) {
  cbor_.text(kVersion);
  cbor_.unsigned_integer(version);
  ++members_;
  if (header_.is_big_endian()) {
    cbor_.text(kByteOrder);
    cbor_.text("big");
    ++members_;
  }
  if (typed_ > 0) {
    cbor_.text(kValueTypes);
    cbor_.map(typed_);
    cbor_.raw(types_.buffer());
    ++members_;
  }
  wire::CborWriter head;
  head.map(members_);
  const std::size_t begin = 9 - head.buffer().size();
  std::vector<std::byte>& all = cbor_.buffer();
  std::ranges::copy(head.buffer(), all.begin() + static_cast<std::ptrdiff_t>(begin));
  return {all.begin() + static_cast<std::ptrdiff_t>(begin), all.end()};
}

Metadata::Key Metadata::read_key() {
  const std::string_view key = header_.string("a key");
  if (key.empty()) malformed_metadata("gguf.key.empty", "a key is empty");
  if (key.size() > kMostKey) malformed_metadata("gguf.key.length", "a key has more than 65535 bytes");
  if (!is_utf8(key)) malformed_metadata("gguf.key.utf8", "key " + in_quotes(key) + " is not UTF-8");
  if (key.starts_with(kOwn)) {
    throw Error(Code::unsupported, "gguf.key.own",
                "key " + in_quotes(key) + " begins as the keys that this library adds");
  }
  cbor_.text(key);
  return {cbor_.buffer().size() - key.size(), key.size()};
}

void Metadata::read_member() {
  const Key place = read_key();
  keys_.push_back(place);
  const auto key = [&] { return as_text(std::span(cbor_.buffer()).subspan(place.at, place.size)); };
  try {
    const Kind kind = read_kind("gguf.value.type", "the type of a value");
    if (key() == kAlignment) return read_alignment(kind);
    const std::string type = read_value(kind);
    if (type.empty()) return;
    types_.text(key());
    types_.text(type);
    ++typed_;
  } catch (Error& error) {
    error.enter("key " + in_quotes(key()));
    throw;
  }
}

void Metadata::read_alignment(Kind kind) {
  if (kind != Kind::u32) malformed_metadata("gguf.alignment.type", "the alignment is not a u32");
  alignment_ = header_.number<std::uint32_t>("the alignment");
  if (!std::has_single_bit(alignment_) || alignment_ > kMostAlignment) {
    malformed_metadata("gguf.alignment.value",
                       "alignment " + std::to_string(alignment_) + ": expected a power of two up to 2^24");
  }
  cbor_.unsigned_integer(alignment_);
}

Kind Metadata::read_kind(const char* rule, const char* what) {
  const auto number = header_.number<std::uint32_t>(what);
  if (number < kKinds) return static_cast<Kind>(number);
  malformed_metadata(rule, std::string(what) + " is " + std::to_string(number) + ": expected 0 to 12");
}

std::string Metadata::read_value(Kind kind) {
  if (kind == Kind::array) return read_array();
  if (kind != Kind::string) return read_scalar(kind);
  const std::size_t at = cbor_.buffer().size();
  write_string(header_.string("a string"));
  const bool is_text = static_cast<unsigned>(cbor_.buffer()[at]) >> 5 == wire::major::kText;
  return word_unless(is_text, Kind::string);
}

std::string Metadata::read_scalar(Kind kind) {
  const unsigned bytes = row_of(kind).bytes;
  const std::byte* at = header_.take(bytes, "a value").data();
  if (kind == Kind::boolean) {
    if (static_cast<unsigned>(*at) > 1) malformed_metadata("gguf.value.bool", "a bool is neither 0 nor 1");
    cbor_.boolean(*at == std::byte{1});
    return {};
  }
  if (kind == Kind::f32 || kind == Kind::f64) {
    const std::size_t begin = cbor_.buffer().size();
    write_float(kind, at);
    return word_unless(kind == (cbor_.buffer().size() - begin == 9 ? Kind::f64 : Kind::f32), kind);
  }
  if (is_signed(kind)) {
    const std::int64_t value = load_signed(header_, at, bytes);
    cbor_.integer(value);
    return word_unless(value < 0 && usual_integer(value) == kind, kind);
  }
  const std::uint64_t value = load_unsigned(header_, at, bytes);
  cbor_.unsigned_integer(value);
  return word_unless(usual_integer(value) == kind, kind);
}

void Metadata::write_float(Kind kind, const std::byte* at) {
  const std::uint64_t bits =
      kind == Kind::f32 ? wire::widen(header_.load<std::uint32_t>(at), wire::kSingle) : header_.load<std::uint64_t>(at);
  cbor_.floating(std::bit_cast<double>(bits));
}

// Some tokens are pieces of characters. They are no text, and become bytes.
void Metadata::write_string(std::string_view text) {
  if (is_utf8(text)) {
    cbor_.text(text);
  } else {
    cbor_.bytes(as_bytes(text));
  }
}

// The number of items, held against the bytes that are left.
std::uint64_t Metadata::read_count(Kind kind) {
  const std::uint64_t count = header_.length("the length of an array");
  const std::uint64_t length = header_.is_narrow() ? 4 : 8;
  const std::uint64_t least = kind == Kind::array    ? 4 + length
                              : kind == Kind::string ? length
                                                     : std::uint64_t{row_of(kind).bytes};
  if (count > header_.left() / least) {
    malformed_metadata("gguf.array.count", "an array of " + count_text(count, "item") + ", but the file has only " +
                                               count_text(header_.left(), "more byte", "more bytes"));
  }
  return count;
}

// Arrays of arrays are read with a stack of their own. Their types are always kept.
std::string Metadata::read_array() {
  std::vector<Level> levels;
  for (;;) {
    const Kind kind = read_kind("gguf.array.type", "the type of the items of an array");
    const std::uint64_t count = read_count(kind);
    std::string type;
    if (kind == Kind::array && count > 0) {
      if (levels.size() + 1 == kArrayDepth) malformed_metadata("gguf.array.depth", "arrays nest more than 4 deep");
      cbor_.array(count);
      levels.push_back({.left = count, .types = {}, .first = {}});
      continue;
    }
    const bool told = kind == Kind::array ? (cbor_.array(0), false) : read_items(kind, count);
    if (told && levels.empty()) return {};
    type = kind == Kind::array ? "[[]]" : "[" + std::string(row_of(kind).word) + "]";
    while (!levels.empty()) {
      Level& level = levels.back();
      if (level.first.empty()) level.first = type;
      level.uniform = level.uniform && level.first == type;
      level.types += (level.types.empty() ? "" : ",") + type;
      if (--level.left > 0) break;
      type = "[" + (level.uniform ? level.first : level.types) + "]";
      levels.pop_back();
    }
    if (levels.empty()) return type;
  }
}

bool Metadata::read_items(Kind kind, std::uint64_t count) {
  const unsigned bytes = row_of(kind).bytes;
  if (kind == Kind::string) return read_strings(count);
  if (kind == Kind::u8) {  // bytes, since an item of CBOR would be longer
    cbor_.bytes(header_.take(count, "an array"));
    return true;
  }
  cbor_.array(count);
  IntegerRange range;
  bool is_wide = false;  // some float is no single
  for (std::uint64_t done = 0; done < count; done += kPiece) {
    const std::uint64_t piece = std::min(kPiece, count - done);
    const auto items = header_.take(piece * bytes, "an array");
    for (const std::byte* at = items.data(); at != items.data() + items.size(); at += bytes) {
      if (kind == Kind::boolean) {
        if (static_cast<unsigned>(*at) > 1) malformed_metadata("gguf.value.bool", "a bool is neither 0 nor 1");
        cbor_.boolean(*at == std::byte{1});
      } else if (kind == Kind::f32 || kind == Kind::f64) {
        const std::size_t begin = cbor_.buffer().size();
        write_float(kind, at);
        is_wide = is_wide || cbor_.buffer().size() - begin == 9;
      } else if (is_signed(kind)) {
        const std::int64_t value = load_signed(header_, at, bytes);
        range.add(value);
        cbor_.integer(value);
      } else {
        const std::uint64_t value = load_unsigned(header_, at, bytes);
        range.add(value);
        cbor_.unsigned_integer(value);
      }
    }
  }
  if (count == 0) return false;
  if (kind == Kind::boolean) return true;
  if (kind == Kind::f32 || kind == Kind::f64) return is_wide == (kind == Kind::f64);
  return range.usual() == kind;
}

bool Metadata::read_strings(std::uint64_t count) {
  cbor_.array(count);
  bool has_text = false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view text = header_.string("a string");
    const bool is_text = is_utf8(text);
    has_text = has_text || is_text;
    if (is_text) {
      cbor_.text(text);
    } else {
      cbor_.bytes(as_bytes(text));
    }
  }
  return has_text;
}

void Metadata::check_keys() {
  std::vector<std::string_view> keys;
  keys.reserve(keys_.size());
  const auto text = as_text(cbor_.buffer());
  for (const Key& key : keys_) keys.push_back(text.substr(key.at, key.size));
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  if (twice != keys.end()) malformed_metadata("gguf.key.duplicate", "key " + in_quotes(*twice) + " is given twice");
}

}  // namespace zt::foreign::gguf
