#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/region.h"
#include "base/utf8.h"
#include "foreign/onnx/fields.h"
#include "wire/cbor.h"
#include "wire/protobuf.h"

namespace zt::foreign::onnx {

// A key and its value, as in metadata_props.
struct Entry {
  Region key = {};
  Region value = {};
};

// Throws malformed "onnx.field.*".
inline Entry read_entry(wire::ProtoWindow& window, Region message) {
  Entry entry;
  Once once;
  for (wire::ProtoReader reader(window, message); reader.next();) {
    const wire::ProtoField& field = reader.field();
    if (field.number != entry_field::kKey && field.number != entry_field::kValue) continue;
    require(field, wire::ProtoType::bytes);
    once.see(field);
    (field.number == entry_field::kKey ? entry.key : entry.value) = field.content;
  }
  return entry;
}

// The text, if it has at most `most` bytes.
inline std::optional<std::string> short_text(const wire::ProtoWindow& window, Region text, std::size_t most) {
  if (text.length > most) return std::nullopt;
  return window.text(text);
}

// Writes a text of the file. A text that is not UTF-8 becomes bytes.
inline void write_text(wire::CborWriter& cbor, std::string_view text) {
  if (is_utf8(text)) return cbor.text(text);
  cbor.bytes(as_bytes(text));
}

}  // namespace zt::foreign::onnx
