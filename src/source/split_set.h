#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/catalog.h"

// A model that was split into files with numbers in their names (docs/formats/index.md).
namespace zt::source {

// The number of a file in a set such as `model-00002-of-00003.gguf`.
struct PartName {
  std::string stem;  // "model"
  unsigned number = 0;
  unsigned count = 0;
  std::string suffix;  // ".gguf"
};
std::optional<PartName> parse_part_name(std::string_view name);
std::string part_name(const PartName& part, unsigned number);

// What the files of a split GGUF model say about the split must agree with their names. Call check() for each file in
// order, then finish(). Both throw malformed "index.split".
class SplitCheck {
 public:
  // `depth`: how deep attributes may nest.
  SplitCheck(unsigned count, std::uint32_t depth) : count_(count), depth_(depth) {}
  // Removes from the catalog what is true of the single file alone.
  void check(model::Catalog& catalog, unsigned number);
  void finish() const;

 private:
  unsigned count_;
  std::uint32_t depth_;
  std::uint64_t tensors_ = 0;
  std::optional<std::uint64_t> wanted_;  // tensors, as the files say
};

}  // namespace zt::source
