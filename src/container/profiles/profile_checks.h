#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "container/profiles/profiles.h"

// Helpers for the rules of the quantized layouts. `rule` is the id that they throw, as malformed.
namespace zt::container {

[[noreturn]] void broken(const char* rule, std::string message);
// The unsigned integer at a key of a map of attributes, or nothing.
std::optional<std::uint64_t> find_unsigned(const Value& map, std::string_view key);
// The text at a key, or "".
std::string_view find_text(const Value& map, std::string_view key);
// The integer of either sign and any size at a key, or nothing.
std::optional<double> find_integer(const Value& map, std::string_view key);
// The number of elements; empty if it does not fit 64 bits.
std::optional<std::uint64_t> count_elements(std::span<const std::uint64_t> shape);
// Fills in the shape around an axis. `elements`: the number of elements, as count_elements() gives it.
void set_axis(model::Quantized& found, std::span<const std::uint64_t> shape, std::uint64_t axis,
              std::uint64_t elements);
// The part with this role, or null.
const ProfilePart* find_part(const Profile& profile, std::string_view role);
// Throws `rule` unless the tensor has exactly these parts.
void check_parts(const Profile& profile, std::span<const std::string_view> roles, const char* rule);
// The dtype of a part, for messages.
std::string type_of(const ProfilePart& part);
// Throws `rule` unless the part has `expected` bytes; empty: the length does not fit 64 bits.
void check_length(const ProfilePart& part, std::optional<std::uint64_t> expected, const char* rule);

}  // namespace zt::container
