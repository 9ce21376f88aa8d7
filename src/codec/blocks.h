#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// The blocks of zstd frames (RFC 8878 §3.1.1), for an encoder that decides itself how each part of a frame is stored.
namespace zt::codec {

inline constexpr std::size_t kMostBlockBytes = std::size_t{128} << 10;  // decoded bytes of a block

// Makes one frame of a single segment, with content size. For one thread at a time.
class FrameBuilder {
 public:
  enum class Checksum : bool { no, yes };
  // `out`: gets the frame; what it has is dropped. `room`: about how long the frame may get. `checksum`: of the content.
  FrameBuilder(std::vector<std::byte>& out, std::size_t content, std::size_t room, Checksum checksum = Checksum::yes);
  void add_raw(std::span<const std::byte> bytes);
  void add_repeated(std::byte byte, std::size_t count);
  // The blocks of a whole frame that libzstd made, without its header and checksum. Nothing in them refers to what is
  // before, except to the repeated offsets: so only one call may add blocks with matches (has_matches()).
  void add_blocks(std::span<const std::byte> frame);
  // `checksum`: of the content, by XXH64; ignored in a frame without one.
  void finish(std::uint64_t checksum = 0);

 private:
  void add_header(unsigned type, std::size_t size);

  std::vector<std::byte>& out_;
  Checksum checksum_;
  std::size_t last_header_ = 0;  // where the header of the last block is; 0: there is no block
};

// Whether any block of a frame that libzstd made has matches. Such blocks use the repeated offsets of those before them.
bool has_matches(std::span<const std::byte> frame);

}  // namespace zt::codec
