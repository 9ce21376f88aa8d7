// Types whose elements are looked up: several at a time in a codebook ("grid"), or one at a time in a table.

#include <array>
#include <bit>

#include "read/ggml_blocks.h"
#include "read/ggml_grids.h"
#include "read/ggml_kernels.h"

namespace zt::read::ggml {
namespace {

// Eight signs are kept in seven bits: an even number of them is negative.
unsigned eight_signs(unsigned seven) { return seven | (static_cast<unsigned>(std::popcount(seven)) & 1) << 7; }

// A factor, since compilers turn a choice into a change of sign, which a NaN would show.
constexpr std::array<float, 2> kSigns = {1, -1};

// `count` elements of a point of a grid, with signs: bit i is set if element i is negative.
void put_signed(float scale, const std::int8_t* point, unsigned signs, unsigned count, float* out) {
  for (unsigned i = 0; i < count; ++i) {
    out[i] = scale * real(int{point[i]}) * kSigns[signs >> i & 1];
  }
}

void put_shifted(float scale, const std::int8_t* point, float shift, float* out) {
  for (unsigned i = 0; i < 8; ++i) out[i] = scale * (real(int{point[i]}) + shift);
}

constexpr float kShift = 0.125F;  // of the points of iq1_s and iq1_m, either way

}  // namespace

void iq2_xxs(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned group = 0; group < 8; ++group, out += 32) {
    const std::byte* points = block + 2 + 8 * group;
    const std::uint32_t packed = u32_at(points + 4);  // four times seven signs, and a scale
    const float of_group = scale * (0.5F + real(packed >> 28)) * 0.25F;
    for (unsigned i = 0; i < 4; ++i) {
      put_signed(of_group, &kIq2XxsGrid[byte_at(points + i) * 8], eight_signs(packed >> (7 * i) & 127), 8, out + 8 * i);
    }
  }
}

void iq2_xs(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned packed = u16_at(block + 2 + 2 * i);
    const float of_group = scale * (0.5F + real(nibble_at(block + 66, i / 2))) * 0.25F;
    put_signed(of_group, &kIq2XsGrid[(packed & 511) * 8], eight_signs(packed >> 9), 8, out + 8 * i);
  }
}

void iq2_s(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned high = byte_at(block + 66 + i / 4) >> (2 * (i % 4)) & 3;
    const unsigned point = byte_at(block + 2 + i) | high << 8;
    const float of_group = scale * (0.5F + real(nibble_at(block + 74, i / 2))) * 0.25F;
    put_signed(of_group, &kIq2SGrid[point * 8], byte_at(block + 34 + i), 8, out + 8 * i);
  }
}

void iq3_xxs(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned group = 0; group < 8; ++group) {
    const std::uint32_t packed = u32_at(block + 66 + 4 * group);
    const float of_group = scale * (0.5F + real(packed >> 28)) * 0.5F;
    for (unsigned i = 0; i < 8; ++i, out += 4) {
      const unsigned signs = eight_signs(packed >> (7 * (i / 2)) & 127) >> (4 * (i % 2));
      put_signed(of_group, &kIq3XxsGrid[byte_at(block + 2 + 8 * group + i) * 4], signs, 4, out);
    }
  }
}

void iq3_s(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned i = 0; i < 64; ++i) {
    const unsigned point = byte_at(block + 2 + i) | (byte_at(block + 66 + i / 8) >> (i % 8) & 1) << 8;
    const float of_group = scale * real(1 + 2 * nibble_at(block + 106, i / 8));
    put_signed(of_group, &kIq3SGrid[point * 4], byte_at(block + 74 + i / 2) >> (4 * (i % 2)), 4, out + 4 * i);
  }
}

void iq1_s(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned packed = u16_at(block + 34 + 2 * (i / 4));
    const float of_group = scale * real(2 * (packed >> 12 & 7) + 1);
    const unsigned point = byte_at(block + 2 + i) | (packed >> (3 * (i % 4)) & 7) << 8;
    put_shifted(of_group, &kIq1Grid[point * 8], (packed & 0x8000) == 0 ? kShift : -kShift, out + 8 * i);
  }
}

// The scale of the block lies in the high four bits of the four words that hold the scales of groups.
void iq1_m(const std::byte* block, float* out) {
  const std::byte* words = block + 48;
  unsigned bits = 0;
  for (unsigned i = 0; i < 4; ++i) bits |= (u16_at(words + 2 * i) >> 12) << (4 * i);
  const float scale = half_of(bits);
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned group = i / 2;
    const float of_group = scale * real(2 * (u16_at(words + 2 * (group / 4)) >> (3 * (group % 4)) & 7) + 1);
    const unsigned high = nibble_at(block + 32, i);
    const unsigned point = byte_at(block + i) | (high & 7) << 8;
    put_shifted(of_group, &kIq1Grid[point * 8], (high & 8) == 0 ? kShift : -kShift, out + 8 * i);
  }
}

void iq4_nl(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned code = byte_at(block + 2 + i % 16) >> (4 * (i / 16)) & 15;
    out[i] = scale * real(int{kIq4Values[code]});
  }
}

void iq4_xs(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (unsigned group = 0; group < 8; ++group, out += 32) {
    const unsigned high = u16_at(block + 2) >> (2 * group) & 3;
    const float of_group = scale * real(static_cast<int>(nibble_at(block + 4, group) | high << 4) - 32);
    for (unsigned i = 0; i < 32; ++i) {
      const unsigned code = byte_at(block + 8 + 16 * group + i % 16) >> (4 * (i / 16)) & 15;
      out[i] = of_group * real(int{kIq4Values[code]});
    }
  }
}

}  // namespace zt::read::ggml
