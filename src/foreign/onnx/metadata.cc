#include "foreign/onnx/metadata.h"

#include <algorithm>

#include "base/utf8.h"
#include "foreign/onnx/texts.h"
#include "ztensor/error.h"

namespace zt::foreign::onnx {
namespace {

constexpr std::size_t kMostKey = 1024;
constexpr std::uint64_t kTextsPerByte = 8;  // of the file
constexpr std::uint64_t kTexts = std::uint64_t{1} << 20;
constexpr std::string_view kPropsPrefix = "metadata_props.";

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= kMostKey && key.find('\0') == std::string_view::npos && is_utf8(key);
}

}  // namespace

Texts::Texts(wire::ProtoWindow& window, const Limits& limits)
    : window_(window),
      most_(std::min(limits.index_bytes, kTextsPerByte * window.size() + kTexts)),  // a file has less than 2 GiB
      left_(most_) {}

std::string Texts::read(Region text) {
  count(text.length);
  return window_.text(text);
}

void Texts::count(std::uint64_t bytes) {
  if (bytes > left_) {
    throw Error(Code::limit, "onnx.texts.limit",
                "texts and names with their paths have more than " + std::to_string(most_) +
                    " bytes: the limit on index bytes, or what the size of the file admits");
  }
  left_ -= bytes;
}

bool Attributes::add_key(std::string_view key) {
  if (!is_key(key) || !keys_.emplace(key).second) return false;
  members_.text(key);
  return true;
}

bool Attributes::add_text(std::string_view key, std::string_view value) {
  if (!add_key(key)) return false;
  write_text(members_, value);
  return true;
}

bool Attributes::add_number(std::string_view key, std::uint64_t two_complement) {
  if (!add_key(key)) return false;
  members_.integer(static_cast<std::int64_t>(two_complement));
  return true;
}

bool Attributes::add_encoded(std::string_view key, std::span<const std::byte> item) {
  if (!add_key(key)) return false;
  members_.raw(item);
  return true;
}

std::uint64_t Attributes::add_props(wire::ProtoWindow& window, Texts& texts, const std::vector<Region>& entries) {
  std::set<std::string> seen;
  std::uint64_t odd = 0;
  for (const Region message : entries) {
    const Entry entry = read_entry(window, message);
    const std::string key = texts.read(entry.key);
    if (!seen.insert(key).second) {
      throw Error(Code::malformed, "onnx.metadata.duplicate",
                  "key " + in_quotes(key) + " of metadata_props is there twice");
    }
    const std::string value = texts.read(entry.value);
    if (!is_key(key) || (!add_text(key, value) && !add_text(std::string(kPropsPrefix) + key, value))) ++odd;
  }
  return odd;
}

std::vector<std::byte> Attributes::finish() {
  if (keys_.empty()) return {};
  wire::CborWriter map;
  map.map(keys_.size());
  map.raw(members_.buffer());
  return std::move(map.buffer());
}

}  // namespace zt::foreign::onnx
