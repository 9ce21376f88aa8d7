#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "ztensor/source.h"

namespace zt {

// What is in a source as one JSON document (docs/guide/cli.md lists its keys), without a newline at the end. Reads no
// element bytes.
[[nodiscard]] ZT_API std::string info_json(const Source& source);
// Any text as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] ZT_API std::string json_quote(std::string_view text);
// An attribute as JSON. Bytes become {"$bytes": hex}, non-finite floats {"$float": "nan"}, tags {"$tag": n, "value":
// v}; a map with keys other than text becomes an array of pairs under "$map".
[[nodiscard]] ZT_API std::string json_value(const Value& value);
// An element of at most 16 bytes as text: numbers in the fewest digits that give the value back, "true" and "false",
// complex numbers as "1+2j". Throws usage for float4, whose elements are not whole bytes.
[[nodiscard]] ZT_API std::string element_text(DType dtype, std::span<const std::byte> element);
// The value of a JSON text. A map such as {"$bytes": hex} stays a map. Throws malformed "json.*", unsupported in a
// build without simdjson.
[[nodiscard]] ZT_API Value json_parse(std::string_view text);

}  // namespace zt
