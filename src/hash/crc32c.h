#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zt::hash {

// CRC-32C (Castagnoli). `crc` is the value of the bytes before `bytes`; 0 if there are none.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;
// The value of A followed by B, from the value of each. The time is logarithmic in the length of B.
std::uint32_t crc32c_join(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) noexcept;
// crc32c() in plain C++, which tests compare with.
std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;
// crc32c() of builds without ISA-L: with the instruction of the processor if it has one, else crc32c_portable().
std::uint32_t crc32c_instruction(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

}  // namespace zt::hash
