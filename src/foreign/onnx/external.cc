#include "foreign/onnx/external.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/utf8.h"
#include "foreign/onnx/texts.h"

namespace zt::foreign::onnx {
namespace {

constexpr std::size_t kMostExternalText = 64;
constexpr std::size_t kMostLocation = 4096;
constexpr std::uint64_t kMostOffset = std::uint64_t{1} << 63;

[[noreturn]] void refuse_path(std::string_view location, const char* why) {
  throw Error(Code::refused, "onnx.external.path",
              "location " + in_quotes(location) + " " + why +
                  ": expected a path of plain names, relative to the folder of the model");
}

bool has_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  return text.substr(colon).starts_with("://") || colon == 1;  // a drive
}

void check_component(std::string_view location, std::string_view name) {
  if (name.empty()) refuse_path(location, "has an empty component");
  if (name == "." || name == "..") refuse_path(location, "has a component of dots");
}

// The location without "./" in front. foreign formats, onnx: External data
std::string checked_location(const std::string& location) {
  std::string_view rest = location;
  if (rest.find('\0') != std::string_view::npos) refuse_path(location, "contains U+0000");
  if (!is_utf8(rest)) refuse_path(location, "is not UTF-8");
  if (rest.find('\\') != std::string_view::npos) refuse_path(location, "contains a backslash");
  if (rest.starts_with('/')) refuse_path(location, "is absolute");
  if (rest.starts_with('~')) refuse_path(location, "begins with '~'");
  if (has_scheme(rest)) refuse_path(location, "has a scheme or a drive");
  if (rest.starts_with("*/_ORT_MEM_ADDR_")) refuse_path(location, "names the memory of a process");
  if (rest.starts_with("./")) rest.remove_prefix(2);
  std::string path(rest);
  while (true) {
    const std::size_t slash = rest.find('/');
    check_component(location, rest.substr(0, slash));
    if (slash == std::string_view::npos) return path;
    rest.remove_prefix(slash + 1);
  }
}

std::uint64_t decimal(std::string_view key, const std::string& text) {
  std::uint64_t number = 0;
  bool fits = !text.empty() && text.size() <= 19;
  for (const char c : text) {
    fits = fits && c >= '0' && c <= '9';
    if (fits) number = 10 * number + static_cast<std::uint64_t>(c - '0');
  }
  if (!fits || number > kMostOffset) {
    throw Error(Code::malformed, "onnx.external.number",
                std::string(key) + " " + in_quotes(text) + " is not a decimal number of at most 2^63");
  }
  return number;
}

class ExternalReader {
 public:
  explicit ExternalReader(wire::ProtoWindow& window) : window_(window) {}

  External read(const TensorProto& tensor) {
    for (const Region message : tensor.external_data) add(read_entry(window_, message));
    if (!has_location_) throw Error(Code::malformed, "onnx.external.location", "the location is missing");
    return std::move(found_);
  }

 private:
  void add(const Entry& entry) {
    const std::string key = short_text(window_, entry.key, kMostExternalText).value_or("");
    if (key == "location") {
      once(has_location_, key);
      found_.location = checked_location(value(entry, kMostLocation));
    } else if (key == "offset") {
      once(has_offset_, key);
      found_.offset = decimal(key, value(entry, kMostExternalText));
    } else if (key == "length") {
      once(has_length_, key);
      found_.length = decimal(key, value(entry, kMostExternalText));
    } else if (key == "checksum") {
      once(found_.has_checksum, key);
    } else {
      ++found_.unknown_keys;
    }
  }

  static void once(bool& seen, const std::string& key) {
    if (seen) throw Error(Code::malformed, "onnx.external.repeated", "key " + in_quotes(key) + " is there twice");
    seen = true;
  }

  std::string value(const Entry& entry, std::size_t most) const {
    if (auto text = short_text(window_, entry.value, most)) return *std::move(text);
    throw Error(
        Code::malformed, "onnx.external.value",
        "a value has " + std::to_string(entry.value.length) + " bytes: expected at most " + std::to_string(most));
  }

  wire::ProtoWindow& window_;
  External found_;
  bool has_location_ = false;
  bool has_offset_ = false;
  bool has_length_ = false;
};

}  // namespace

External read_external(wire::ProtoWindow& window, const TensorProto& tensor) {
  return ExternalReader(window).read(tensor);
}

}  // namespace zt::foreign::onnx
