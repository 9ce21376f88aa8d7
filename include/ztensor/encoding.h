#pragma once

#include <cstdint>
#include <optional>

namespace zt {

// What turns the elements of a part into stored bytes and back.
enum class Codec : std::uint8_t {
  raw,
  zstd,
  deflate,  // of zip archives; it is read, and no Encoding writes it
  planes,   // byte planes in zstd frames, for weights
  delta,    // what changed since another part (spec/delta.md); it is read, and no Encoding writes it
};

// How the bytes of a part are stored: by which codec, and how hard it tries.
class Encoding {
 public:
  [[nodiscard]] static constexpr Encoding raw() { return Encoding(Codec::raw, {}); }
  // zstd frames of 1 MiB with a seek table (spec/zt-1.2.md §6). `level` is 1 to 22; the writer throws usage otherwise.
  [[nodiscard]] static constexpr Encoding zstd(int level = 3) { return Encoding(Codec::zstd, level); }
  // Stores the bytes of elements apart by their significance, each plane in the smallest way (spec/planes.md): a model of
  // bfloat16 is a third smaller. `level`, 1 to 22, is that of zstd for planes with copies. Formats .zt 1.2 and 2 have it;
  // the writer throws usage for others. In 1.2 only dense tensors have planes: parts of other layouts become zstd(level).
  [[nodiscard]] static constexpr Encoding planes(int level = 3) { return Encoding(Codec::planes, level); }
  // Stores each part in the way that is smallest by a sample: planes, zstd at level 3, or raw where neither saves 3%. Up to
  // four pieces of each part are encoded twice. Its codec() is that of planes, and so are its formats.
  [[nodiscard]] static constexpr Encoding automatic() { return Encoding(Codec::planes, 3, true); }
  [[nodiscard]] constexpr Codec codec() const { return codec_; }
  [[nodiscard]] constexpr bool is_raw() const { return codec_ == Codec::raw; }
  [[nodiscard]] constexpr int level() const { return level_.value_or(0); }  // 0 for codecs without levels
  [[nodiscard]] constexpr bool is_automatic() const { return automatic_; }
  friend constexpr bool operator==(Encoding, Encoding) = default;

 private:
  constexpr Encoding(Codec codec, std::optional<int> level, bool automatic = false)
      : codec_(codec), level_(level), automatic_(automatic) {}
  Codec codec_;
  std::optional<int> level_;
  bool automatic_;
};

}  // namespace zt
