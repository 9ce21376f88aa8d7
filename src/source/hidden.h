#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "container/shared/delta_note.h"
#include "ztensor/value.h"

// Hidden attributes: notes that this library keeps among the attributes of a tensor. Users see only their own
// attributes. diff and id ignore a hidden attribute. It stays when the user sets others, and a format without
// attributes of tensors drops it silently.
namespace zt::source {

// "array": the tensor was a SciPy sparse array. Sparse arrays and sparse matrices multiply differently.
inline constexpr std::string_view kScipyKey = "ztensor.scipy";

// A map that says what the tensor is a delta over, or that it is only a base (spec/delta.md §5).
inline constexpr std::string_view kDeltaKey = container::kDeltaNote;

inline constexpr std::string_view kBaseKey = "ztensor.base.";  // of a file: a label follows

// The depth to parse stored attributes with that a decoder has held to its limits.
inline constexpr std::uint32_t kAnyDepth = 1000;

bool is_hidden(const Value& key);
// Whether an attribute of a file names a base.
bool names_base(const Value& key);
// The attributes of a file without those that name bases of deltas.
Value without_bases(Value attributes);
// `attributes`, and those of `from` that name bases of deltas and that `attributes` lacks.
Value with_bases_of(const Value& from, const Value& attributes);
// Encoded attributes without kDeltaKey, for a tensor that is no longer a delta. Empty: none are left.
std::vector<std::byte> without_delta(std::span<const std::byte> attributes);
// The attributes of the user; null if there are none.
Value without_hidden(const Value& attributes);
// `attributes`, and those hidden attributes of `from` that `attributes` lacks.
Value with_hidden_of(const Value& from, const Value& attributes);

}  // namespace zt::source
