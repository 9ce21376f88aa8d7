#include "hash/crc32c.h"

#include "hash/crc_tables.h"

#ifdef ZT_HAVE_ISAL
#include <isa-l/crc.h>
#endif

namespace zt::hash {
namespace {

using Castagnoli = Crc<0x82F63B78>;

}  // namespace

std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  return Castagnoli::of(bytes, crc);
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
#ifdef ZT_HAVE_ISAL
  // ISA-L takes and returns the register without inverting it, and counts bytes in an int.
  constexpr std::size_t kPiece = std::size_t{1} << 30;
  std::uint32_t state = ~crc;
  while (!bytes.empty()) {
    const auto piece = bytes.first(bytes.size() < kPiece ? bytes.size() : kPiece);
    // ISA-L only reads the bytes, although the pointer is not const.
    auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(piece.data()));
    state = crc32_iscsi(data, static_cast<int>(piece.size()), state);
    bytes = bytes.subspan(piece.size());
  }
  return ~state;
#else
  return crc32c_portable(bytes, crc);
#endif
}

std::uint32_t crc32c_join(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) noexcept {
  return Castagnoli::join(a, b, length_of_b);
}

}  // namespace zt::hash
