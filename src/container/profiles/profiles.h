#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/quantized.h"
#include "ztensor/value.h"

// The quantized layouts: zt.mx/1, zt.quant_group/1 and gguf.<type>/1 (spec/profiles). The same in every generation that
// can hold them.
namespace zt::container {

struct ProfilePart {
  std::string_view role;
  std::optional<DType> dtype;  // empty: its logical type is not known
  std::uint64_t length;        // decoded bytes
};

// What the index says of a tensor: all that the rules are about. Borrowed for the call.
struct Profile {
  std::string_view layout;
  std::span<const std::uint64_t> shape;
  const Value& attributes;  // a map; anything else is as an empty one
  std::span<const ProfilePart> parts;
  bool to_write = false;  // of a new tensor: what readers take in different ways is refused too
};

inline constexpr std::string_view kMx = "zt.mx/1";
inline constexpr std::string_view kQuantGroup = "zt.quant_group/1";
bool is_gguf(std::string_view layout);  // gguf.q4_0/1, ...

// Throws malformed "mx.*", "quant.*", "gguf.*" where the tensor breaks a rule of its layout. Other layouts pass.
void check_profile(const Profile& profile);
// The same, of a tensor of that layout; what it says.
model::Quantized parse_mx(const Profile& profile);
model::Quantized parse_quant_group(const Profile& profile);

}  // namespace zt::container
