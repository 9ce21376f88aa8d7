#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "ztensor/dtype.h"
#include "ztensor/value.h"

namespace zt::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

// How often to try a law: less often with a sanitizer, which is many times slower.
inline int rounds(int count) { return kSanitized ? (count + 9) / 10 : count; }

// The number in the environment variable ZT_SEED, else 0. The same number gives all tests the same inputs. A failing
// test prints the number.
std::uint64_t run_seed();

// Choices that follow from `seed`, which differs between tests, and from run_seed(), which differs between runs.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed + run_seed() * 0x9E3779B97F4A7C15) {}
  static std::string name() { return "ZT_SEED=" + std::to_string(run_seed()); }

  std::uint64_t bits() { return engine_(); }
  // 0 to bound - 1. It uses no standard distribution, because these differ from library to library.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T, std::size_t N>
  const T& pick(const T (&items)[N]) {
    return items[below(N)];
  }

  // Any bytes. As floats, they include NaNs of every payload and negative zeros.
  std::vector<std::byte> bytes(std::size_t size);
  // Bytes that zstd makes smaller.
  std::vector<std::byte> soft_bytes(std::size_t size);
  DType dtype() { return static_cast<DType>(below(kDTypeCount)); }

  // A shape of `most` elements at most; sometimes 0-d, sometimes empty.
  std::vector<std::uint64_t> shape(std::size_t max_rank, std::uint64_t most) {
    std::vector<std::uint64_t> out(below(max_rank + 1));
    std::uint64_t left = most;
    for (std::uint64_t& size : out) {
      size = chance(4) ? 0 : between(1, std::min<std::uint64_t>(left, chance(20) ? left : 7));
      left /= std::max<std::uint64_t>(1, size);
    }
    return out;
  }

  std::string text(std::size_t most) {
    static constexpr const char* kPieces[] = {
        "a", "Z", "0", ".", "/", " ", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x8C\x8D", "\n"};
    std::string out;
    for (std::size_t left = below(most + 1); left > 0; --left) out += pick(kPieces);
    return out;
  }
  // Any CBOR value that a file can hold.
  Value value(unsigned depth = 3);
  // A map with text keys, or null.
  Value attributes() {
    if (chance(30)) return {};
    Value out = Value::map();
    for (std::uint64_t left = below(5); left > 0; --left) out.set(text(6), value());
    return out;
  }

 private:
  double floating();
  std::mt19937_64 engine_;
};

inline double Random::floating() {
  static constexpr std::uint64_t kOdd[] = {0x8000000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
                                           0x7FF8000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF,
                                           0x0000000000000001, 0x3FF8000000000000, 0x7FF8000020000000};
  return std::bit_cast<double>(chance(50) ? pick(kOdd) : bits());
}

inline Value Random::value(unsigned depth) {
  switch (below(depth == 0 ? 9 : 12)) {
    case 0: return {};
    case 1: return Value(chance(50));
    case 2: return Value(bits() >> below(64));
    case 3: return Value(Value::Negative{bits() >> below(64)});
    case 4:
    case 5: return Value(floating());
    case 6: return Value(text(12));
    case 7: return Value(bytes(below(12)));
    case 8: return chance(50) ? Value(Value::Undefined{}) : Value(Value::Simple{static_cast<std::uint8_t>(below(20))});
    case 9: {
      Value::Array items;
      for (std::uint64_t left = below(4); left > 0; --left) items.push_back(value(depth - 1));
      return Value(std::move(items));
    }
    case 10: {
      Value::Map members;  // keys of any kind, which may repeat
      for (std::uint64_t left = below(4); left > 0; --left) members.emplace_back(value(depth - 1), value(depth - 1));
      return Value(std::move(members));
    }
    default: return Value::tagged(between(6, 60000), value(depth - 1));
  }
}

}  // namespace zt::test
