#include "container/profiles/profiles.h"

#include "container/profiles/profile_checks.h"

// zt.mx/1 (spec/profiles/mx.md)
namespace zt::container {

using model::Quantized;

Quantized parse_mx(const Profile& profile) {
  constexpr std::string_view kRoles[] = {"data", "scales"};
  check_parts(profile, kRoles, "mx.parts");
  const ProfilePart& data = *find_part(profile, "data");
  const ProfilePart& scales = *find_part(profile, "scales");
  Quantized found;
  found.group = find_unsigned(profile.attributes, "block_size").value_or(0);
  if (found.group < 2) broken("mx.block", "'block_size' is not an integer of at least 2");
  if (find_text(profile.attributes, "scale_form") != "e8m0_exponent") {
    broken("mx.form", "'scale_form' is not 'e8m0_exponent'");
  }
  const Value* given = profile.attributes.find("axis");
  const std::uint64_t last = profile.shape.size() - 1;  // wraps without dimensions, and then no axis is valid
  const std::uint64_t axis = given == nullptr ? last : given->unsigned_integer().value_or(profile.shape.size());
  if (axis >= profile.shape.size()) {
    broken("mx.axis", "'axis' is not an axis of the shape, which has " + std::to_string(profile.shape.size()));
  }
  if (profile.shape[axis] % found.group != 0) {
    broken("mx.block.divide", "blocks of " + std::to_string(found.group) + " do not divide an axis of " +
                                  std::to_string(profile.shape[axis]));
  }
  const bool is_element = data.dtype == DType::f4_e2m1 || data.dtype == DType::f8_e4m3fn ||
                          data.dtype == DType::f8_e5m2 || data.dtype == DType::i8;
  if (!is_element)
    broken("mx.data.dtype", "part 'data' holds " + type_of(data) + ", which is not the type of an MX format");
  if (scales.dtype != DType::f8_e8m0)
    broken("mx.scales.dtype", "part 'scales' holds " + type_of(scales) + ": expected float8_e8m0fnu");
  const auto elements = count_elements(profile.shape);
  if (!elements) broken("mx.shape", "the shape has more elements than 64 bits count");
  check_length(data, byte_length(*data.dtype, *elements), "mx.data.length");
  check_length(scales, *elements / found.group, "mx.scales.length");

  set_axis(found, profile.shape, axis, *elements);
  found.code = *data.dtype;
  found.bits = dtype_bits(found.code);
  found.per_word = 8 / found.bits;
  found.scale = DType::f8_e8m0;
  if (found.code == DType::i8) found.unit = 1.0 / 64;  // OCP: the code has six binary places
  return found;
}

}  // namespace zt::container
