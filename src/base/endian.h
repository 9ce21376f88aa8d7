#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>

// Fixed-width integers in byte buffers, at any address.
namespace zt::endian {

template <std::unsigned_integral T>
constexpr T swap(T value) noexcept {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <std::unsigned_integral T>
T load_le(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return std::endian::native == std::endian::little ? value : swap(value);
}

template <std::unsigned_integral T>
T load_be(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return std::endian::native == std::endian::big ? value : swap(value);
}

template <std::unsigned_integral T>
void store_le(std::byte* at, T value) noexcept {
  if constexpr (std::endian::native == std::endian::big) value = swap(value);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace zt::endian
