#pragma once

#include <cstring>
#include <filesystem>
#include <map>
#include <string>

#include "temp_dir.h"
#include "wire/json.h"

namespace zt::test {

inline wire::JsonDocument load_json(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  wire::JsonText copy(text.size());
  if (!text.empty()) std::memcpy(copy.bytes().data(), text.data(), text.size());
  return wire::JsonDocument(std::move(copy));
}

using JsonMembers = std::map<std::string, wire::JsonView>;

inline JsonMembers members(wire::JsonView object) {
  JsonMembers out;
  wire::JsonMembersView walk(object);
  while (walk.next()) out.emplace(walk.key(), walk.value());
  return out;
}

// The text at a key, or "" if it is missing or not a text.
inline std::string text_at(const JsonMembers& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end()) return "";
  return std::string(found->second.text().value_or(""));
}

}  // namespace zt::test
