#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "run/progress.h"

namespace zt::read {

// How blocks of one of ggml's types become numbers (spec/profiles/gguf.md).
struct GgmlType {
  std::string_view word;   // "q4_k"
  std::uint32_t elements;  // of a block
  std::uint32_t bytes;     // of a block
  // Computes in single precision, each operation rounded, in the order in which ggml's Python package does it.
  void (*dequantize)(const std::byte* block, float* out);
};

// Null for a type that is not known, or whose blocks only hold intermediate results (q8_1, q8_k).
const GgmlType* find_ggml(std::string_view word);

// `blocks` are whole blocks, and `out` has their elements.
void dequantize_ggml(const GgmlType& type, std::span<const std::byte> blocks, std::span<float> out, unsigned threads,
                     run::Meter& meter);

}  // namespace zt::read
