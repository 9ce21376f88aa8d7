#include "hash/crc32.h"

#include <array>

#include "base/endian.h"

namespace zt::hash {
namespace {

constexpr std::uint32_t kIeee = 0xEDB88320;  // its bits reversed

// Entry [n][b]: what byte b does to the value, with n more bytes behind it.
constexpr std::array<std::array<std::uint32_t, 256>, 8> make_ieee_table() {
  std::array<std::array<std::uint32_t, 256>, 8> table = {};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? value >> 1 ^ kIeee : value >> 1;
    table[0][byte] = value;
  }
  for (std::size_t n = 1; n < 8; ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      table[n][byte] = table[n - 1][byte] >> 8 ^ table[0][table[n - 1][byte] & 0xFFU];
    }
  }
  return table;
}
constexpr auto kIeeeTable = make_ieee_table();

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  std::uint32_t value = ~crc;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {  // eight bytes at once, each with a table of its own
    const std::uint64_t word = endian::load_le<std::uint64_t>(bytes.data()) ^ value;
    value = 0;
    for (unsigned n = 0; n < 8; ++n) value ^= kIeeeTable[7 - n][word >> 8 * n & 0xFFU];
  }
  for (const std::byte byte : bytes)
    value = value >> 8 ^ kIeeeTable[0][(value ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU];
  return ~value;
}

}  // namespace zt::hash
