#pragma once

#include <string>

#include "ztensor/source.h"

namespace zt {

// What is in a source as one JSON document (docs/guide.md has its keys), without a newline at the end. Reads no
// element bytes.
ZT_API std::string info_json(const Source& source);
// Any text as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD.
ZT_API std::string json_quote(std::string_view text);
// An attribute as JSON: bytes are {"$bytes": hex}, non-finite floats {"$float": "nan"}, tags {"$tag": n, "value": v},
// maps with keys other than text arrays of pairs under "$map".
ZT_API std::string json_value(const Value& value);
// The value of a JSON text; what json_value() writes for what JSON lacks stays a map. Throws malformed "json.*",
// unsupported in a build without simdjson.
ZT_API Value json_parse(std::string_view text);

}  // namespace zt
