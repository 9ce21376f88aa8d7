#pragma once

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
// The value of a JSON text. A map such as {"$bytes": hex} stays a map. Throws malformed "json.*", unsupported in a
// build without simdjson.
[[nodiscard]] ZT_API Value json_parse(std::string_view text);

}  // namespace zt
