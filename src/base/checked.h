#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

// Arithmetic on numbers that come from a file: empty instead of wrapping.
namespace zt::checked {

inline std::optional<std::uint64_t> add(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

// Saturates: for totals that we only report.
inline std::uint64_t add_up(std::uint64_t a, std::uint64_t b) noexcept {
  return add(a, b).value_or(std::numeric_limits<std::uint64_t>::max());
}

inline std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// The next multiple of `alignment`, a power of two.
inline std::optional<std::uint64_t> align_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  const auto bumped = add(value, alignment - 1);
  if (!bumped) return std::nullopt;
  return *bumped & ~(alignment - 1);
}

// The same, unchecked: for positions that we computed ourselves, which are far below 2^64.
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

// The number of elements of a shape. Empty if the product of the non-zero dimensions overflows, even if another
// dimension is zero: a later reshape would overflow.
inline std::optional<std::uint64_t> elements(std::span<const std::uint64_t> shape) noexcept {
  std::uint64_t product = 1;
  bool empty = false;
  for (const std::uint64_t dimension : shape) {
    if (dimension == 0) {
      empty = true;
      continue;
    }
    const auto next = multiply(product, dimension);
    if (!next) return std::nullopt;
    product = *next;
  }
  return empty ? 0 : product;
}

// Whether [offset, offset + length) lies in [0, size).
inline bool within(std::uint64_t offset, std::uint64_t length, std::uint64_t size) noexcept {
  return length <= size && offset <= size - length;
}

}  // namespace zt::checked
