#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/element_form.h"
#include "codec/coders.h"
#include "ztensor/encoding.h"

namespace zt::codec {

// The set of words that name codecs in a file.
enum class Words : std::uint8_t {
  zt1,  // of generations 0.1 to 1.2
  zt2,  // of generation 2
};

// The rules that a part breaks whose stored bytes do not decode to the part. Null for raw parts.
struct StreamRules {
  const char* empty = nullptr;      // there are no stored bytes
  const char* shorter = nullptr;    // it decodes to less than the part
  const char* longer = nullptr;     // it decodes to more than the part
  const char* truncated = nullptr;  // the stored bytes end too early
  const char* limit = nullptr;      // a part of unknown length decodes to more than a limit
};

// One way to store parts. A new codec needs a row in codecs.cc, with its encoder and decoders, and a value of Codec.
struct Row {
  Codec codec;
  // What stores such a part anew: the codec at its default level, or raw if we do not write the codec.
  Encoding usual;
  std::string_view name;                       // for users
  std::array<std::string_view, 2> words = {};  // by Words; "": these generations have no such word
  int most_level = 0;                          // levels are 1 to this level; 0: no levels
  bool has_frames = false;                     // a seek table follows the pieces, so any of them can be read alone
  std::uint64_t ratio = 1;                     // the most decoded bytes for one stored byte
  std::uint64_t worth = 16;                    // a new part is stored raw unless the codec saves one in so many bytes
  // The most stored bytes of a part with `decoded` decoded bytes, its seek table included. Null if we do not write it.
  std::uint64_t (*bound)(std::uint64_t decoded) = nullptr;
  // Null for raw parts, whose stored bytes are the decoded bytes, for a codec whose parts are always read in pieces, and
  // for deltas, which take another part to decode (codec/delta.h).
  std::unique_ptr<PartDecoder> (*part_decoder)() = nullptr;
  StreamRules rules = {};
  // Null too for a codec that only streams: parts are read from front to back.
  std::unique_ptr<PieceDecoder> (*piece_decoder)(ElementForm form) = nullptr;
  // Null too for a codec that we do not write.
  std::unique_ptr<PieceEncoder> (*encoder)(ElementForm form, int level) = nullptr;

  constexpr bool is_raw() const { return codec == Codec::raw; }
  constexpr bool is_written() const { return usual.codec() == codec; }
  constexpr std::string_view word(Words words_of) const { return words[static_cast<std::size_t>(words_of)]; }
};

// All codecs, by the value of Codec.
std::span<const Row> codecs();
const Row& row_of(Codec codec);
// The codec with this word in a file; null if these generations have no such word.
const Row* find_word(Words words, std::string_view word);
// Whether `stored` stored bytes can decode to `decoded` bytes.
bool can_give(Codec codec, std::uint64_t stored, std::uint64_t decoded);

// Keeps one decoder for each codec. For one thread at a time.
class PieceDecoders {
 public:
  PieceDecoder& of(Codec codec, ElementForm form);  // any codec with a piece decoder

 private:
  std::vector<std::unique_ptr<PieceDecoder>> made_;  // by Codec and ElementForm
};

}  // namespace zt::codec
