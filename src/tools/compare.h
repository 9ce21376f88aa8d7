#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "run/progress.h"
#include "ztensor/diff.h"
#include "ztensor/tensor.h"

// The one comparison of tensors: for diff, and for reading back what was converted.
namespace zt::tools {

// Two parts whose decoded bytes are to be compared.
struct PartPair {
  Part a;
  Part b;
  bool indices = false;  // by value, whatever their widths

  std::uint64_t work() const;  // bytes to read of each, about
};

// Finds how two readable tensors differ, their contents apart, and the parts whose contents are left to compare. Reads
// no element. True when the metadata is the same.
bool compare_metadata(const Tensor& a, const Tensor& b, std::vector<Difference>& differences,
                      std::vector<PartPair>& pairs);
// The attributes of a tensor, or of the file when `tensor` is empty: each a map or null.
void compare_attributes(const std::optional<std::string>& tensor, const Value& a, const Value& b,
                        std::vector<Difference>& differences);
// Reads all of both parts, from any thread, unless `meter` is stopped; polls it. `tensor`: the one they belong to.
std::optional<Difference> compare_contents(const Tensor& tensor, const PartPair& pair, run::Meter& meter);

// Throws mismatch "convert.readback" unless both have the same shape, layout, attributes, parts and decoded bytes.
// Reads all of them.
void check_same(const Tensor& expected, const Tensor& found, run::Meter& meter);

}  // namespace zt::tools
