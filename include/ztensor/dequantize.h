#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ztensor/macros.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/tensor.h"

namespace zt {

// The values of a quantized tensor, row-major in its shape. The tensor has the layout "zt.mx/1", "zt.quant_group/1" or
// "gguf.<type>/1" (spec/profiles), in a file of any format. Each value is computed in double precision and rounded once;
// blocks of ggml are computed in single precision, as ggml's own Python package does, bit for bit. Needs memory for one
// decoded copy of the parts, beside the result. `verify` replaces the source's; `progress` counts decoded bytes. Throws
// the cause of an unreadable tensor; malformed when attributes and parts do not agree; unsupported for ggml's types that
// this package has no values for (q8_1, q8_k, q1_0, q2_0) and unknown ones; limit when the result is over
// Limits::decoded_bytes; usage for other layouts, dense ones too; io, mismatch, no_memory, cancelled.
[[nodiscard]] ZT_API std::vector<float> dequantize(const Tensor& tensor, std::optional<Verify> verify = {},
                                                   const Progress& progress = {});
// The same into memory of the caller. Throws usage unless out.size() is elements().
ZT_API void dequantize_into(const Tensor& tensor, std::span<float> out, std::optional<Verify> verify = {},
                            const Progress& progress = {});
// The same into memory that `memory` returns; it is called once, with the number of elements. By then the parts have
// been read, so a file whose parts are shorter than its index says costs no allocation of that size.
ZT_API void dequantize_into(const Tensor& tensor, const std::function<std::span<float>(std::uint64_t)>& memory,
                            std::optional<Verify> verify = {}, const Progress& progress = {});

}  // namespace zt
