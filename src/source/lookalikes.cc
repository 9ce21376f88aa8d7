#include "source/lookalikes.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "base/compression.h"
#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::source {
namespace {

// Other content that is found under a tensor file's name, and how it begins.
struct Lookalike {
  std::string_view head;
  const char* rule;
  std::string_view what;
};
// White space before it and the case of letters do not count.
constexpr Lookalike kTexts[] = {
    {"version https://git-lfs.", "format.pointer", "a Git LFS pointer: 'git lfs pull' fetches the file itself"},
    {"version https://hawser.", "format.pointer", "a Git LFS pointer: 'git lfs pull' fetches the file itself"},
    {"/annex/objects/", "format.pointer", "a git-annex pointer: 'git annex get' fetches the file itself"},
    {"<!doctype html", "format.html", "an HTML page: the download failed, or needs a login"},
    {"<html", "format.html", "an HTML page: the download failed, or needs a login"},
    {"<head", "format.html", "an HTML page: the download failed, or needs a login"},
    {"<!--", "format.html", "an HTML page: the download failed, or needs a login"},
    {"<?xml", "format.text", "an XML document: perhaps an error message of a server instead of the file"},
    {"<error", "format.text", "an XML document: perhaps an error message of a server instead of the file"},
};

[[noreturn]] void refuse(const char* rule, const std::string& what) {
  throw Error(Code::unsupported, rule, "this is " + what);
}

// Whether these bytes can begin a text: UTF-8, cut anywhere, without control characters.
bool is_text(std::string_view head) {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7F || (byte < 0x20 && std::string_view("\t\n\f\r").find(c) == std::string_view::npos);
  };
  if (std::any_of(head.begin(), head.end(), is_control)) return false;
  for (std::size_t cut = 0; cut < 4 && cut <= head.size(); ++cut) {
    if (is_utf8(head.substr(0, head.size() - cut))) return true;
  }
  return false;
}

bool begins_with(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [&](char b, char a) { return same(a, b); });
}

// Removes the byte order mark and white space.
std::string_view trimmed(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\f\r"), text.size()));
  return text;
}

}  // namespace

void refuse_lookalike(std::string_view head) {
  const Compression* compression = find_compression(head);
  if (compression != nullptr && compression->is_certain) {
    refuse("format.compressed", "a file that is compressed with " + std::string(compression->name) +
                                    ": decompress it first, with " + std::string(compression->tool));
  }
  const std::string_view text = trimmed(head);
  if (text.empty() || !is_text(text)) return;
  for (const Lookalike& known : kTexts) {
    if (begins_with(text, known.head)) refuse(known.rule, std::string(known.what));
  }
  if (text.front() == '{' || text.front() == '[') {
    refuse("format.text", "JSON text: perhaps an error message of a server instead of the file, or an index of shards");
  }
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  refuse("format.text", "text that begins with " + in_quotes(line));
}

}  // namespace zt::source
