#pragma once

#include <cstdint>

namespace zt::model {

inline constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};

enum class Coding : std::uint8_t {
  raw,   // the stored bytes are the decoded bytes
  zstd,  // a stream of zstd frames, with or without a seek table
};

// How the decoded bytes of one part come to be. Made by decoders, carried out by read/.
struct Recipe {
  std::uint64_t offset = 0;  // of the stored bytes in their file
  std::uint64_t stored_length = 0;
  std::uint64_t decoded_length = 0;  // kUnknownLength: a zstd part that does not say
  std::uint32_t file = 0;            // an index into the source's list of files
  Coding coding = Coding::raw;
};

}  // namespace zt::model
