#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "run/progress.h"
#include "source/state.h"
#include "ztensor/options.h"
#include "ztensor/slice.h"
#include "ztensor/tensor.h"

namespace zt::source {

// Decodes a part and checks its digest. Counts its bytes with `meter`.
void check_bytes(const SourceState& state, const model::PartRow& part, Verify verify, unsigned threads,
                 run::Meter& meter);
// Whether a part must be checked before a view of its bytes, or a slice, is given out.
bool wants_check(const SourceState& state, std::uint32_t row, std::optional<Verify> verify);
// Checks the part then, and remembers that it was checked.
void check_if_wanted(const SourceState& state, const Part& part, std::optional<Verify> verify, unsigned threads,
                     run::Meter& meter);

// The size of a slice of a dense tensor. They throw as Tensor::read_slice().
std::uint64_t slice_elements(const Tensor& tensor, const Selection& selection);
std::uint64_t slice_bytes(const Tensor& tensor, const Selection& selection);

// How Tensor::read_slice() reads.
struct SliceReading {
  std::optional<Verify> verify = {};
  unsigned threads = 1;
  Progress progress = {};
};
void read_slice(const Tensor& tensor, const Selection& selection, std::span<std::byte> out,
                const SliceReading& reading);

}  // namespace zt::source
