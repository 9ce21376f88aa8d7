#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ztensor/dtype.h"

// The two tables of numbers that GGUF files use: types of tensors (ggml's), and types of metadata.
namespace zt::foreign::gguf {

// A type of tensors. Elements lie in blocks along the last dimension of our shape.
struct Type {
  std::uint32_t id;
  std::uint32_t elements;           // of a block
  std::uint32_t bytes;              // of a block
  std::string_view layout;          // "dense", or the profile: "gguf.q4_k/1"
  std::optional<DType> dtype = {};  // of a dense tensor
};

inline constexpr std::array<Type, 35> kTypes = {{
    {0, 1, 4, "dense", DType::f32},  {1, 1, 2, "dense", DType::f16},   {2, 32, 18, "gguf.q4_0/1"},
    {3, 32, 20, "gguf.q4_1/1"},      {6, 32, 22, "gguf.q5_0/1"},       {7, 32, 24, "gguf.q5_1/1"},
    {8, 32, 34, "gguf.q8_0/1"},      {9, 32, 36, "gguf.q8_1/1"},       {10, 256, 84, "gguf.q2_k/1"},
    {11, 256, 110, "gguf.q3_k/1"},   {12, 256, 144, "gguf.q4_k/1"},    {13, 256, 176, "gguf.q5_k/1"},
    {14, 256, 210, "gguf.q6_k/1"},   {15, 256, 292, "gguf.q8_k/1"},    {16, 256, 66, "gguf.iq2_xxs/1"},
    {17, 256, 74, "gguf.iq2_xs/1"},  {18, 256, 98, "gguf.iq3_xxs/1"},  {19, 256, 50, "gguf.iq1_s/1"},
    {20, 32, 18, "gguf.iq4_nl/1"},   {21, 256, 110, "gguf.iq3_s/1"},   {22, 256, 82, "gguf.iq2_s/1"},
    {23, 256, 136, "gguf.iq4_xs/1"}, {24, 1, 1, "dense", DType::i8},   {25, 1, 2, "dense", DType::i16},
    {26, 1, 4, "dense", DType::i32}, {27, 1, 8, "dense", DType::i64},  {28, 1, 8, "dense", DType::f64},
    {29, 256, 56, "gguf.iq1_m/1"},   {30, 1, 2, "dense", DType::bf16}, {34, 256, 54, "gguf.tq1_0/1"},
    {35, 256, 66, "gguf.tq2_0/1"},   {39, 32, 17, "gguf.mxfp4/1"},     {40, 64, 36, "gguf.nvfp4/1"},
    {41, 128, 18, "gguf.q1_0/1"},    {42, 64, 18, "gguf.q2_0/1"},
}};

// Types that ggml has given up, and whose numbers it does not use again.
struct RemovedType {
  std::uint32_t id;
  std::string_view name;
};
inline constexpr std::array<RemovedType, 8> kRemovedTypes = {{{4, "q4_2"},
                                                              {5, "q4_3"},
                                                              {31, "q4_0_4_4"},
                                                              {32, "q4_0_4_8"},
                                                              {33, "q4_0_8_8"},
                                                              {36, "iq4_nl_4_4"},
                                                              {37, "iq4_nl_4_8"},
                                                              {38, "iq4_nl_8_8"}}};

// A type of metadata, with the number that files use.
enum class Kind : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
inline constexpr std::uint32_t kKinds = 13;

// The word for a type in the attribute of types, and the bytes of a value (0: not fixed).
struct KindRow {
  std::string_view word;
  std::uint8_t bytes;
};
inline constexpr std::array<KindRow, kKinds> kKindRows = {{{"u8", 1},
                                                           {"i8", 1},
                                                           {"u16", 2},
                                                           {"i16", 2},
                                                           {"u32", 4},
                                                           {"i32", 4},
                                                           {"f32", 4},
                                                           {"bool", 1},
                                                           {"str", 0},
                                                           {"", 0},
                                                           {"u64", 8},
                                                           {"i64", 8},
                                                           {"f64", 8}}};
inline constexpr const KindRow& row_of(Kind kind) { return kKindRows[static_cast<std::uint32_t>(kind)]; }

inline constexpr std::uint32_t kArrayDepth = 4;  // the most levels of arrays in arrays
inline constexpr std::uint64_t kDefaultAlignment = 32;
inline constexpr std::uint64_t kMostAlignment = std::uint64_t{1} << 24;
inline constexpr std::size_t kMostName = 1024;  // bytes of a tensor's name
inline constexpr std::size_t kMostKey = 65535;  // bytes of a key
inline constexpr std::string_view kAlignment = "general.alignment";
// Attributes that we add: the version of the file, and the types of values that the values do not tell.
inline constexpr std::string_view kOwn = "ztensor.gguf.";
inline constexpr std::string_view kVersion = "ztensor.gguf.version";
inline constexpr std::string_view kByteOrder = "ztensor.gguf.byte_order";
inline constexpr std::string_view kValueTypes = "ztensor.gguf.types";

}  // namespace zt::foreign::gguf
