#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "container/profiles/profiles.h"

// What the rules of the quantized layouts are made of. `rule` is what is thrown, as malformed, where one is broken.
namespace zt::container {

[[noreturn]] void broken(const char* rule, std::string message);
// An unsigned integer at a key of a map of attributes.
std::optional<std::uint64_t> find_unsigned(const Value& map, std::string_view key);
// The text at a key, or "".
std::string_view find_text(const Value& map, std::string_view key);
// An integer of either sign and any size.
std::optional<double> find_integer(const Value& map, std::string_view key);
// Elements of the shape: nothing when they are more than 64 bits count.
std::optional<std::uint64_t> count_elements(std::span<const std::uint64_t> shape);
// Notes the shape around an axis. There are no elements, or the products fit 64 bits.
void set_axis(model::Quantized& found, std::span<const std::uint64_t> shape, std::uint64_t axis,
              std::uint64_t elements);
// The part of that role, or null.
const ProfilePart* find_part(const Profile& profile, std::string_view role);
// Throws `rule` unless the tensor has these parts and no other.
void check_parts(const Profile& profile, std::span<const std::string_view> roles, const char* rule);
// Its dtype, for messages.
std::string type_of(const ProfilePart& part);
// Throws `rule` unless the part is as long as it should be; nothing: longer than 64 bits count.
void check_length(const ProfilePart& part, std::optional<std::uint64_t> expected, const char* rule);

}  // namespace zt::container
