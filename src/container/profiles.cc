#include "container/profiles.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::container {
namespace {

using model::Quantized;
using model::ScaleScope;
using model::ZeroPoint;

[[noreturn]] void fail(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

// --- attributes ---

std::optional<std::uint64_t> find_unsigned(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  return found == nullptr ? std::nullopt : found->unsigned_integer();
}

// The text at a key, or "".
std::string_view find_text(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  if (found == nullptr || found->text() == nullptr) return {};
  return *found->text();
}

// An integer of either sign and any size.
std::optional<double> find_integer(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto value = found->unsigned_integer()) return static_cast<double>(*value);
  if (found->negative() != nullptr) return -1.0 - static_cast<double>(found->negative()->number);
  return std::nullopt;
}

// --- shape and parts ---

// Elements of the shape: nothing when they are more than 64 bits count.
std::optional<std::uint64_t> count_elements(std::span<const std::uint64_t> shape) {
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return 0;  // whatever the others come to
  return checked::elements(shape);
}

// The shape around an axis. There are no elements, or the products fit 64 bits.
void set_axis(Quantized& found, std::span<const std::uint64_t> shape, std::uint64_t axis, std::uint64_t elements) {
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

std::string list(std::span<const std::string_view> roles) {
  std::string text;
  for (const std::string_view role : roles) text += (text.empty() ? "'" : ", '") + std::string(role) + "'";
  return text;
}

// Throws `rule` unless the tensor has these parts and no other.
void check_parts(const Profile& profile, std::span<const std::string_view> roles, const char* rule) {
  for (const std::string_view role : roles) {
    if (find_part(profile, role) == nullptr) fail(rule, "no part '" + std::string(role) + "'");
  }
  if (profile.parts.size() != roles.size()) {
    fail(rule, std::to_string(profile.parts.size()) + " parts, expected " + list(roles) + " alone");
  }
}

std::string name_of(const ProfilePart& part) {
  return part.dtype ? std::string(dtype_name(*part.dtype)) : "a type that is not known";
}

// Throws `rule` unless the part is as long as it should be; nothing: longer than 64 bits count.
void check_length(const ProfilePart& part, std::optional<std::uint64_t> expected, const char* rule) {
  if (expected && part.length == *expected) return;
  fail(rule, "part '" + std::string(part.role) + "' has " + std::to_string(part.length) + " bytes, expected " +
                 (expected ? std::to_string(*expected) : "more than 64 bits count"));
}

// --- zt.quant_group/1 ---

// Bytes of a word of packed codes of this dtype; 0: there is none. Signed words are read as unsigned ones.
std::uint32_t word_bytes(std::optional<DType> dtype) {
  switch (dtype.value_or(DType::f64)) {
    case DType::i64:
    case DType::u64: return 8;
    case DType::i32:
    case DType::u32: return 4;
    case DType::i16:
    case DType::u16: return 2;
    case DType::i8:
    case DType::u8: return 1;
    default: return 0;
  }
}

std::uint32_t word_bytes(std::string_view word) {
  if (word == "u8") return 1;
  if (word == "u16") return 2;
  if (word == "u32") return 4;
  return word == "u64" ? 8 : 0;
}

bool is_float(std::optional<DType> dtype) {
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

// Throws `rule` unless the part holds so many codes in words that are all full.
void check_packed(const ProfilePart& part, const Quantized& found, std::uint64_t codes, const char* rule) {
  if (codes % found.per_word != 0) {
    fail(rule, std::to_string(codes) + " codes of part '" + std::string(part.role) + "' do not fill words of " +
                   std::to_string(found.per_word));
  }
  check_length(part, codes / found.per_word * (found.per_word * found.bits / 8), rule);  // no more bytes than codes
}

void parse_packing(Quantized& found, const Value& attributes, const ProfilePart& data) {
  const auto bits = find_unsigned(attributes, "bits");
  constexpr std::uint64_t kWidths[] = {2, 3, 4, 5, 6, 8};
  if (!bits || std::find(std::begin(kWidths), std::end(kWidths), *bits) == std::end(kWidths)) {
    fail("quant.bits", "'bits' is none of 2, 3, 4, 5, 6 and 8");
  }
  const Value* packing = attributes.find("packing");
  if (packing == nullptr || !packing->is_map()) fail("quant.packing", "'packing' is no map");
  const std::string_view word = find_text(*packing, "word");
  const std::uint32_t bytes = word_bytes(word);
  if (bytes == 0) fail("quant.packing.word", "'word' is none of 'u8', 'u16', 'u32' and 'u64'");
  if (bytes * 8 % *bits != 0) {
    fail("quant.bits.word",
         std::to_string(*bits) + " bits do not divide the " + std::to_string(bytes * 8) + " of a word");
  }
  const std::string_view order = find_text(*packing, "order");
  if (order != "lsb_first" && order != "msb_first") {
    fail("quant.packing.order", "'order' is neither 'lsb_first' nor 'msb_first'");
  }
  found.bits = static_cast<std::uint32_t>(*bits);
  found.per_word = bytes * 8 / found.bits;
  found.msb_first = order == "msb_first";
  if (find_unsigned(*packing, "per_word") != found.per_word) {
    fail("quant.packing.perword", "'per_word' is not " + std::to_string(found.per_word));
  }
  if (word_bytes(data.dtype) != bytes) {
    fail("quant.data.dtype",
         "part 'data' holds " + name_of(data) + ", not the words " + in_quotes(word) + " of 'packing'");
  }
}

void parse_zero_point(Quantized& found, const Value& attributes) {
  const Value* zero = attributes.find("zero_point");
  if (zero == nullptr || !zero->is_map()) fail("quant.zero", "'zero_point' is no map");
  const std::string_view form = find_text(*zero, "form");
  if (form == "implied") {
    const auto value = find_integer(*zero, "value");
    if (!value) fail("quant.zero.value", "an implied zero point has no integer 'value'");
    found.zero = ZeroPoint::implied;
    found.zero_value = *value;
  } else if (form == "tensor") {
    const std::string_view packing = find_text(*zero, "packing");
    if (packing != "plain" && packing != "same_as_data") {
      fail("quant.zero.packing", "'packing' of the zero points is neither 'plain' nor 'same_as_data'");
    }
    found.zero = packing == "plain" ? ZeroPoint::plain : ZeroPoint::packed;
  } else if (form != "none") {
    fail("quant.zero.form", "'form' of the zero point is none of 'none', 'implied' and 'tensor'");
  }
}

void check_zeros_type(Quantized& found, const ProfilePart& zeros) {
  const std::uint32_t bytes = word_bytes(zeros.dtype);
  const bool fits =
      found.zero == ZeroPoint::plain ? bytes != 0 || is_float(zeros.dtype) : bytes == found.per_word * found.bits / 8;
  if (!fits) fail("quant.zeros.dtype", "part 'zeros' holds " + name_of(zeros));
  found.zero_type = *zeros.dtype;
}

void parse_scales(Quantized& found, const Value& attributes, const ProfilePart& scales) {
  const std::string_view form = find_text(attributes, "scale_form");
  const bool exponents = form == "e8m0_exponent";
  if (!exponents && form != "f32_factors" && form != "f16_factors") {
    fail("quant.form", "'scale_form' is none of 'f32_factors', 'f16_factors' and 'e8m0_exponent'");
  }
  if (exponents ? scales.dtype != DType::f8_e8m0 : !is_float(scales.dtype)) {
    fail("quant.scales.dtype", "part 'scales' holds " + name_of(scales) + " for " + in_quotes(form));
  }
  found.scale = *scales.dtype;
}

// How many scales there are: found from how many the part has, where the size of groups is left open.
std::uint64_t parse_groups(Quantized& found, const Profile& profile, std::uint64_t elements,
                           const ProfilePart& scales) {
  const auto size = find_unsigned(profile.attributes, "group_size");
  if (!size) fail("quant.group", "'group_size' is no unsigned integer");
  const std::uint64_t width = dtype_bits(found.scale) / 8;
  std::uint64_t count = elements;
  if (*size != 0) {
    if (found.along % *size != 0) {
      fail("quant.group.divide",
           "groups of " + std::to_string(*size) + " do not divide an axis of " + std::to_string(found.along));
    }
    found.group = *size;
    count = elements / *size;  // no rest: it divides a factor
  } else if (profile.to_write) {
    fail("quant.group.open", "'group_size' 0 has two meanings: say the size");
  } else if (checked::multiply(found.along, width) == scales.length) {
    found.scope = ScaleScope::channel;
    count = found.along;
  } else {
    found.scope = ScaleScope::element;
  }
  check_length(scales, checked::multiply(count, width), "quant.scales.length");
  return count;
}

// --- gguf.<type>/1 ---

void check_gguf(const Profile& profile) {
  constexpr std::string_view kRoles[] = {"data"};
  check_parts(profile, kRoles, "gguf.parts");
  const ProfilePart& data = *find_part(profile, "data");
  if (data.dtype != DType::u8) fail("gguf.data.dtype", "part 'data' holds " + name_of(data) + ", not plain bytes");
  const std::uint64_t block = find_unsigned(profile.attributes, "elems_per_block").value_or(0);
  if (block == 0) fail("gguf.block.elements", "'elems_per_block' is no integer of at least 1");
  const std::uint64_t bytes = find_unsigned(profile.attributes, "block_bytes").value_or(0);
  if (bytes == 0) fail("gguf.block.bytes", "'block_bytes' is no integer of at least 1");
  const auto elements = count_elements(profile.shape);
  if (!elements) fail("gguf.shape", "the shape has more elements than 64 bits count");
  if (*elements % block != 0) {
    fail("gguf.block.divide",
         "blocks of " + std::to_string(block) + " do not divide " + std::to_string(*elements) + " elements");
  }
  check_length(data, checked::multiply(*elements / block, bytes), "gguf.data.length");
}

}  // namespace

bool is_gguf(std::string_view layout) {
  constexpr std::string_view kHead = "gguf.", kTail = "/1";
  return layout.size() > kHead.size() + kTail.size() && layout.starts_with(kHead) && layout.ends_with(kTail);
}

Quantized parse_mx(const Profile& profile) {
  constexpr std::string_view kRoles[] = {"data", "scales"};
  check_parts(profile, kRoles, "mx.parts");
  const ProfilePart& data = *find_part(profile, "data");
  const ProfilePart& scales = *find_part(profile, "scales");
  Quantized found;
  found.group = find_unsigned(profile.attributes, "block_size").value_or(0);
  if (found.group < 2) fail("mx.block", "'block_size' is no integer of at least 2");
  if (find_text(profile.attributes, "scale_form") != "e8m0_exponent") {
    fail("mx.form", "'scale_form' is not 'e8m0_exponent'");
  }
  const Value* given = profile.attributes.find("axis");
  const std::uint64_t last = profile.shape.size() - 1;  // of no dimensions: none is as large
  const std::uint64_t axis = given == nullptr ? last : given->unsigned_integer().value_or(profile.shape.size());
  if (axis >= profile.shape.size()) {
    fail("mx.axis", "'axis' is none of the " + std::to_string(profile.shape.size()) + " of the shape");
  }
  if (profile.shape[axis] % found.group != 0) {
    fail("mx.block.divide", "blocks of " + std::to_string(found.group) + " do not divide an axis of " +
                                std::to_string(profile.shape[axis]));
  }
  const bool is_element = data.dtype == DType::f4_e2m1 || data.dtype == DType::f8_e4m3fn ||
                          data.dtype == DType::f8_e5m2 || data.dtype == DType::i8;
  if (!is_element) fail("mx.data.dtype", "part 'data' holds " + name_of(data) + ", which no MX format has");
  if (scales.dtype != DType::f8_e8m0) fail("mx.scales.dtype", "part 'scales' holds " + name_of(scales));
  const auto elements = count_elements(profile.shape);
  if (!elements) fail("mx.shape", "the shape has more elements than 64 bits count");
  check_length(data, byte_length(*data.dtype, *elements), "mx.data.length");
  check_length(scales, *elements / found.group, "mx.scales.length");

  set_axis(found, profile.shape, axis, *elements);
  found.code = *data.dtype;
  found.bits = dtype_bits(found.code);
  found.per_word = 8 / found.bits;
  found.scale = DType::f8_e8m0;
  if (found.code == DType::i8) found.unit = 1.0 / 64;  // OCP: six of the bits are behind the point
  return found;
}

Quantized parse_quant_group(const Profile& profile) {
  const ProfilePart* data = find_part(profile, "data");
  const ProfilePart* scales = find_part(profile, "scales");
  if (data == nullptr || scales == nullptr) fail("quant.parts", "it has not both the parts 'data' and 'scales'");
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
    fail("quant.axis", "'axis' is none of the " + std::to_string(profile.shape.size()) + " of the shape");
  }
  const auto elements = count_elements(profile.shape);
  if (!elements) fail("quant.shape", "the shape has more elements than 64 bits count");
  set_axis(found, profile.shape, *axis, *elements);
  const std::uint64_t count = parse_groups(found, profile, *elements, *scales);
  check_packed(*data, found, *elements, "quant.data.length");
  if (found.zero == ZeroPoint::packed) check_packed(*zeros, found, count, "quant.zeros.length");
  if (found.zero == ZeroPoint::plain) {
    check_length(*zeros, checked::multiply(count, dtype_bits(found.zero_type) / 8), "quant.zeros.length");
  }
  return found;
}

void check_profile(const Profile& profile) {
  if (profile.layout == kMx) {
    parse_mx(profile);
  } else if (profile.layout == kQuantGroup) {
    parse_quant_group(profile);
  } else if (is_gguf(profile.layout)) {
    check_gguf(profile);
  }
}

}  // namespace zt::container
