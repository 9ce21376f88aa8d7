#include "codec/blocks.h"

#include <algorithm>

#include "base/endian.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

constexpr std::uint32_t kMagic = 0xFD2FB528;
constexpr unsigned kRawBlock = 0, kRepeatedBlock = 1, kCompressedBlock = 2;
constexpr std::size_t kHeaderBytes = 3;

struct Block {
  unsigned type = 0;
  bool is_last = false;
  std::span<const std::byte> stored;  // with the header
};

void require(bool holds) {
  if (!holds) throw Error(Code::internal, "", "zstd: libzstd made a frame that is not as expected");
}

// The blocks of a frame that libzstd made from start to end.
class Blocks {
 public:
  explicit Blocks(std::span<const std::byte> frame) {
    require(frame.size() >= 6 && endian::load_le<std::uint32_t>(frame.data()) == kMagic);
    const auto descriptor = std::to_integer<unsigned>(frame[4]);
    const bool single = (descriptor & 32) != 0;
    const unsigned content = descriptor >> 6;
    require((descriptor & 3) == 0);  // no dictionary
    const std::size_t content_bytes = content == 0 ? (single ? 1U : 0U) : std::size_t{1} << content;
    rest_ = frame.subspan(5 + (single ? 0U : 1U) + content_bytes);
  }

  Block next() {
    require(rest_.size() >= kHeaderBytes);
    const std::uint32_t header = std::to_integer<std::uint32_t>(rest_[0]) |
                                 std::to_integer<std::uint32_t>(rest_[1]) << 8 |
                                 std::to_integer<std::uint32_t>(rest_[2]) << 16;
    Block block{.type = header >> 1 & 3, .is_last = (header & 1) != 0, .stored = {}};
    const std::size_t size = kHeaderBytes + (block.type == kRepeatedBlock ? 1 : header >> 3);
    require(rest_.size() >= size);
    block.stored = rest_.first(size);
    rest_ = rest_.subspan(size);
    return block;
  }

 private:
  std::span<const std::byte> rest_;
};

// The bytes of the literals section, which a compressed block begins with. RFC 8878 §3.1.1.3.1
std::size_t literals_bytes(std::span<const std::byte> block) {
  require(!block.empty());
  const auto first = std::to_integer<unsigned>(block[0]);
  const unsigned type = first & 3, format = first >> 2 & 3;
  if (type < 2) {  // raw, or one repeated byte
    const std::size_t header = format == 1 ? 2 : format == 3 ? 3 : 1;
    require(block.size() >= header);
    std::uint32_t bits = 0;
    for (std::size_t i = header; i-- > 0;) bits = bits << 8 | std::to_integer<std::uint32_t>(block[i]);
    return header + (type == 1 ? 1 : bits >> ((format & 1) == 0 ? 3 : 4));
  }
  const std::size_t header = format < 2 ? 3 : format + 2;
  require(block.size() >= header);
  std::uint64_t bits = 0;
  for (std::size_t i = header; i-- > 0;) bits = bits << 8 | std::to_integer<std::uint64_t>(block[i]);
  const unsigned width = format < 2 ? 10 : format == 2 ? 14 : 18;
  return header + static_cast<std::size_t>(bits >> (4 + width) & ((std::uint64_t{1} << width) - 1));
}

bool has_matches(const Block& block) {
  if (block.type != kCompressedBlock) return false;
  const auto content = block.stored.subspan(kHeaderBytes);
  const std::size_t literals = literals_bytes(content);
  require(content.size() > literals);
  return content[literals] != std::byte{0};  // the number of sequences
}

}  // namespace

bool has_matches(std::span<const std::byte> frame) {
  Blocks blocks(frame);
  while (true) {
    const Block block = blocks.next();
    if (has_matches(block)) return true;
    if (block.is_last) return false;
  }
}

FrameBuilder::FrameBuilder(std::vector<std::byte>& out, std::size_t content, std::size_t room, Checksum checksum)
    : out_(out), checksum_(checksum) {
  constexpr std::byte kDescriptor{0x80 | 0x20};  // 4 bytes of content size, a single segment
  constexpr std::byte kWithChecksum{0x04};
  out_.clear();
  out_.reserve(room);
  out_.resize(9);
  endian::store_le(out_.data(), kMagic);
  out_[4] = checksum == Checksum::yes ? kDescriptor | kWithChecksum : kDescriptor;
  endian::store_le(out_.data() + 5, static_cast<std::uint32_t>(content));
}

void FrameBuilder::add_header(unsigned type, std::size_t size) {
  last_header_ = out_.size();
  const auto header = static_cast<std::uint32_t>(size << 3 | type << 1);
  for (unsigned shift = 0; shift < 24; shift += 8) out_.push_back(static_cast<std::byte>(header >> shift & 0xFF));
}

void FrameBuilder::add_raw(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto block = bytes.first(std::min(bytes.size(), kMostBlockBytes));
    add_header(kRawBlock, block.size());
    out_.insert(out_.end(), block.begin(), block.end());
    bytes = bytes.subspan(block.size());
  }
}

void FrameBuilder::add_repeated(std::byte byte, std::size_t count) {
  while (count > 0) {
    const std::size_t block = std::min(count, kMostBlockBytes);
    add_header(kRepeatedBlock, block);
    out_.push_back(byte);
    count -= block;
  }
}

void FrameBuilder::add_blocks(std::span<const std::byte> frame) {
  Blocks blocks(frame);
  for (bool more = true; more;) {
    const Block block = blocks.next();
    more = !block.is_last;
    last_header_ = out_.size();
    out_.insert(out_.end(), block.stored.begin(), block.stored.end());
    out_[last_header_] &= std::byte{0xFE};  // finish() marks the last block
  }
}

void FrameBuilder::finish(std::uint64_t checksum) {
  if (last_header_ == 0) add_header(kRawBlock, 0);
  out_[last_header_] |= std::byte{1};
  if (checksum_ == Checksum::no) return;
  out_.resize(out_.size() + 4);
  endian::store_le(out_.data() + out_.size() - 4, static_cast<std::uint32_t>(checksum));
}

}  // namespace zt::codec
