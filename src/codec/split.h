#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/element_form.h"

// Elements as byte planes (spec/planes.md): plane k holds the byte k of each element, from the least significant one.
// Floats are rotated left by one bit within their width first, so that the exponent fills the top plane.
namespace zt::codec {

// Both ranges have the same number of bytes, which is a multiple of the width, and do not overlap.
void split(ElementForm form, std::span<const std::byte> elements, std::span<std::byte> planes) noexcept;
void join(ElementForm form, std::span<const std::byte> planes, std::span<std::byte> elements) noexcept;

// The same in plain C++, which tests compare with.
void split_portable(ElementForm form, std::span<const std::byte> elements, std::span<std::byte> planes) noexcept;
void join_portable(ElementForm form, std::span<const std::byte> planes, std::span<std::byte> elements) noexcept;

}  // namespace zt::codec
