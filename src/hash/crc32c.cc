#include "hash/crc32c.h"

#include "base/endian.h"
#include "hash/crc_tables.h"

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

#ifdef ZT_HAVE_ISAL
#include <isa-l/crc.h>
#endif

namespace zt::hash {
namespace {

using Castagnoli = Crc<0x82F63B78>;

#ifdef __x86_64__

// The instruction has a latency of three cycles, and one can begin in each: three lanes keep the unit busy.
constexpr std::size_t kLane = 4096;

__attribute__((target("sse4.2"))) std::uint64_t add_word(std::uint64_t state, const std::byte* word) noexcept {
  return _mm_crc32_u64(state, endian::load_le<std::uint64_t>(word));
}

// Steps of 3 * kLane bytes, which are taken from `bytes`.
__attribute__((target("sse4.2"))) std::uint32_t lanes(std::span<const std::byte>& bytes, std::uint32_t crc) noexcept {
  for (; bytes.size() >= 3 * kLane; bytes = bytes.subspan(3 * kLane)) {
    std::uint64_t a = static_cast<std::uint32_t>(~crc), b = 0xFFFFFFFF, c = 0xFFFFFFFF;
    for (std::size_t i = 0; i < kLane; i += 8) {
      a = add_word(a, bytes.data() + i);
      b = add_word(b, bytes.data() + kLane + i);
      c = add_word(c, bytes.data() + 2 * kLane + i);
    }
    const auto value = [](std::uint64_t state) { return ~static_cast<std::uint32_t>(state); };
    crc = Castagnoli::join_fixed<kLane>(Castagnoli::join_fixed<kLane>(value(a), value(b)), value(c));
  }
  return crc;
}

__attribute__((target("sse4.2"))) std::uint32_t with_sse42(std::span<const std::byte> bytes,
                                                           std::uint32_t crc) noexcept {
  std::uint64_t state = static_cast<std::uint32_t>(~lanes(bytes, crc));
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) state = add_word(state, bytes.data());
  for (const std::byte byte : bytes) {
    state = _mm_crc32_u8(static_cast<std::uint32_t>(state), std::to_integer<unsigned char>(byte));
  }
  return ~static_cast<std::uint32_t>(state);
}

#endif

}  // namespace

std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  return Castagnoli::of(bytes, crc);
}

std::uint32_t crc32c_instruction(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
#ifdef __x86_64__
  static const bool known = __builtin_cpu_supports("sse4.2") != 0;
  if (known) return with_sse42(bytes, crc);
#endif
  return crc32c_portable(bytes, crc);
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
  return crc32c_instruction(bytes, crc);
#endif
}

std::uint32_t crc32c_join(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) noexcept {
  return Castagnoli::join(a, b, length_of_b);
}

}  // namespace zt::hash
