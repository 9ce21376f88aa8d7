#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codec/coders.h"

// Deflate streams (RFC 1951), as members of zip archives are. We read them, and write none.
namespace zt::codec {

// The most decoded bytes for one stored byte: the shortest code for a run of 258 bytes has 2 bits.
inline constexpr std::uint64_t kMostDeflateRatio = 1032;

// Decodes one raw deflate stream, which must fill the part: bytes behind the end of the stream are malformed. Throws
// malformed "deflate.stream.*".
class InflateDecoder final : public PartDecoder {
 public:
  InflateDecoder();
  ~InflateDecoder() override;
  Step decode(std::span<const std::byte> stored, std::span<std::byte> out) override;
  bool at_end() const noexcept override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zt::codec
