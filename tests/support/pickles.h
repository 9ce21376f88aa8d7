#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "ztensor/byte_store.h"

// The opcodes of pickles, for tests.
namespace zt::test::pickles {

inline MemoryStore stored(std::string_view stream) {
  const auto bytes = as_bytes(stream);
  return MemoryStore(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

inline std::string little(std::uint64_t value, unsigned bytes) {
  std::string out;
  for (unsigned i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
  return out;
}

inline std::string text(std::string_view value) { return "X" + little(value.size(), 4) + std::string(value); }
inline std::string binary(std::string_view value) { return "B" + little(value.size(), 4) + std::string(value); }
inline std::string number(std::int32_t value) { return "J" + little(static_cast<std::uint32_t>(value), 4); }
inline std::string tuple(std::string_view items) { return "(" + std::string(items) + "t"; }
inline std::string list(std::string_view items) { return "](" + std::string(items) + "e"; }
inline std::string dict(std::string_view entries) { return "}(" + std::string(entries) + "u"; }
inline std::string put(unsigned index) { return "r" + little(index, 4); }
inline std::string get(unsigned index) { return "j" + little(index, 4); }
inline std::string call(std::string_view module, std::string_view name, std::string_view arguments) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n" + tuple(arguments) + "R";
}
inline std::string pickled(std::string_view value, char protocol = 3) {
  return std::string("\x80") + protocol + std::string(value) + ".";
}
// Bytes in protocol 2.
inline std::string latin1(std::string_view as_utf8) {
  return call("_codecs", "encode", text(as_utf8) + text("latin1"));
}

inline std::string dtype(std::string_view code) {
  return call("numpy", "dtype", text(code) + "\x89\x88") +
         tuple(number(3) + text("<") + "NNN" + number(-1) + number(-1) + number(0)) + "b";
}
// An array of NumPy. `payload`: opcodes.
inline std::string array(std::string_view payload, std::int32_t elements, std::string_view code = "u1") {
  return call("numpy.core.multiarray", "_reconstruct", "cnumpy\nndarray\n" + tuple(number(0)) + binary("b")) +
         tuple(number(1) + tuple(number(elements)) + dtype(code) + "\x89" + std::string(payload)) + "b";
}

}  // namespace zt::test::pickles
