#include "codec/split.h"

#include <algorithm>
#include <bit>

#include "base/endian.h"

#ifdef __x86_64__
#include <immintrin.h>
#elif defined(__AARCH64EL__)
#include <arm_neon.h>
#endif

namespace zt::codec {
namespace {

// From the element `first` on. `n`: all elements.
template <class Word>
void split_words(const std::byte* elements, std::byte* planes, int rotation, std::size_t first,
                 std::size_t n) noexcept {
  for (std::size_t i = first; i < n; ++i) {
    const auto word = std::rotl(endian::load_le<Word>(elements + i * sizeof(Word)), rotation);
    for (std::size_t k = 0; k < sizeof(Word); ++k) planes[k * n + i] = static_cast<std::byte>(word >> (8 * k) & 0xFF);
  }
}

template <class Word>
void join_words(const std::byte* planes, std::byte* elements, int rotation, std::size_t first, std::size_t n) noexcept {
  for (std::size_t i = first; i < n; ++i) {
    std::uint64_t word = 0;
    for (std::size_t k = 0; k < sizeof(Word); ++k) word |= std::to_integer<std::uint64_t>(planes[k * n + i]) << (8 * k);
    endian::store_le(elements + i * sizeof(Word), std::rotr(static_cast<Word>(word), rotation));
  }
}

void split_from(ElementForm form, std::span<const std::byte> elements, std::byte* planes, std::size_t first) noexcept {
  const int rotation = is_float(form) ? 1 : 0;
  const std::size_t n = elements.size() / width_of(form);
  switch (width_of(form)) {
    case 1: return split_words<std::uint8_t>(elements.data(), planes, 0, first, n);
    case 2: return split_words<std::uint16_t>(elements.data(), planes, rotation, first, n);
    case 4: return split_words<std::uint32_t>(elements.data(), planes, rotation, first, n);
    default: return split_words<std::uint64_t>(elements.data(), planes, rotation, first, n);
  }
}

void join_from(ElementForm form, const std::byte* planes, std::span<std::byte> elements, std::size_t first) noexcept {
  const int rotation = is_float(form) ? 1 : 0;
  const std::size_t n = elements.size() / width_of(form);
  switch (width_of(form)) {
    case 1: return join_words<std::uint8_t>(planes, elements.data(), 0, first, n);
    case 2: return join_words<std::uint16_t>(planes, elements.data(), rotation, first, n);
    case 4: return join_words<std::uint32_t>(planes, elements.data(), rotation, first, n);
    default: return join_words<std::uint64_t>(planes, elements.data(), rotation, first, n);
  }
}

// Elements of 2^k bytes are split in k passes. Each pass takes the bytes at even places apart from those at odd places,
// so that the elements of the next pass have half the width. Blocks of this many elements stay in the first cache.
[[maybe_unused]] constexpr std::size_t kBlock = 1024;

#ifdef __x86_64__

#define ZT_VECTOR __attribute__((target("avx2")))

bool has_vectors() noexcept {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

// Each element rotated left by one bit. `bits`: of an element; 0: no rotation.
template <int bits>
ZT_VECTOR inline __m256i rotated_left(__m256i v) noexcept {
  if constexpr (bits == 16) return _mm256_or_si256(_mm256_slli_epi16(v, 1), _mm256_srli_epi16(v, 15));
  if constexpr (bits == 32) return _mm256_or_si256(_mm256_slli_epi32(v, 1), _mm256_srli_epi32(v, 31));
  if constexpr (bits == 64) return _mm256_or_si256(_mm256_slli_epi64(v, 1), _mm256_srli_epi64(v, 63));
  return v;
}
template <int bits>
ZT_VECTOR inline __m256i rotated_right(__m256i v) noexcept {
  if constexpr (bits == 16) return _mm256_or_si256(_mm256_srli_epi16(v, 1), _mm256_slli_epi16(v, 15));
  if constexpr (bits == 32) return _mm256_or_si256(_mm256_srli_epi32(v, 1), _mm256_slli_epi32(v, 31));
  if constexpr (bits == 64) return _mm256_or_si256(_mm256_srli_epi64(v, 1), _mm256_slli_epi64(v, 63));
  return v;
}

ZT_VECTOR inline __m256i load(const std::byte* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
ZT_VECTOR inline void store(std::byte* to, __m256i v) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v);
}

// `pairs` is a multiple of 32: 64 bytes of input at a time.
template <int bits>
ZT_VECTOR void take_apart(const std::byte* in, std::size_t pairs, std::byte* even, std::byte* odd) noexcept {
  const __m256i low = _mm256_set1_epi16(0x00FF);
  for (std::size_t i = 0; i < pairs; i += 32) {
    const __m256i a = rotated_left<bits>(load(in + 2 * i));
    const __m256i b = rotated_left<bits>(load(in + 2 * i + 32));
    const __m256i evens = _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
    const __m256i odds = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
    store(even + i, _mm256_permute4x64_epi64(evens, 0xD8));
    store(odd + i, _mm256_permute4x64_epi64(odds, 0xD8));
  }
}

template <int bits>
ZT_VECTOR void put_together(const std::byte* even, const std::byte* odd, std::size_t pairs, std::byte* out) noexcept {
  for (std::size_t i = 0; i < pairs; i += 32) {
    const __m256i evens = load(even + i), odds = load(odd + i);
    const __m256i low = _mm256_unpacklo_epi8(evens, odds), high = _mm256_unpackhi_epi8(evens, odds);
    store(out + 2 * i, rotated_right<bits>(_mm256_permute2x128_si256(low, high, 0x20)));
    store(out + 2 * i + 32, rotated_right<bits>(_mm256_permute2x128_si256(low, high, 0x31)));
  }
}

#elif defined(__AARCH64EL__)

#define ZT_VECTOR

constexpr bool has_vectors() noexcept { return true; }

template <int bits>
uint8x16_t rotated_left(uint8x16_t v) noexcept {
  if constexpr (bits == 16) {
    const uint16x8_t w = vreinterpretq_u16_u8(v);
    return vreinterpretq_u8_u16(vsriq_n_u16(vshlq_n_u16(w, 1), w, 15));
  } else if constexpr (bits == 32) {
    const uint32x4_t w = vreinterpretq_u32_u8(v);
    return vreinterpretq_u8_u32(vsriq_n_u32(vshlq_n_u32(w, 1), w, 31));
  } else if constexpr (bits == 64) {
    const uint64x2_t w = vreinterpretq_u64_u8(v);
    return vreinterpretq_u8_u64(vsriq_n_u64(vshlq_n_u64(w, 1), w, 63));
  } else {
    return v;
  }
}
template <int bits>
uint8x16_t rotated_right(uint8x16_t v) noexcept {
  if constexpr (bits == 16) {
    const uint16x8_t w = vreinterpretq_u16_u8(v);
    return vreinterpretq_u8_u16(vsliq_n_u16(vshrq_n_u16(w, 1), w, 15));
  } else if constexpr (bits == 32) {
    const uint32x4_t w = vreinterpretq_u32_u8(v);
    return vreinterpretq_u8_u32(vsliq_n_u32(vshrq_n_u32(w, 1), w, 31));
  } else if constexpr (bits == 64) {
    const uint64x2_t w = vreinterpretq_u64_u8(v);
    return vreinterpretq_u8_u64(vsliq_n_u64(vshrq_n_u64(w, 1), w, 63));
  } else {
    return v;
  }
}

std::uint8_t* octets(std::byte* bytes) noexcept { return reinterpret_cast<std::uint8_t*>(bytes); }
const std::uint8_t* octets(const std::byte* bytes) noexcept { return reinterpret_cast<const std::uint8_t*>(bytes); }

// `pairs` is a multiple of 32.
template <int bits>
void take_apart(const std::byte* in, std::size_t pairs, std::byte* even, std::byte* odd) noexcept {
  for (std::size_t i = 0; i < pairs; i += 16) {
    const uint8x16_t a = rotated_left<bits>(vld1q_u8(octets(in + 2 * i)));
    const uint8x16_t b = rotated_left<bits>(vld1q_u8(octets(in + 2 * i + 16)));
    vst1q_u8(octets(even + i), vuzp1q_u8(a, b));
    vst1q_u8(octets(odd + i), vuzp2q_u8(a, b));
  }
}

template <int bits>
void put_together(const std::byte* even, const std::byte* odd, std::size_t pairs, std::byte* out) noexcept {
  for (std::size_t i = 0; i < pairs; i += 16) {
    const uint8x16_t evens = vld1q_u8(octets(even + i)), odds = vld1q_u8(octets(odd + i));
    vst1q_u8(octets(out + 2 * i), rotated_right<bits>(vzip1q_u8(evens, odds)));
    vst1q_u8(octets(out + 2 * i + 16), rotated_right<bits>(vzip2q_u8(evens, odds)));
  }
}

#endif

#ifdef ZT_VECTOR

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 sees reads of `even` before take_apart() fills it
#endif

// Splits n elements, a multiple of 32 and at most kBlock. Plane k goes to planes + k * stride.
template <unsigned width, int bits>
ZT_VECTOR void split_block(const std::byte* in, std::size_t n, std::byte* planes, std::size_t stride) noexcept {
  if constexpr (width == 2) {
    take_apart<bits>(in, n, planes, planes + stride);
  } else {
    constexpr unsigned kHalf = width / 2;
    std::byte even[kBlock * kHalf], odd[kBlock * kHalf];  // the bytes of even planes, and those of odd planes
    take_apart<bits>(in, n * kHalf, even, odd);
    split_block<kHalf, 0>(even, n, planes, 2 * stride);
    split_block<kHalf, 0>(odd, n, planes + stride, 2 * stride);
  }
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <unsigned width, int bits>
ZT_VECTOR void join_block(const std::byte* planes, std::size_t stride, std::size_t n, std::byte* out) noexcept {
  if constexpr (width == 2) {
    put_together<bits>(planes, planes + stride, n, out);
  } else {
    constexpr unsigned kHalf = width / 2;
    std::byte even[kBlock * kHalf], odd[kBlock * kHalf];
    join_block<kHalf, 0>(planes, 2 * stride, n, even);
    join_block<kHalf, 0>(planes + stride, 2 * stride, n, odd);
    put_together<bits>(even, odd, n * kHalf, out);
  }
}

// Returns how many elements it has split: all but fewer than 32.
template <unsigned width, int bits>
std::size_t split_blocks(std::span<const std::byte> elements, std::byte* planes) noexcept {
  const std::size_t n = elements.size() / width, whole = n / 32 * 32;
  for (std::size_t at = 0; at < whole; at += kBlock) {
    split_block<width, bits>(elements.data() + at * width, std::min(kBlock, whole - at), planes + at, n);
  }
  return whole;
}

template <unsigned width, int bits>
std::size_t join_blocks(const std::byte* planes, std::span<std::byte> elements) noexcept {
  const std::size_t n = elements.size() / width, whole = n / 32 * 32;
  for (std::size_t at = 0; at < whole; at += kBlock) {
    join_block<width, bits>(planes + at, n, std::min(kBlock, whole - at), elements.data() + at * width);
  }
  return whole;
}

std::size_t split_fast(ElementForm form, std::span<const std::byte> elements, std::byte* planes) noexcept {
  if (!has_vectors()) return 0;
  switch (form) {
    case ElementForm::bytes1: return 0;
    case ElementForm::bytes2: return split_blocks<2, 0>(elements, planes);
    case ElementForm::bytes4: return split_blocks<4, 0>(elements, planes);
    case ElementForm::bytes8: return split_blocks<8, 0>(elements, planes);
    case ElementForm::float2: return split_blocks<2, 16>(elements, planes);
    case ElementForm::float4: return split_blocks<4, 32>(elements, planes);
    case ElementForm::float8: return split_blocks<8, 64>(elements, planes);
  }
  return 0;
}

std::size_t join_fast(ElementForm form, const std::byte* planes, std::span<std::byte> elements) noexcept {
  if (!has_vectors()) return 0;
  switch (form) {
    case ElementForm::bytes1: return 0;
    case ElementForm::bytes2: return join_blocks<2, 0>(planes, elements);
    case ElementForm::bytes4: return join_blocks<4, 0>(planes, elements);
    case ElementForm::bytes8: return join_blocks<8, 0>(planes, elements);
    case ElementForm::float2: return join_blocks<2, 16>(planes, elements);
    case ElementForm::float4: return join_blocks<4, 32>(planes, elements);
    case ElementForm::float8: return join_blocks<8, 64>(planes, elements);
  }
  return 0;
}

#else

std::size_t split_fast(ElementForm, std::span<const std::byte>, std::byte*) noexcept { return 0; }
std::size_t join_fast(ElementForm, const std::byte*, std::span<std::byte>) noexcept { return 0; }

#endif

}  // namespace

void split(ElementForm form, std::span<const std::byte> elements, std::span<std::byte> planes) noexcept {
  if (form == ElementForm::bytes1) return void(std::ranges::copy(elements, planes.begin()));
  split_from(form, elements, planes.data(), split_fast(form, elements, planes.data()));
}

void join(ElementForm form, std::span<const std::byte> planes, std::span<std::byte> elements) noexcept {
  if (form == ElementForm::bytes1) return void(std::ranges::copy(planes, elements.begin()));
  join_from(form, planes.data(), elements, join_fast(form, planes.data(), elements));
}

void split_portable(ElementForm form, std::span<const std::byte> elements, std::span<std::byte> planes) noexcept {
  split_from(form, elements, planes.data(), 0);
}

void join_portable(ElementForm form, std::span<const std::byte> planes, std::span<std::byte> elements) noexcept {
  join_from(form, planes.data(), elements, 0);
}

}  // namespace zt::codec
