#pragma once

#include <cstdint>
#include <optional>

namespace zt {

// What turns the elements of a part into stored bytes and back.
enum class Codec : std::uint8_t {
  raw,
  zstd,
  deflate,  // of zip archives; it is read, and no Encoding writes it
};

// How the bytes of a part are stored: by which codec, and how hard it tries.
class Encoding {
 public:
  [[nodiscard]] static constexpr Encoding raw() { return Encoding(Codec::raw, {}); }
  // zstd frames of 1 MiB with a seek table (spec/zt-1.2.md §6). `level` is 1 to 22; the writer throws usage otherwise.
  [[nodiscard]] static constexpr Encoding zstd(int level = 3) { return Encoding(Codec::zstd, level); }
  [[nodiscard]] constexpr Codec codec() const { return codec_; }
  [[nodiscard]] constexpr bool is_raw() const { return codec_ == Codec::raw; }
  [[nodiscard]] constexpr int level() const { return level_.value_or(0); }  // 0 for codecs without levels
  friend constexpr bool operator==(Encoding, Encoding) = default;

 private:
  constexpr Encoding(Codec codec, std::optional<int> level) : codec_(codec), level_(level) {}
  Codec codec_;
  std::optional<int> level_;
};

}  // namespace zt
