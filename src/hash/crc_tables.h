#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/endian.h"

// CRCs of 32 bits, in plain C++.
namespace zt::hash {

// A register holds a polynomial over GF(2), with the coefficient of x^0 in the top bit. `polynomial` is x^32 modulo the
// polynomial of the CRC.
template <std::uint32_t polynomial>
class Crc {
 public:
  // `crc` is the value of the bytes before `bytes`; 0 if there are none.
  static std::uint32_t of(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
    std::uint32_t state = ~crc;
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
      const std::uint32_t low = endian::load_le<std::uint32_t>(bytes.data()) ^ state;
      const std::uint32_t high = endian::load_le<std::uint32_t>(bytes.data() + 4);
      state = kTables[7][low & 0xFF] ^ kTables[6][(low >> 8) & 0xFF] ^ kTables[5][(low >> 16) & 0xFF] ^
              kTables[4][low >> 24] ^ kTables[3][high & 0xFF] ^ kTables[2][(high >> 8) & 0xFF] ^
              kTables[1][(high >> 16) & 0xFF] ^ kTables[0][high >> 24];
    }
    for (const std::byte byte : bytes) {
      state = (state >> 8) ^ kTables[0][(state ^ std::to_integer<std::uint32_t>(byte)) & 0xFF];
    }
    return ~state;
  }

  // The register is linear in its start and in the bytes. The value of B alone started from all ones. Behind A, B starts
  // from A's register, which differs from all ones by the value of A. As many zero bytes as B has carry this difference
  // to the end. The two final inversions cancel.
  static std::uint32_t join(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) noexcept {
    return multiply(a, power_of_bytes(length_of_b)) ^ b;
  }
  // join() for a length that is known when this is compiled, in the time of a few dozen operations.
  template <std::uint64_t length_of_b>
  static std::uint32_t join_fixed(std::uint32_t a, std::uint32_t b) noexcept {
    constexpr std::uint32_t kPower = power_of_bytes(length_of_b);
    return multiply(a, kPower) ^ b;
  }

 private:
  static constexpr std::uint32_t kOne = 0x80000000;  // x^0

  static constexpr std::uint32_t times_x(std::uint32_t a) noexcept {
    return (a >> 1) ^ ((a & 1) != 0 ? polynomial : 0);
  }

  using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

  // kTables[k][b] is the part of the register that comes from byte b after byte b and k zero bytes.
  static constexpr Tables make_tables() noexcept {
    Tables tables = {};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t value = byte;
      for (int bit = 0; bit < 8; ++bit) value = times_x(value);
      tables[0][byte] = value;
    }
    for (std::size_t k = 1; k < 8; ++k) {
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const std::uint32_t before = tables[k - 1][byte];
        tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
      }
    }
    return tables;
  }
  static const Tables kTables;

  static constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) noexcept {
    std::uint32_t product = 0;
    for (std::uint32_t bit = kOne; bit != 0; bit >>= 1) {
      if ((b & bit) != 0) product ^= a;
      a = times_x(a);
    }
    return product;
  }

  // x^(8 n): n zero bytes multiply a register by it.
  static constexpr std::uint32_t power_of_bytes(std::uint64_t n) noexcept {
    std::uint32_t power = kOne;
    std::uint32_t square = kOne >> 8;  // x^8, then x^16, x^32, ...
    for (; n != 0; n >>= 1) {
      if ((n & 1) != 0) power = multiply(power, square);
      square = multiply(square, square);
    }
    return power;
  }
};

template <std::uint32_t polynomial>
constexpr typename Crc<polynomial>::Tables Crc<polynomial>::kTables = Crc<polynomial>::make_tables();

}  // namespace zt::hash
