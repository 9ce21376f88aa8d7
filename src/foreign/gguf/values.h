#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foreign/gguf/types.h"

// Attributes as values of GGUF's metadata.
namespace zt::foreign::gguf {

// Collects the bytes of the part before the tensor data.
class HeaderWriter {
 public:
  // Version 1 has lengths and dimensions of 32 bits.
  explicit HeaderWriter(std::uint32_t version) : narrow_(version == 1) {}

  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void length(std::uint64_t value);
  void string(std::span<const std::byte> text);
  void number(std::uint64_t value, unsigned bytes);  // little-endian
  void bytes(std::span<const std::byte> bytes);
  // Whether some length did not fit.
  bool overflows() const { return overflows_; }
  std::vector<std::byte>& buffer() { return out_; }

 private:
  std::vector<std::byte> out_;
  bool narrow_;
  bool overflows_ = false;
};

// The usual type of a value, as a word of the attribute of types: "u32", "[str]". "" for a value that has none.
std::string usual_type(std::span<const std::byte> cbor);

// Writes the number of a type, and the value. False if a value of this type cannot be written; then it may have written
// something.
bool write_value(std::span<const std::byte> cbor, std::string_view type, HeaderWriter& out);

}  // namespace zt::foreign::gguf
