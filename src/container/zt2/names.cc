#include "container/zt2/names.h"

#include <algorithm>

namespace zt::container::zt2 {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxShardNameBytes = 64;
constexpr std::string_view kOldSuffix = "/1";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_shard_letter(char c) { return is_digit(c) || is_lower(c) || is_upper(c) || c == '.' || c == '_' || c == '-'; }

// The library's own words. A layout "zt1.<word>/1" never becomes one of them: it would bypass the rules of that layout.
bool is_own_word(std::string_view word) { return word == "dense" || word == "sparse_csr" || word == "sparse_coo"; }

}  // namespace

bool key_less(std::string_view a, std::string_view b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name.find('\0') == std::string_view::npos;
}

bool is_shard_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxShardNameBytes && name[0] != '.' &&
         std::ranges::all_of(name, is_shard_letter);
}

bool is_digest(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  return std::ranges::all_of(text.substr(0, colon), [](char c) { return is_digit(c) || is_lower(c); }) &&
         std::ranges::all_of(text.substr(colon + 1), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::string_view layout_of_file(std::string_view layout) {
  if (layout == "zt.sparse_csr/1") return "sparse_csr";
  if (layout == "zt.sparse_coo/1") return "sparse_coo";
  if (!layout.starts_with(kOldPrefix) || !layout.ends_with(kOldSuffix)) return layout;
  std::string_view word = layout.substr(kOldPrefix.size());
  word.remove_suffix(std::min(word.size(), kOldSuffix.size()));
  const bool plain = !word.empty() && word.find('/') == std::string_view::npos;
  return plain && !is_own_word(word) ? word : layout;
}

std::string layout_for_file(std::string_view word) {
  if (word == "sparse_csr") return "zt.sparse_csr/1";
  if (word == "sparse_coo") return "zt.sparse_coo/1";
  if (word == "dense" || word.find('/') != std::string_view::npos) return std::string(word);
  return std::string(kOldPrefix) + std::string(word) + std::string(kOldSuffix);
}

}  // namespace zt::container::zt2
