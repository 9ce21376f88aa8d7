// Types whose elements are small integers, each scaled by the scale of its group.

#include <array>
#include <bit>

#include "read/ggml_blocks.h"
#include "read/ggml_grids.h"
#include "read/ggml_kernels.h"

#ifdef __clang__
#pragma clang fp contract(off)  // a product is rounded before it is added to
#endif

namespace zt::read::ggml {
namespace {

// Calls `use` with the number of each element and its code of `bits` bits. Codes of a group of bytes lie side by side:
// first the lowest bits of all bytes of the group, then the next ones.
template <unsigned Bits, unsigned Group, class F>
void for_codes(const std::byte* codes, unsigned count, const F& use) {
  unsigned element = 0;
  for (; element < count; codes += Group) {
    for (unsigned shift = 0; shift < 8; shift += Bits) {
      for (unsigned i = 0; i < Group; ++i) use(element++, byte_at(codes + i) >> shift & ((1U << Bits) - 1));
    }
  }
}

// The fifth bits of 32 elements: bit i of a word.
unsigned fifth_bit(std::uint32_t bits, unsigned element) { return (bits >> element & 1) << 4; }

// The 6-bit scales and minima of the eight groups of a block of q4_k and q5_k.
struct GroupScales {
  std::array<float, 8> scale, least;
};

GroupScales group_scales(const std::byte* at) {
  const float scale = half_at(at), least = half_at(at + 2);
  const std::byte* packed = at + 4;
  GroupScales all;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned low = byte_at(packed + i), high = byte_at(packed + 4 + i), both = byte_at(packed + 8 + i);
    all.scale[i] = scale * real(low & 63);
    all.least[i] = least * real(high & 63);
    all.scale[i + 4] = scale * real((both & 15) | (low >> 2 & 48));
    all.least[i + 4] = least * real(both >> 4 | (high >> 2 & 48));
  }
  return all;
}

// The scales of mxfp4 and nvfp4, halved: kFp4Values are doubled.
float half_e8m0(unsigned bits) { return std::bit_cast<float>(bits < 2 ? 0x00200000U << bits : (bits - 1) << 23); }
float half_ue4m3(unsigned bits) {
  if (bits == 0x7F) return 0;
  const unsigned exponent = bits >> 3 & 15, fraction = bits & 7;
  if (exponent == 0) return real(fraction) * 0x1p-10F;
  return real(8 + fraction) / 16 * std::bit_cast<float>((exponent + 120) << 23);
}

}  // namespace

void q4_0(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for_codes<4, 16>(block + 2, 32,
                   [&](unsigned i, unsigned code) { out[i] = scale * real(static_cast<int>(code) - 8); });
}

void q4_1(const std::byte* block, float* out) {
  const float scale = half_at(block), least = half_at(block + 2);
  for_codes<4, 16>(block + 4, 32, [&](unsigned i, unsigned code) { out[i] = scale * real(code) + least; });
}

void q5_0(const std::byte* block, float* out) {
  const float scale = half_at(block);
  const std::uint32_t high = u32_at(block + 2);
  for_codes<4, 16>(block + 6, 32, [&](unsigned i, unsigned code) {
    out[i] = scale * real(static_cast<int>(code | fifth_bit(high, i)) - 16);
  });
}

void q5_1(const std::byte* block, float* out) {
  const float scale = half_at(block), least = half_at(block + 2);
  const std::uint32_t high = u32_at(block + 4);
  for_codes<4, 16>(block + 8, 32,
                   [&](unsigned i, unsigned code) { out[i] = scale * real(code | fifth_bit(high, i)) + least; });
}

void q8_0(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned i = 0; i < 32; ++i) out[i] = real(signed_at(block + 2 + i)) * scale;
}

void q2_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 80), least = half_at(block + 82);
  std::array<float, 16> scales, minima;
  for (unsigned i = 0; i < 16; ++i) {
    scales[i] = scale * real(byte_at(block + i) & 15);
    minima[i] = least * real(byte_at(block + i) >> 4);
  }
  for_codes<2, 32>(block + 16, 256,
                   [&](unsigned i, unsigned code) { out[i] = scales[i / 16] * real(code) - minima[i / 16]; });
}

void q3_k(const std::byte* block, float* out) {
  const std::byte* packed = block + 96;  // 16 scales: the low four bits in 8 bytes, then the high two in 4
  const float scale = half_at(block + 108);
  std::array<float, 16> scales;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned low = byte_at(packed + i % 8) >> (4 * (i / 8)) & 15;
    const unsigned high = byte_at(packed + 8 + i % 4) >> (2 * (i / 4)) & 3;
    scales[i] = scale * real(static_cast<int>(low | high << 4) - 32);
  }
  for_codes<2, 32>(block + 32, 256, [&](unsigned i, unsigned code) {
    const unsigned high = byte_at(block + i % 32) >> (i / 32) & 1;  // a set bit stands for 0, a clear one for -4
    out[i] = scales[i / 16] * real(static_cast<int>(code) - (high == 0 ? 4 : 0));
  });
}

void q4_k(const std::byte* block, float* out) {
  const GroupScales scales = group_scales(block);
  for_codes<4, 32>(block + 16, 256, [&](unsigned i, unsigned code) {
    out[i] = scales.scale[i / 32] * real(code) - scales.least[i / 32];
  });
}

void q5_k(const std::byte* block, float* out) {
  const GroupScales scales = group_scales(block);
  for_codes<4, 32>(block + 48, 256, [&](unsigned i, unsigned code) {
    const unsigned high = byte_at(block + 16 + i % 32) >> (i / 32) & 1;
    out[i] = scales.scale[i / 32] * real(code | high << 4) - scales.least[i / 32];
  });
}

void q6_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 208);
  std::array<float, 16> scales;
  for (unsigned i = 0; i < 16; ++i) scales[i] = scale * real(signed_at(block + 192 + i));
  for_codes<4, 64>(block, 256, [&](unsigned i, unsigned code) {
    const unsigned high = byte_at(block + 128 + i / 128 * 32 + i % 32) >> (2 * (i / 32 % 4)) & 3;
    out[i] = scales[i / 16] * real(static_cast<int>(code | high << 4) - 32);
  });
}

// Bytes hold five base-3 digits (the last four bytes: four) as a fraction of 256. The highest digit is the integral part
// of three times the fraction.
void tq1_0(const std::byte* block, float* out) {
  const float scale = half_at(block + 52);
  unsigned element = 0;
  const auto group = [&](unsigned begin, unsigned bytes, unsigned digits) {
    unsigned power = 1;
    for (unsigned digit = 0; digit < digits; ++digit, power *= 3) {
      for (unsigned i = 0; i < bytes; ++i) {
        const unsigned fraction = byte_at(block + begin + i) * power & 255;
        out[element++] = scale * real(static_cast<int>(fraction * 3 >> 8) - 1);
      }
    }
  };
  group(0, 32, 5);
  group(32, 16, 5);
  group(48, 4, 4);
}

void tq2_0(const std::byte* block, float* out) {
  const float scale = half_at(block + 64);
  for_codes<2, 32>(block, 256, [&](unsigned i, unsigned code) { out[i] = scale * real(static_cast<int>(code) - 1); });
}

void mxfp4(const std::byte* block, float* out) {
  const float scale = half_e8m0(byte_at(block));
  for_codes<4, 16>(block + 1, 32, [&](unsigned i, unsigned code) { out[i] = scale * real(int{kFp4Values[code]}); });
}

void nvfp4(const std::byte* block, float* out) {
  std::array<float, 4> scales;
  for (unsigned i = 0; i < 4; ++i) scales[i] = half_ue4m3(byte_at(block + i));
  for_codes<4, 8>(block + 4, 64,
                  [&](unsigned i, unsigned code) { out[i] = scales[i / 16] * real(int{kFp4Values[code]}); });
}

}  // namespace zt::read::ggml
