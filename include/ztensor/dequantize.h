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

// The values of a quantized tensor, row-major in its shape: of layout "zt.mx/1" or "zt.quant_group/1" (spec/profiles),
// in a file of any format. Each is computed in double precision and rounded once. Takes one decoded copy of the parts
// beside the result. Digests are checked as `verify` says, or the source; `progress` counts decoded bytes. Throws the
// tensor's cause when it is unreadable; malformed when its attributes and parts do not agree; unsupported for "gguf.*"
// layouts; limit when the result is over Limits::decoded_bytes; usage for other layouts, dense ones too; io, mismatch,
// no_memory, cancelled.
ZT_API std::vector<float> dequantize(const Tensor& tensor, std::optional<Verify> verify = {},
                                     const Progress& progress = {});
// Into memory of the caller; throws usage unless out.size() is elements().
ZT_API void dequantize_into(const Tensor& tensor, std::span<float> out, std::optional<Verify> verify = {},
                            const Progress& progress = {});
// Into memory that `memory` is asked for, once, by the number of elements. The parts were read by then, so that nothing
// of that size is allocated for a file whose parts are not as long as its index says.
ZT_API void dequantize_into(const Tensor& tensor, const std::function<std::span<float>(std::uint64_t)>& memory,
                            std::optional<Verify> verify = {}, const Progress& progress = {});

}  // namespace zt
