#include "source/split_set.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace zt::source {
namespace {

constexpr std::string_view kOf = "-of-";
constexpr std::size_t kDigits = 5;

std::optional<unsigned> parse_digits(std::string_view text) {
  unsigned number = 0;
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return text.size() == kDigits && error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<PartName> parse_part_name(std::string_view name) {
  const std::size_t of = name.rfind(kOf);
  if (of == std::string_view::npos || of < kDigits + 1 || name[of - kDigits - 1] != '-') return std::nullopt;
  const auto number = parse_digits(name.substr(of - kDigits, kDigits));
  const auto count = parse_digits(name.substr(of + kOf.size(), std::min(kDigits, name.size() - of - kOf.size())));
  if (!number || !count || *number == 0 || *number > *count) return std::nullopt;
  return PartName{.stem = std::string(name.substr(0, of - kDigits - 1)),
                  .number = *number,
                  .count = *count,
                  .suffix = std::string(name.substr(of + kOf.size() + kDigits))};
}

std::string part_name(const PartName& part, unsigned number) {
  const auto padded = [](unsigned value) {
    const std::string digits = std::to_string(value);
    return std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits;
  };
  return part.stem + "-" + padded(number) + std::string(kOf) + padded(part.count) + part.suffix;
}

}  // namespace zt::source
