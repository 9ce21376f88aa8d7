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

// Which words name the codecs in a file.
enum class Words : std::uint8_t {
  zt1,  // those of the generations 0.1 to 1.2
  zt2,  // those of generation 2
};

// One way to store parts. A new codec is a row in codecs.cc, with its encoder and decoders, and a value of Codec.
struct Row {
  Encoding usual;                              // the codec, at the level that is taken where nobody asks for another
  std::string_view name;                       // what users are told
  std::array<std::string_view, 2> words = {};  // by Words; "": these generations do not have it
  int most_level = 0;                          // levels are 1 to this one; 0: it has none
  bool has_frames = false;                     // a seek table follows the pieces, so that each can be read by itself
  std::uint64_t ratio = 1;                     // the most decoded bytes that one stored byte can give
  // The most stored bytes of a part, its seek table among them, of so many decoded ones.
  std::uint64_t (*bound)(std::uint64_t decoded) = nullptr;
  // Null for raw parts, whose stored bytes are the decoded ones.
  std::unique_ptr<PieceEncoder> (*encoder)(int level) = nullptr;
  std::unique_ptr<PieceDecoder> (*piece_decoder)() = nullptr;
  std::unique_ptr<PartDecoder> (*part_decoder)() = nullptr;

  constexpr Codec id() const { return usual.codec(); }
  constexpr std::string_view word(Words words_of) const { return words[static_cast<std::size_t>(words_of)]; }
};

// All of them, by their ids.
std::span<const Row> codecs();
const Row& row_of(Codec codec);
// The codec that a file names so; null for a word that these generations do not have.
const Row* find_word(Words words, std::string_view word);
// Whether so many stored bytes can decode to so many.
bool can_give(Codec codec, std::uint64_t stored, std::uint64_t decoded);

// Decoders that were made, one a codec. One thread at a time.
class PieceDecoders {
 public:
  PieceDecoder& of(Codec codec);  // not raw

 private:
  std::vector<std::unique_ptr<PieceDecoder>> made_;  // by Codec
};

}  // namespace zt::codec
