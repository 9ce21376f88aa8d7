#include "container/profiles/profiles.h"

#include <algorithm>
#include <iterator>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/profiles/profile_checks.h"
#include "model/integers.h"

// zt.quant_group/1 (spec/profiles/quant_group.md)
namespace zt::container {
namespace {

using model::Quantized;
using model::ScaleScope;
using model::ZeroPoint;

// The bytes of a word of packed codes of this dtype; 0 if the dtype cannot be a word. Signed words are read as
// unsigned.
std::uint32_t word_bytes(std::optional<DType> dtype) { return dtype ? model::integer_bytes(*dtype) : 0; }

std::uint32_t word_bytes(std::string_view word) {
  if (word == "u8") return 1;
  if (word == "u16") return 2;
  if (word == "u32") return 4;
  return word == "u64" ? 8 : 0;
}

bool is_float(std::optional<DType> dtype) {
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

// Throws `rule` unless the part holds `codes` codes, in full words.
void check_packed(const ProfilePart& part, const Quantized& found, std::uint64_t codes, const char* rule) {
  if (codes % found.per_word != 0) {
    broken(rule, std::to_string(codes) + " codes of part '" + std::string(part.role) + "' do not fill words of " +
                     std::to_string(found.per_word));
  }
  check_length(part, codes / found.per_word * (found.per_word * found.bits / 8),
               rule);  // no overflow: a code takes at most a byte
}

void parse_packing(Quantized& found, const Value& attributes, const ProfilePart& data) {
  const auto bits = find_unsigned(attributes, "bits");
  constexpr std::uint64_t kWidths[] = {2, 3, 4, 5, 6, 8};
  if (!bits || std::find(std::begin(kWidths), std::end(kWidths), *bits) == std::end(kWidths)) {
    broken("quant.bits", "'bits' is not 2, 3, 4, 5, 6 or 8");
  }
  const Value* packing = attributes.find("packing");
  if (packing == nullptr || !packing->is_map()) broken("quant.packing", "'packing' is not a map");
  const std::string_view word = find_text(*packing, "word");
  const std::uint32_t bytes = word_bytes(word);
  if (bytes == 0) broken("quant.packing.word", "'word' is not 'u8', 'u16', 'u32' or 'u64'");
  if (bytes * 8 % *bits != 0) {
    broken("quant.bits.word",
           std::to_string(*bits) + " bits do not divide the " + std::to_string(bytes * 8) + " bits of a word");
  }
  const std::string_view order = find_text(*packing, "order");
  if (order != "lsb_first" && order != "msb_first") {
    broken("quant.packing.order", "'order' is neither 'lsb_first' nor 'msb_first'");
  }
  found.bits = static_cast<std::uint32_t>(*bits);
  found.per_word = bytes * 8 / found.bits;
  found.msb_first = order == "msb_first";
  if (find_unsigned(*packing, "per_word") != found.per_word) {
    broken("quant.packing.perword", "'per_word' is not " + std::to_string(found.per_word));
  }
  if (word_bytes(data.dtype) != bytes) {
    broken("quant.data.dtype",
           "part 'data' holds " + type_of(data) + ", not the words " + in_quotes(word) + " of 'packing'");
  }
}

void parse_zero_point(Quantized& found, const Value& attributes) {
  const Value* zero = attributes.find("zero_point");
  if (zero == nullptr || !zero->is_map()) broken("quant.zero", "'zero_point' is not a map");
  const std::string_view form = find_text(*zero, "form");
  if (form == "implied") {
    const auto value = find_integer(*zero, "value");
    if (!value) broken("quant.zero.value", "an implied zero point needs an integer 'value', which is missing");
    found.zero = ZeroPoint::implied;
    found.zero_value = *value;
  } else if (form == "tensor") {
    const std::string_view packing = find_text(*zero, "packing");
    if (packing != "plain" && packing != "same_as_data") {
      broken("quant.zero.packing", "'packing' of the zero points is neither 'plain' nor 'same_as_data'");
    }
    found.zero = packing == "plain" ? ZeroPoint::plain : ZeroPoint::packed;
  } else if (form != "none") {
    broken("quant.zero.form", "'form' of the zero point is not 'none', 'implied' or 'tensor'");
  }
}

void check_zeros_type(Quantized& found, const ProfilePart& zeros) {
  const std::uint32_t bytes = word_bytes(zeros.dtype);
  const bool fits =
      found.zero == ZeroPoint::plain ? bytes != 0 || is_float(zeros.dtype) : bytes == found.per_word * found.bits / 8;
  if (!fits) {
    broken("quant.zeros.dtype",
           "part 'zeros' holds " + type_of(zeros) + ", which does not fit 'packing' of the zero points");
  }
  found.zero_type = *zeros.dtype;
}

void parse_scales(Quantized& found, const Value& attributes, const ProfilePart& scales) {
  const std::string_view form = find_text(attributes, "scale_form");
  const bool exponents = form == "e8m0_exponent";
  if (!exponents && form != "f32_factors" && form != "f16_factors") {
    broken("quant.form", "'scale_form' is not 'f32_factors', 'f16_factors' or 'e8m0_exponent'");
  }
  if (exponents ? scales.dtype != DType::f8_e8m0 : !is_float(scales.dtype)) {
    broken("quant.scales.dtype",
           "part 'scales' holds " + type_of(scales) + ", which does not fit 'scale_form' " + in_quotes(form));
  }
  found.scale = *scales.dtype;
}

// Returns the number of scales. If the file leaves the size of groups open, finds it from the length of the part.
std::uint64_t parse_groups(Quantized& found, const Profile& profile, std::uint64_t elements,
                           const ProfilePart& scales) {
  const auto size = find_unsigned(profile.attributes, "group_size");
  if (!size) broken("quant.group", "'group_size' is not an unsigned integer");
  const std::uint64_t width = dtype_bits(found.scale) / 8;
  std::uint64_t count = elements;
  if (*size != 0) {
    if (found.along % *size != 0) {
      broken("quant.group.divide",
             "groups of " + std::to_string(*size) + " do not divide an axis of " + std::to_string(found.along));
    }
    found.group = *size;
    count = elements / *size;  // exact: the size divides a factor
  } else if (profile.to_write) {
    broken("quant.group.open", "'group_size' 0 has two meanings: give the size");
  } else if (checked::multiply(found.along, width) == scales.length) {
    found.scope = ScaleScope::channel;
    count = found.along;
  } else {
    found.scope = ScaleScope::element;
  }
  check_length(scales, checked::multiply(count, width), "quant.scales.length");
  return count;
}

}  // namespace

Quantized parse_quant_group(const Profile& profile) {
  const ProfilePart* data = find_part(profile, "data");
  const ProfilePart* scales = find_part(profile, "scales");
  if (data == nullptr || scales == nullptr)
    broken("quant.parts", "it needs the parts 'data' and 'scales', and one is missing");
  Quantized found;
  parse_packing(found, profile.attributes, *data);
  parse_zero_point(found, profile.attributes);
  const bool stored = found.zero == ZeroPoint::plain || found.zero == ZeroPoint::packed;
  constexpr std::string_view kRoles[] = {"data", "scales", "zeros"};
  check_parts(profile, std::span(kRoles).first(stored ? 3 : 2), "quant.parts");
  const ProfilePart* zeros = find_part(profile, "zeros");
  if (stored) check_zeros_type(found, *zeros);
  parse_scales(found, profile.attributes, *scales);
  const auto axis = find_unsigned(profile.attributes, "axis");
  if (!axis || *axis >= profile.shape.size()) {
    broken("quant.axis", "'axis' is not an axis of the shape, which has " + std::to_string(profile.shape.size()));
  }
  const auto elements = count_elements(profile.shape);
  if (!elements) broken("quant.shape", "the shape has more elements than 64 bits count");
  set_axis(found, profile.shape, *axis, *elements);
  const std::uint64_t count = parse_groups(found, profile, *elements, *scales);
  check_packed(*data, found, *elements, "quant.data.length");
  if (found.zero == ZeroPoint::packed) check_packed(*zeros, found, count, "quant.zeros.length");
  if (found.zero == ZeroPoint::plain) {
    check_length(*zeros, checked::multiply(count, dtype_bits(found.zero_type) / 8), "quant.zeros.length");
  }
  return found;
}

}  // namespace zt::container
