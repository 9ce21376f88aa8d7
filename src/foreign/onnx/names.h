#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "model/catalog.h"

namespace zt::foreign::onnx {

// The names of tensors. Each scope, such as a graph, has names of its own; in the catalog a name has the path of its
// scope in front.
class Names {
 public:
  static constexpr std::uint32_t kNoScope = 0;  // of tensors without a name of their own: they may have any name

  // `most`: how many tensors there may be.
  Names(model::Catalog& catalog, std::uint64_t most) : catalog_(catalog), most_(most) {}

  std::uint32_t new_scope() { return ++scopes_; }
  // The path of something within `prefix`. Long paths become short ones, so that names stay in proportion to the file.
  std::string path(std::string_view prefix, std::string_view component);
  // Throws malformed unless the name of the file is one that a tensor can have.
  static void check(std::string_view name);
  // Adds a tensor under the first free name: prefix and name, or these and ".2", ".3". Each scope has one prefix. Throws
  // malformed if the scope has the name already, and limit "onnx.tensors.limit".
  void add_tensor(std::uint32_t scope, std::string_view prefix, std::string_view name,
                  std::span<const std::uint64_t> shape, std::string_view layout, std::span<const std::byte> attributes);
  // Adds a note if tensors were renamed.
  void finish();

 private:
  model::Catalog& catalog_;
  std::uint32_t scopes_ = 0;
  std::uint32_t short_paths_ = 0;
  std::uint64_t most_;
  std::set<std::pair<std::uint32_t, std::string>> given_;  // scopes and names of the file, without paths and suffixes
  std::map<std::uint32_t, std::uint64_t> next_suffix_;     // by the row that has the name
  std::uint64_t renamed_ = 0;
};

}  // namespace zt::foreign::onnx
