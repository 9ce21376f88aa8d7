#pragma once

#include <compare>
#include <cstdint>
#include <span>

#include "base/element_form.h"
#include "ztensor/dtype.h"
#include "ztensor/options.h"

namespace zt::model {

inline constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};

// What a decoder knows about the frames of a codec.
enum class Framing : std::uint8_t {
  unknown,   // a stream of frames, with or without a seek table
  seekable,  // only frames and their seek table
};

// How stored bytes become decoded bytes.
struct Coding {
  Codec codec : 4;
  Framing framing : 1;
  ElementForm form : 3;  // of planes and deltas; otherwise bytes1

  static const Coding raw;       // the stored bytes are the decoded bytes
  static const Coding zstd;      // a stream of zstd frames
  static const Coding seekable;  // zt.zstd-seekable/1
  static const Coding deflate;   // one raw deflate stream
  static constexpr Coding of(Codec codec, Framing framing = Framing::unknown) {
    Coding coding{Codec::raw, Framing::unknown, ElementForm::bytes1};
    coding.codec = codec;  // g++ 12 takes no variable for a bit field in braces
    coding.framing = framing;
    return coding;
  }
  static constexpr Coding planes(ElementForm form) {
    Coding coding = of(Codec::planes, Framing::seekable);
    coding.form = form;
    return coding;
  }
  static constexpr Coding delta(ElementForm form) {
    Coding coding = of(Codec::delta, Framing::seekable);
    coding.form = form;
    return coding;
  }
  constexpr bool is_raw() const { return codec == Codec::raw; }
  constexpr bool is_delta() const { return codec == Codec::delta; }
  friend constexpr auto operator<=>(const Coding&, const Coding&) = default;  // NOLINT(modernize-use-nullptr)
};
inline constexpr Coding Coding::raw{Codec::raw, Framing::unknown, ElementForm::bytes1};
inline constexpr Coding Coding::zstd{Codec::zstd, Framing::unknown, ElementForm::bytes1};
inline constexpr Coding Coding::seekable{Codec::zstd, Framing::seekable, ElementForm::bytes1};
inline constexpr Coding Coding::deflate{Codec::deflate, Framing::unknown, ElementForm::bytes1};

// How elements of a dtype are stored.
ElementForm element_form(DType dtype);

// Which words of an element have the opposite sign in the file: of a real number its only word, of a complex number the
// first or the last of two (PyTorch's conj and neg bits).
enum class Flip : std::uint8_t { none, first, last, both };

// Where the elements of a part are in the decoded bytes of a larger blob. `shape` and `strides` have one entry for each
// axis; the last axis moves fastest. They are borrowed from the maker of the view, or from the Catalog that keeps it.
struct View {
  std::uint64_t blob_length = 0;               // decoded bytes of the whole blob
  std::uint64_t start = 0;                     // where the first element begins in them
  std::span<const std::uint64_t> shape = {};   // may differ from the shape of the tensor
  std::span<const std::int64_t> strides = {};  // in bytes; the decoder has checked that every element is in the blob
  std::uint32_t element_bytes = 1;
  Flip flip = Flip::none;  // of a real number: none or last
};

inline constexpr std::uint32_t kWhole = 0xFFFFFFFF;  // no View: the part is the whole blob
inline constexpr std::uint16_t kOwnedFile = 0xFFFF;  // the bytes that the Catalog itself owns
inline constexpr std::size_t kMostFiles = 0xFFFE;    // that a Catalog can name beside the file itself

// How to make the decoded bytes of one part. Decoders make recipes, and src/read carries them out.
struct Recipe {
  std::uint64_t offset = 0;  // of the stored bytes in their file
  std::uint64_t stored_length = 0;
  std::uint64_t decoded_length = 0;  // of the part; kUnknownLength if the file does not state it
  std::uint32_t view = kWhole;       // an index into the Catalog's views
  std::uint16_t file = 0;            // 0: the file itself; n: file n - 1 of the Catalog; kOwnedFile
  Coding coding = Coding::raw;
  std::uint8_t swap = 0;  // the bytes of a big-endian word, which must be reversed; 0: reverse nothing
};
static_assert(sizeof(Recipe) == 32);

}  // namespace zt::model
