#include "container/zt2/names.h"

#include <algorithm>
#include <array>

namespace zt::container::zt2 {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxShardNameBytes = 64;
constexpr std::string_view kOldSuffix = "/1";

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_shard_letter(char c) { return is_digit(c) || is_lower(c) || is_upper(c) || c == '.' || c == '_' || c == '-'; }

// Tables, because a digest has random letters: a branch for each would mostly be foreseen wrongly.
template <class F>
constexpr std::array<bool, 256> table_of(F is_letter) {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < table.size(); ++c) table[c] = is_letter(static_cast<char>(c));
  return table;
}
constexpr auto kAlgorithmLetters = table_of([](char c) { return is_digit(c) || is_lower(c); });
constexpr auto kHexLetters = table_of([](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });

bool all_in(const std::array<bool, 256>& table, std::string_view text) {
  bool all = true;
  for (const char c : text) all &= table[static_cast<unsigned char>(c)];
  return all;
}

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
  return all_in(kAlgorithmLetters, text.substr(0, colon)) && all_in(kHexLetters, text.substr(colon + 1));
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
