#include "codec/entropy.h"

namespace zt::codec {
namespace {

constexpr unsigned kLogBits = 8;  // of a mantissa that the table looks at

// log2 of (256 + i + 1/2) / 256.
constexpr std::array<std::uint32_t, 1 << kLogBits> kLogs = [] {
  std::array<std::uint32_t, 1 << kLogBits> logs = {};
  for (std::uint32_t i = 0; i < logs.size(); ++i) {
    logs[i] = log2_of(2 * ((1U << kLogBits) + i) + (i == 0 ? 0 : 1)) - (kLogBits + 1) * kEntropyBit;
  }
  return logs;
}();

}  // namespace

std::uint32_t rough_log2_of(std::uint32_t x) noexcept {
  const auto whole = static_cast<std::uint32_t>(std::bit_width(x) - 1);
  const std::uint32_t top = whole >= kLogBits ? x >> (whole - kLogBits) : x << (kLogBits - whole);
  return whole * kEntropyBit + kLogs[top & ((1U << kLogBits) - 1)];
}

ByteCounts count_bytes(std::span<const std::byte> bytes) noexcept {
  ByteCounts counts = {};
  for (const std::byte byte : bytes) ++counts[std::to_integer<std::size_t>(byte)];
  return counts;
}

std::uint64_t entropy_of(const ByteCounts& counts, std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = 0;
  for (const std::uint32_t count : counts) {
    if (count != 0) sum += std::uint64_t{count} * log2_of(count);
  }
  return log2_of(static_cast<std::uint32_t>(bytes.size())) - sum / bytes.size();
}

}  // namespace zt::codec
