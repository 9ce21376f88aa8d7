#include "container/zt01_index.h"

#include <array>

#include "base/utf8.h"
#include "container/manifest_fields.h"

namespace zt::container::zt01 {
namespace {

using wire::CborItem;
using wire::CborKind;

constexpr std::array<std::string_view, 9> kFields = {
    "name", "offset", "size", "dtype", "shape", "encoding", "layout", "data_endianness", "checksum"};
constexpr unsigned kName = 0;
constexpr unsigned kFirstOptional = 6;  // these may be null too

bool is_big(std::string_view text) {
  if (text == "big") return true;
  if (text == "little") return false;
  throw Error(Code::unsupported, "zt01.endianness", "unknown byte order " + in_quotes(text));
}

// Keeps the first fault of an entry.
void note_fault(std::optional<Error>& kept, std::optional<Error> fault) {
  if (fault && !kept) kept = std::move(fault);
}

}  // namespace

IndexCursor::IndexCursor(std::span<const std::byte> index, const Limits& limits)
    : limits_(limits), root_(index, lenient_rules(limits, 0)), value_({}, lenient_rules(limits, 2)) {
  if (root_.read().kind != CborKind::array) throw Error(Code::malformed, "zt01.root", "the index is no array");
}

bool IndexCursor::next(Entry& out) {
  if (!root_.more()) return false;
  if (root_.read().kind != CborKind::map) throw Error(Code::malformed, "zt01.entry", "a tensor's entry is no map");
  out = {};
  out.layout = "dense";
  read_entry(out);
  return true;
}

void IndexCursor::read_entry(Entry& out) {
  custom_.buffer().clear();
  custom_count_ = 0;
  SeenOnce seen("zt01.field.duplicate");
  std::string key;
  while (root_.more()) {
    std::optional<Error> fault = attempt(root_, value_, [&] { key = read_key(value_, "zt01.key"); });
    if (fault) {
      note_fault(out.fault, std::move(fault));
      root_.skip();
      continue;
    }
    const unsigned field = find_field(kFields, key);
    if (field == kFields.size()) {
      read_custom(key);
      continue;
    }
    fault = attempt(root_, value_, [&] {
      seen.mark(field, key);
      read_field(field, out);
    });
    if (fault && field == kName && out.name.empty()) throw *fault;
    note_fault(out.fault, std::move(fault));
  }
  seen.require(kName, "zt01.name", kFields[kName]);
  try {
    seen.require(1, "zt01.offset", "offset");
    seen.require(2, "zt01.blob.size", "size");
    seen.require(3, "zt01.dtype.text", "dtype");
    seen.require(4, "zt01.shape", "shape");
    seen.require(5, "zt01.encoding.text", "encoding");
  } catch (const Error& error) {
    note_fault(out.fault, error);
  }
  if (custom_count_ == 0) return;
  wire::CborWriter attributes;
  attributes.map(custom_count_);
  attributes.raw(custom_.buffer());
  out.attributes = std::move(attributes.buffer());
}

void IndexCursor::read_field(unsigned field, Entry& out) {
  if (field == 4) {
    out.shape.clear();
    return read_shape(value_, limits_, "zt01.shape", "zt01.shape.rank", out.shape);
  }
  const CborItem value = value_.read();
  if (field >= kFirstOptional && is_absent(value)) return;
  switch (field) {
    case kName: out.name = text_of(value, "zt01.name", "name"); break;
    case 1: out.offset = number_of(value, "zt01.offset", "offset"); break;
    case 2: out.length = number_of(value, "zt01.blob.size", "size"); break;
    case 3: out.dtype = text_of(value, "zt01.dtype.text", "dtype"); break;
    case 5: out.zstd = is_zstd(text_of(value, "zt01.encoding.text", "encoding"), "zt01.encoding"); break;
    case 6: out.layout = text_of(value, "zt01.layout.text", "layout"); break;
    case 7: out.big_endian = is_big(text_of(value, "zt01.endianness.text", "data_endianness")); break;
    default: out.digest = text_of(value, "zt01.digest.text", "checksum");
  }
}

// A key that is not of the format: kept as the file has its value.
void IndexCursor::read_custom(std::string_view key) {
  custom_.text(key);
  custom_.raw(root_.skip());
  ++custom_count_;
}

}  // namespace zt::container::zt01
