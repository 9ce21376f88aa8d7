#include "foreign/gguf/values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "foreign/gguf/integer_range.h"
#include "wire/cbor.h"
#include "wire/float_bits.h"

namespace zt::foreign::gguf {
namespace {

using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

constexpr std::uint64_t kMostI64 = std::numeric_limits<std::int64_t>::max();

CborCursor cursor_of(std::span<const std::byte> cbor) { return CborCursor(cbor, {.keep_tags = true}); }

bool is_number(const CborItem& item) {
  return item.kind == CborKind::unsigned_integer || item.kind == CborKind::negative_integer;
}

// Empty for an integer below -2^63.
bool add(IntegerRange& range, const CborItem& item) {
  if (item.kind == CborKind::unsigned_integer) {
    range.add(item.number);
    return true;
  }
  if (item.number > kMostI64) return false;
  range.add(static_cast<std::int64_t>(~item.number));
  return true;
}

bool is_single(double value) { return wire::narrow(std::bit_cast<std::uint64_t>(value), wire::kSingle).has_value(); }

// The kinds of the items of an array, and what tells their usual type.
struct Items {
  std::uint64_t count = 0, texts = 0, bytes = 0, bools = 0, integers = 0, floats = 0, arrays = 0;
  IntegerRange range;
  bool fits = true;      // all integers fit 64 bits
  bool is_wide = false;  // some float is no single
  std::string types;     // of arrays and bytes
  std::string first;     // the first of them
  bool uniform = true;
};

std::string usual_type_of(std::span<const std::byte> cbor, std::uint32_t depth);

void add_item(Items& items, std::span<const std::byte> cbor, std::uint32_t depth) {
  const CborItem item = cursor_of(cbor).read();
  ++items.count;
  switch (item.kind) {
    case CborKind::text: ++items.texts; break;
    case CborKind::boolean: ++items.bools; break;
    case CborKind::unsigned_integer:
    case CborKind::negative_integer:
      ++items.integers;
      items.fits = add(items.range, item) && items.fits;
      break;
    case CborKind::floating:
      ++items.floats;
      items.is_wide = items.is_wide || !is_single(item.floating);
      break;
    case CborKind::bytes:
    case CborKind::array: {
      ++(item.kind == CborKind::bytes ? items.bytes : items.arrays);
      const std::string type = usual_type_of(cbor, depth + 1);
      if (items.first.empty()) items.first = type;
      items.fits = items.fits && !type.empty();
      items.uniform = items.uniform && type == items.first;
      items.types += (items.types.empty() ? "" : ",") + type;
      break;
    }
    default: break;
  }
}

std::string usual_type_of(const Items& items) {
  if (items.count == 0) return "[str]";
  if (items.texts > 0 && items.texts + items.bytes == items.count) return "[str]";
  if (items.bools == items.count) return "[bool]";
  if (items.floats == items.count) return items.is_wide ? "[f64]" : "[f32]";
  if (!items.fits) return "";
  if (items.arrays + items.bytes == items.count) return "[" + (items.uniform ? items.first : items.types) + "]";
  if (items.integers < items.count || (items.range.least < 0 && items.range.most > kMostI64)) return "";
  return "[" + std::string(row_of(items.range.usual()).word) + "]";
}

std::string usual_type_of(std::span<const std::byte> cbor, std::uint32_t depth) {
  CborCursor cursor = cursor_of(cbor);
  const CborItem item = cursor.read();
  switch (item.kind) {
    case CborKind::text: return "str";
    case CborKind::bytes: return depth < kArrayDepth ? "[u8]" : "";
    case CborKind::boolean: return "bool";
    case CborKind::floating: return is_single(item.floating) ? "f32" : "f64";
    case CborKind::unsigned_integer: return item.number > std::numeric_limits<std::uint32_t>::max() ? "u64" : "u32";
    case CborKind::negative_integer:
      if (item.number > kMostI64) return "";
      return item.number > std::numeric_limits<std::int32_t>::max() ? "i64" : "i32";
    case CborKind::array: {
      if (depth == kArrayDepth) return "";
      Items items;
      while (cursor.more()) add_item(items, cursor.skip(), depth);
      return usual_type_of(items);
    }
    default: return "";
  }
}

std::optional<Kind> find_kind(std::string_view word) {
  const auto found = std::ranges::find(kKindRows, word, &KindRow::word);
  if (found == kKindRows.end() || word.empty()) return std::nullopt;
  return static_cast<Kind>(found - kKindRows.begin());
}

bool write_integer(const CborItem& item, Kind kind, HeaderWriter& out) {
  const unsigned bits = 8 * row_of(kind).bytes;
  const bool has_sign = kind == Kind::i8 || kind == Kind::i16 || kind == Kind::i32 || kind == Kind::i64;
  const std::uint64_t most = ~std::uint64_t{0} >> (64 - bits + (has_sign ? 1 : 0));
  const bool negative = item.kind == CborKind::negative_integer;
  if (!is_number(item) || item.number > most || (negative && !has_sign)) return false;
  out.number(negative ? ~item.number : item.number, bits / 8);
  return true;
}

bool write_float(const CborItem& item, Kind kind, HeaderWriter& out) {
  if (item.kind != CborKind::floating) return false;
  const auto bits = std::bit_cast<std::uint64_t>(item.floating);
  const auto narrow = kind == Kind::f32 ? wire::narrow(bits, wire::kSingle) : std::optional(bits);
  if (narrow) out.number(*narrow, row_of(kind).bytes);
  return narrow.has_value();
}

bool write_scalar(const CborItem& item, Kind kind, HeaderWriter& out) {
  switch (kind) {
    case Kind::string:
      if (item.kind != CborKind::text && item.kind != CborKind::bytes) return false;
      out.string(item.content);
      return true;
    case Kind::boolean:
      if (item.kind != CborKind::boolean) return false;
      out.number(item.number, 1);
      return true;
    case Kind::f32:
    case Kind::f64: return write_float(item, kind, out);
    default: return write_integer(item, kind, out);
  }
}

// The type of the next array in a list of types between commas, which moves on to the one after it.
std::string_view next_type(std::string_view& list) {
  std::size_t depth = 0, end = 0;
  for (; end < list.size() && (depth > 0 || list[end] != ','); ++end) {
    if (list[end] == '[') ++depth;
    if (list[end] == ']' && depth > 0) --depth;
  }
  const std::string_view type = list.substr(0, end);
  list.remove_prefix(std::min(list.size(), end + 1));
  return type;
}

// Writes the type of the items, their count, and the items. `types` is what stands between the brackets.
bool write_array(std::span<const std::byte> cbor, std::string_view types, HeaderWriter& out, std::uint32_t depth) {
  CborCursor cursor = cursor_of(cbor);
  const CborItem array = cursor.read();
  const auto kind = types.starts_with('[') ? std::optional(Kind::array) : find_kind(types);
  if (!kind || depth > kArrayDepth) return false;
  out.u32(static_cast<std::uint32_t>(*kind));
  if (array.kind == CborKind::bytes) {
    out.string(array.content);  // a count, and that many bytes
    return *kind == Kind::u8;
  }
  if (array.kind != CborKind::array || array.indefinite) return false;
  out.length(array.number);
  std::string_view list = types;
  const std::string_view first = next_type(list);
  const bool uniform = list.empty();
  for (std::uint64_t i = 0; cursor.more(); ++i) {
    if (*kind != Kind::array) {
      if (!write_scalar(cursor.read(), *kind, out)) return false;
      continue;
    }
    const std::string_view type = uniform || i == 0 ? first : next_type(list);
    if (type.size() < 2 || type.front() != '[' || type.back() != ']') return false;
    if (!write_array(cursor.skip(), type.substr(1, type.size() - 2), out, depth + 1)) return false;
  }
  return uniform || list.empty();
}

}  // namespace

void HeaderWriter::bytes(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::size_t end = out_.size();
  out_.resize(end + bytes.size());
  std::memcpy(out_.data() + end, bytes.data(), bytes.size());
}

void HeaderWriter::length(std::uint64_t value) {
  overflows_ = overflows_ || (narrow_ && value > std::numeric_limits<std::uint32_t>::max());
  number(value, narrow_ ? 4 : 8);
}

void HeaderWriter::string(std::span<const std::byte> text) {
  length(text.size());
  bytes(text);
}

void HeaderWriter::number(std::uint64_t value, unsigned bytes) {
  std::array<std::byte, 8> encoded;
  for (unsigned i = 0; i < bytes; ++i) encoded[i] = static_cast<std::byte>(value >> (8 * i));
  out_.insert(out_.end(), encoded.begin(), encoded.begin() + bytes);
}

std::string usual_type(std::span<const std::byte> cbor) { return usual_type_of(cbor, 0); }

bool write_value(std::span<const std::byte> cbor, std::string_view type, HeaderWriter& out) {
  if (type.size() >= 2 && type.front() == '[' && type.back() == ']') {
    out.u32(static_cast<std::uint32_t>(Kind::array));
    return write_array(cbor, type.substr(1, type.size() - 2), out, 1);
  }
  const auto kind = find_kind(type);
  if (!kind) return false;
  out.u32(static_cast<std::uint32_t>(*kind));
  return write_scalar(cursor_of(cbor).read(), *kind, out);
}

}  // namespace zt::foreign::gguf
