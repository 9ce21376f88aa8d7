#include "container/profiles/profile_checks.h"

#include <algorithm>

#include "base/checked.h"
#include "base/count_text.h"
#include "ztensor/error.h"

namespace zt::container {
namespace {

std::string list(std::span<const std::string_view> roles) {
  std::string text;
  for (const std::string_view role : roles) text += (text.empty() ? "'" : ", '") + std::string(role) + "'";
  return text;
}

}  // namespace

void broken(const char* rule, std::string message) { throw Error(Code::malformed, rule, std::move(message)); }

std::optional<std::uint64_t> find_unsigned(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  return found == nullptr ? std::nullopt : found->unsigned_integer();
}

std::string_view find_text(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  if (found == nullptr || found->text() == nullptr) return {};
  return *found->text();
}

std::optional<double> find_integer(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto value = found->unsigned_integer()) return static_cast<double>(*value);
  if (found->negative() != nullptr) return -1.0 - static_cast<double>(found->negative()->number);
  return std::nullopt;
}

std::optional<std::uint64_t> count_elements(std::span<const std::uint64_t> shape) {
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return 0;  // even if the others overflow
  return checked::elements(shape);
}

void set_axis(model::Quantized& found, std::span<const std::uint64_t> shape, std::uint64_t axis,
              std::uint64_t elements) {
  found.along = shape[axis];
  if (elements == 0) {
    found.outer = 0;
    return;
  }
  for (std::size_t i = 0; i < axis; ++i) found.outer *= shape[i];
  for (std::size_t i = axis + 1; i < shape.size(); ++i) found.inner *= shape[i];
}

const ProfilePart* find_part(const Profile& profile, std::string_view role) {
  const auto found = std::find_if(profile.parts.begin(), profile.parts.end(),
                                  [&](const ProfilePart& part) { return part.role == role; });
  return found == profile.parts.end() ? nullptr : &*found;
}

void check_parts(const Profile& profile, std::span<const std::string_view> roles, const char* rule) {
  for (const std::string_view role : roles) {
    if (find_part(profile, role) == nullptr) broken(rule, "part '" + std::string(role) + "' is missing");
  }
  if (profile.parts.size() != roles.size()) {
    broken(rule, "there are " + count_text(profile.parts.size(), "part") + ": expected only " + list(roles));
  }
}

std::string type_of(const ProfilePart& part) {
  return part.dtype ? std::string(dtype_name(*part.dtype)) : "an unknown type";
}

void check_length(const ProfilePart& part, std::optional<std::uint64_t> expected, const char* rule) {
  if (expected && part.length == *expected) return;
  broken(rule, "part '" + std::string(part.role) + "' has " + count_text(part.length, "byte") + ": expected " +
                   (expected ? std::to_string(*expected) : "more than 64 bits count"));
}

}  // namespace zt::container
