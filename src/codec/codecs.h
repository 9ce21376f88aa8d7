#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "codec/coders.h"
#include "ztensor/encoding.h"

namespace zt::codec {

// The set of words that name codecs in a file.
enum class Words : std::uint8_t {
  zt1,  // of generations 0.1 to 1.2
  zt2,  // of generation 2
};

// One way to store parts. A new codec needs a row in codecs.cc, with its encoder and decoders, and a value of Codec.
struct Row {
  Encoding usual;                              // the codec at its default level
  std::string_view name;                       // for users
  std::array<std::string_view, 2> words = {};  // by Words; "": these generations do not have it
  int most_level = 0;                          // levels are 1 to this level; 0: no levels
  bool has_frames = false;                     // a seek table follows the pieces, so any of them can be read alone
  std::uint64_t ratio = 1;                     // the most decoded bytes for one stored byte
  // The most stored bytes of a part with `decoded` decoded bytes, its seek table included.
  std::uint64_t (*bound)(std::uint64_t decoded) = nullptr;
  // Null for raw parts, whose stored bytes are the decoded bytes.
  std::unique_ptr<PieceEncoder> (*encoder)(int level) = nullptr;
  std::unique_ptr<PieceDecoder> (*piece_decoder)() = nullptr;
  std::unique_ptr<PartDecoder> (*part_decoder)() = nullptr;

  constexpr Codec id() const { return usual.codec(); }
  constexpr std::string_view word(Words words_of) const { return words[static_cast<std::size_t>(words_of)]; }
};

// All codecs, by id.
std::span<const Row> codecs();
const Row& row_of(Codec codec);
// The codec with this word in a file; null if these generations have no such word.
const Row* find_word(Words words, std::string_view word);
// Whether `stored` stored bytes can decode to `decoded` bytes.
bool can_give(Codec codec, std::uint64_t stored, std::uint64_t decoded);

// Keeps one decoder for each codec. For one thread at a time.
class PieceDecoders {
 public:
  PieceDecoder& of(Codec codec);  // any codec except raw

 private:
  std::vector<std::unique_ptr<PieceDecoder>> made_;  // by Codec
};

}  // namespace zt::codec
