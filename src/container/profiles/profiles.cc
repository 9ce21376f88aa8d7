#include "container/profiles/profiles.h"

#include "base/checked.h"
#include "base/count_text.h"
#include "container/profiles/profile_checks.h"

namespace zt::container {
namespace {

constexpr std::string_view kGgufHead = "gguf.", kGgufTail = "/1";

// spec/profiles/gguf.md
void check_gguf(const Profile& profile) {
  constexpr std::string_view kRoles[] = {"data"};
  check_parts(profile, kRoles, "gguf.parts");
  const ProfilePart& data = *find_part(profile, "data");
  if (data.dtype != DType::u8) broken("gguf.data.dtype", "part 'data' holds " + type_of(data) + ": expected uint8");
  const std::uint64_t block = find_unsigned(profile.attributes, "elems_per_block").value_or(0);
  if (block == 0) broken("gguf.block.elements", "'elems_per_block' is not an integer of at least 1");
  const std::uint64_t bytes = find_unsigned(profile.attributes, "block_bytes").value_or(0);
  if (bytes == 0) broken("gguf.block.bytes", "'block_bytes' is not an integer of at least 1");
  const auto elements = count_elements(profile.shape);
  if (!elements) broken("gguf.shape", "the shape has more elements than 64 bits count");
  if (*elements % block != 0) {
    broken("gguf.block.divide",
           "blocks of " + std::to_string(block) + " do not divide " + count_text(*elements, "element"));
  }
  check_length(data, checked::multiply(*elements / block, bytes), "gguf.data.length");
}

}  // namespace

bool is_gguf(std::string_view layout) {
  return layout.size() > kGgufHead.size() + kGgufTail.size() && layout.starts_with(kGgufHead) &&
         layout.ends_with(kGgufTail);
}

std::string_view gguf_type(std::string_view layout) {
  layout.remove_prefix(kGgufHead.size());
  layout.remove_suffix(kGgufTail.size());
  return layout;
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
