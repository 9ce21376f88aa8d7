#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/source.h"

namespace zt {

// What is in a source as one JSON document (docs/guide/cli.md lists its keys), without a newline at the end. Reads no
// element bytes.
[[nodiscard]] ZT_API std::string info_json(const Source& source);
// How weights of a model are quantized by other libraries, as far as names, dtypes and attributes tell.
struct QuantizationScheme {
  std::string name;           // such as "GPTQ, 4 bits, groups of 128"; or what the attributes state, such as "fp8"
  std::uint64_t weights = 0;  // how many weights the names tell; 0: the attributes state it
};
// The schemes that the names and dtypes of tensors tell, those of the most weights first; then what the attributes state:
// a `quantization_config`, also of an attribute "config.json". Empty if nothing tells a scheme. Blocks of GGUF and layouts
// of zTensor are no schemes: `Tensor::layout()` tells them. Reads no element bytes.
[[nodiscard]] ZT_API std::vector<QuantizationScheme> quantization_schemes(const Source& source);
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
