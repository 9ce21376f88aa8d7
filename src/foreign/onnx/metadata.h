#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/region.h"
#include "wire/cbor.h"
#include "wire/protobuf.h"
#include "ztensor/limits.h"

namespace zt::foreign::onnx {

// Reads the texts of a file. All texts, and the paths in front of names, are together within the limit on index bytes,
// and in proportion to the file: a path of 512 bytes may stand before each name of 1 byte.
class Texts {
 public:
  Texts(wire::ProtoWindow& window, const Limits& limits);
  // Throws limit "onnx.texts.limit".
  std::string read(Region text);
  // Counts bytes of names that are not read, but made. Throws like read().
  void count(std::uint64_t bytes);

 private:
  wire::ProtoWindow& window_;
  std::uint64_t most_;
  std::uint64_t left_;
};

// Attributes: members in order, as CBOR.
class Attributes {
 public:
  // False, adding nothing, if the key is taken or is no key of an attribute: it is empty, too long, no UTF-8 or has a NUL.
  bool add_text(std::string_view key, std::string_view value);
  bool add_number(std::string_view key, std::uint64_t two_complement);
  bool add_encoded(std::string_view key, std::span<const std::byte> item);
  // Adds the entries of metadata_props. Keys that attributes have already get "metadata_props." in front. Returns how
  // many keys are no keys of attributes. Throws malformed "onnx.metadata.duplicate".
  std::uint64_t add_props(wire::ProtoWindow& window, Texts& texts, const std::vector<Region>& entries);
  // One map, or nothing.
  std::vector<std::byte> finish();

 private:
  bool add_key(std::string_view key);
  std::set<std::string, std::less<>> keys_;
  wire::CborWriter members_;
};

}  // namespace zt::foreign::onnx
