#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foreign/gguf/header.h"
#include "foreign/gguf/types.h"
#include "wire/cbor.h"

namespace zt::foreign::gguf {

// Translates the metadata of a file to one CBOR map, in the order of the file and in one pass.
//
// CBOR tells texts, bools, integers and floats apart, but not their widths. So each kind of value has a usual type,
// which is the one that files mostly use (spec: docs/formats/gguf.md), and the types of other values are kept in an
// attribute of ours, as words.
class Metadata {
 public:
  explicit Metadata(HeaderCursor& header ZT_LIFETIME_BOUND) : header_(header) {}

  // Reads `count` keys and values.
  void read(std::uint64_t count);
  std::uint64_t alignment() const { return alignment_; }
  // The map, with what we add. Call it last.
  std::vector<std::byte> attributes(std::uint32_t version);

 private:
  struct Key {  // a key's place in the CBOR
    std::size_t at;
    std::size_t size;
  };
  struct Level {  // an array of arrays that is being read
    std::uint64_t left;
    std::string types;    // the types of its arrays so far, separated by commas
    std::string first;    // of the first array
    bool uniform = true;  // all arrays are of one type
  };
  void read_member();
  Key read_key();
  void read_alignment(Kind kind);
  // Each reads a value, writes it, and returns its type if the value does not tell it; else "".
  std::string read_value(Kind kind);
  std::string read_scalar(Kind kind);
  std::string read_array();
  bool read_items(Kind kind, std::uint64_t count);  // of a flat array; whether the items tell the type
  bool read_strings(std::uint64_t count);
  Kind read_kind(const char* rule, const char* what);
  std::uint64_t read_count(Kind kind);
  void write_float(Kind kind, const std::byte* at);
  void write_string(std::string_view text);
  void check_keys();

  HeaderCursor& header_;
  wire::CborWriter cbor_;
  wire::CborWriter types_;  // keys and words
  std::uint64_t members_ = 0;
  std::uint64_t typed_ = 0;  // members of types_
  std::uint64_t alignment_ = kDefaultAlignment;
  std::vector<Key> keys_;
};

}  // namespace zt::foreign::gguf
