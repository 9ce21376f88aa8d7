#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/quantized.h"
#include "ztensor/value.h"

// The quantized layouts: zt.mx/1, zt.quant_group/1 and gguf.<type>/1 (spec/profiles). They have the same rules in every
// generation that can hold them.
namespace zt::container {

struct ProfilePart {
  std::string_view role;
  std::optional<DType> dtype;  // empty if the logical type is unknown
  std::uint64_t length;        // decoded bytes
};

// What the index says about a tensor. Borrowed for the call.
struct Profile {
  std::string_view layout;
  std::span<const std::uint64_t> shape;
  const Value& attributes;  // a map; any other value counts as an empty map
  std::span<const ProfilePart> parts;
  bool to_write = false;  // for a new tensor: refuse also what different readers understand differently
};

inline constexpr std::string_view kMx = "zt.mx/1";
inline constexpr std::string_view kQuantGroup = "zt.quant_group/1";
bool is_gguf(std::string_view layout);                // gguf.q4_0/1, ...
std::string_view gguf_type(std::string_view layout);  // of such a layout: "q4_0"

// Throws malformed "mx.*", "quant.*", "gguf.*" if the tensor breaks a rule of its layout. Other layouts pass.
void check_profile(const Profile& profile);
// The same for a tensor of this layout. Returns how it is quantized.
model::Quantized parse_mx(const Profile& profile);
model::Quantized parse_quant_group(const Profile& profile);

}  // namespace zt::container
