#include "tools/glob.h"

#include <cstddef>

namespace zt::tools {
namespace {

// Whether the element of `pattern` at `at` matches `c`; moves `at` past the element. A '[' without ']' matches itself.
bool takes(std::string_view pattern, std::size_t& at, char c) {
  const char head = pattern[at];
  if (head == '?') return ++at, true;
  if (head == '\\' && at + 1 < pattern.size()) return at += 2, pattern[at - 1] == c;
  const std::size_t close = head == '[' ? pattern.find(']', at + 2) : std::string_view::npos;
  if (close == std::string_view::npos) return ++at, head == c;
  std::string_view set = pattern.substr(at + 1, close - at - 1);
  at = close + 1;
  const bool negated = set.size() > 1 && (set[0] == '!' || set[0] == '^');
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      found = found || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      found = found || set[i] == c;
    }
  }
  return found != negated;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;  // after the last '*', which may match more
  std::size_t star_end = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      star_end = i;
      continue;
    }
    if (at < pattern.size() && takes(pattern, at, text[i])) {
      ++i;
      continue;
    }
    if (star == std::string_view::npos) return false;
    at = star;
    i = ++star_end;
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace zt::tools
