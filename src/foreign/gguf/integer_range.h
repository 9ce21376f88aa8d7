#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "foreign/gguf/types.h"

namespace zt::foreign::gguf {

// The range of the integers of an array, which tells its usual type: the first of i32, u32, i64 and u64 that holds all.
struct IntegerRange {
  std::int64_t least = 0;
  std::uint64_t most = 0;

  void add(std::int64_t value) {
    least = std::min(least, value);
    if (value > 0) most = std::max(most, static_cast<std::uint64_t>(value));
  }
  void add(std::uint64_t value) { most = std::max(most, value); }
  Kind usual() const {
    constexpr std::uint64_t kMostI32 = std::numeric_limits<std::int32_t>::max();
    constexpr std::uint64_t kMostI64 = std::numeric_limits<std::int64_t>::max();
    if (most <= kMostI32 && least >= std::numeric_limits<std::int32_t>::min()) return Kind::i32;
    if (least >= 0 && most <= std::numeric_limits<std::uint32_t>::max()) return Kind::u32;
    return most <= kMostI64 ? Kind::i64 : Kind::u64;
  }
};

}  // namespace zt::foreign::gguf
