#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/catalog.h"
#include "ztensor/dtype.h"
#include "ztensor/limits.h"

// The header of an array in NumPy's own format (docs/formats/numpy.md).
namespace zt::foreign::numpy {

inline constexpr std::size_t kPrefix = 8;                     // magic and version
inline constexpr std::size_t kLeastHead = kPrefix + 2;        // and the length of the text in version 1
inline constexpr std::uint64_t kMostHead = 12 + (64U << 10);  // magic, version, length and text

// How the elements of an array are stored.
struct Elements {
  DType dtype = DType::u8;
  unsigned bytes = 1;     // of one element
  std::uint8_t swap = 0;  // the bytes of a big-endian word; 0: little-endian
};

struct Header {
  std::uint64_t data = 0;  // where the elements begin: the bytes of the header
  std::string descr;       // the stored type as the header has it; "(" and "[" begin one that is not a text
  bool fortran = false;    // the first axis moves fastest
  std::vector<std::uint64_t> shape;
  std::uint64_t count = 0;           // elements
  std::optional<Elements> elements;  // empty: we cannot read the type
};

// The bytes of a whole header, from the first bytes of a file: magic, version and the length of the text. Reads at most
// 12 bytes of `head`. Throws malformed "npy.*"; unsupported; limit.
std::uint64_t header_bytes(std::span<const std::byte> head);
// Parses a whole header, which has header_bytes(). Throws malformed "npy.*", limit.
Header parse_header(std::span<const std::byte> bytes, const Limits& limits);
// Whether the elements are Python objects, which are a pickle behind the header.
bool has_objects(const Header& header);
// Why we cannot read the elements of an array. Only for a header without `elements`.
model::Fault fault_of_type(const Header& header);

}  // namespace zt::foreign::numpy
