#include "container/zt01/index.h"

#include <array>

#include "base/utf8.h"
#include "container/shared/manifest_fields.h"

namespace zt::container::zt01 {
namespace {

using wire::CborItem;
using wire::CborKind;

constexpr std::array<Field, 9> kFields = {{{"name", "zt01.name", true},
                                           {"offset", "zt01.offset", true},
                                           {"size", "zt01.blob.size", true},
                                           {"dtype", "zt01.dtype.text", true},
                                           {"shape", "zt01.shape", true},
                                           {"encoding", "zt01.encoding.text", true},
                                           {"layout", "zt01.layout.text"},
                                           {"data_endianness", "zt01.endianness.text"},
                                           {"checksum", "zt01.digest.text"}}};
constexpr unsigned kName = 0;

// zt-0.1 §6
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

// zt-0.1 §3
IndexCursor::IndexCursor(std::span<const std::byte> index, const Limits& limits)
    : limits_(limits), root_(index, lenient_rules(limits, 0)), value_({}, lenient_rules(limits, 2)) {
  const CborItem head = root_.read();
  if (head.kind != CborKind::array) throw Error(Code::malformed, "zt01.root", "the index is not an array");
  if (!head.indefinite) count_ = head.number;
}

// zt-0.1 §3
bool IndexCursor::next(Entry& out) {
  if (!root_.more()) return false;
  if (root_.read().kind != CborKind::map)
    throw Error(Code::malformed, "zt01.entry", "the entry of a tensor is not a map");
  out = {};
  out.layout = "dense";
  read_entry(out);
  return true;
}

// zt-0.1 §3
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
      seen.mark(field, kFields[field]);
      read_field(field, out);
    });
    if (fault && field == kName && out.name.empty()) throw *fault;
    note_fault(out.fault, std::move(fault));
  }
  seen.require(kName, kFields[kName]);
  try {
    for (unsigned i = 0; i < kFields.size(); ++i) seen.require(i, kFields[i]);
  } catch (const Error& error) {
    note_fault(out.fault, error);
  }
  if (custom_count_ == 0) return;
  wire::CborWriter attributes;
  attributes.map(custom_count_);
  attributes.raw(custom_.buffer());
  out.attributes = std::move(attributes.buffer());
}

// zt-0.1 §3
void IndexCursor::read_field(unsigned index, Entry& out) {
  const Field& field = kFields[index];
  if (index == 4) {
    out.shape.clear();
    return read_shape(value_, limits_, field, "zt01.shape.rank", out.shape);
  }
  const CborItem value = value_.read();
  if (!field.required && is_absent(value)) return;
  switch (index) {
    case kName: out.name = text_of(value, field); break;
    case 1: out.offset = number_of(value, field); break;
    case 2: out.length = number_of(value, field); break;
    case 3: out.dtype = text_of(value, field); break;
    case 5: out.codec = codec_of(text_of(value, field), "zt01.encoding"); break;
    case 6: out.layout = text_of(value, field); break;
    case 7: out.big_endian = is_big(text_of(value, field)); break;
    default: out.digest = text_of(value, field);
  }
}

// Keeps a key that the format does not define, with its encoded value.
void IndexCursor::read_custom(std::string_view key) {
  custom_.text(key);
  custom_.raw(root_.skip());
  ++custom_count_;
}

}  // namespace zt::container::zt01
