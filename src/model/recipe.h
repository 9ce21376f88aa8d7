#pragma once

#include <array>
#include <cstdint>

namespace zt::model {

inline constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};

enum class Coding : std::uint8_t {
  raw,       // the stored bytes are the decoded bytes
  zstd,      // a stream of zstd frames, with or without a seek table
  seekable,  // zt.zstd-seekable/1: zstd frames and their seek table, and nothing else
};

// How the elements of a part lie among the decoded bytes of a larger blob, or in another byte order. Two axes are
// enough for what there is: coordinates of interleaved records, ranges, big-endian words.
struct View {
  std::uint64_t blob_length = 0;  // decoded bytes of the whole blob
  std::uint64_t start = 0;        // of the first element among them
  std::array<std::uint64_t, 2> shape = {1, 1};
  std::array<std::uint64_t, 2> strides = {0, 0};  // bytes; every element lies within the blob: the decoder has checked
  std::uint32_t element_bytes = 1;
  std::uint32_t swap_bytes = 0;  // of the big-endian words to turn around; 0: none
};

inline constexpr std::uint32_t kWhole = 0xFFFFFFFF;  // no View: the part is all of its blob, as it lies

// How the decoded bytes of one part come to be. Made by decoders, carried out by read/.
struct Recipe {
  std::uint64_t offset = 0;  // of the stored bytes in their file
  std::uint64_t stored_length = 0;
  std::uint64_t decoded_length = 0;  // of the part; kUnknownLength: a zstd part that does not say
  std::uint32_t view = kWhole;       // an index into the Catalog's views
  std::uint16_t file = 0;            // 0: the file itself; n: shard n - 1 of the Catalog
  Coding coding = Coding::raw;
};

}  // namespace zt::model
