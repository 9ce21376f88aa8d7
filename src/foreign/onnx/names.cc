#include "foreign/onnx/names.h"

#include "base/count_text.h"
#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::foreign::onnx {
namespace {

constexpr std::size_t kMostPath = 512;

}  // namespace

std::string Names::path(std::string_view prefix, std::string_view component) {
  std::string path(prefix);
  path += component;
  path += '/';
  if (path.size() <= kMostPath) return path;
  return "paths/" + std::to_string(short_paths_++) + "/";
}

void Names::check(std::string_view name) {
  if (name.empty()) throw Error(Code::malformed, "onnx.name.empty", "the name of a tensor is empty");
  if (name.find('\0') != std::string_view::npos) {
    throw Error(Code::malformed, "onnx.name.nul", "the name " + in_quotes(name) + " contains U+0000");
  }
  if (!is_utf8(name)) throw Error(Code::malformed, "onnx.name.utf8", "the name " + in_quotes(name) + " is not UTF-8");
}

void Names::add_tensor(std::uint32_t scope, std::string_view prefix, std::string_view name,
                       std::span<const std::uint64_t> shape, std::string_view layout,
                       std::span<const std::byte> attributes) {
  if (catalog_.size() >= most_) {
    throw Error(Code::limit, "onnx.tensors.limit",
                "the file has more than " + std::to_string(most_) + " tensors, which are too many for its size");
  }
  // What the catalog has may be the name of another scope, or a name with a number that is not in the file.
  if (scope != kNoScope && !given_.emplace(scope, name).second) {
    throw Error(Code::malformed, "onnx.name.duplicate", "the name " + in_quotes(name) + " is given twice in one graph");
  }
  const std::string full = std::string(prefix) + std::string(name);
  const auto taken = catalog_.find(full);
  if (!taken) {
    catalog_.add_tensor(full, shape, layout, attributes);
    return;
  }
  std::uint64_t& suffix = next_suffix_.try_emplace(*taken, 2).first->second;
  while (!catalog_.add_tensor(full + "." + std::to_string(suffix++), shape, layout, attributes)) {}
  ++renamed_;
}

void Names::finish() {
  if (renamed_ == 0) return;
  catalog_.notes.push_back(
      count_text(renamed_, "tensor has a number behind its name, because another graph has the same name",
                 "tensors have a number behind their names, because other graphs have the same names"));
}

}  // namespace zt::foreign::onnx
