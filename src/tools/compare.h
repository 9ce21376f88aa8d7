#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "run/progress.h"
#include "ztensor/diff.h"
#include "ztensor/tensor.h"

// The comparison of tensors, for diff and for reading back converted files.
namespace zt::tools {

// Two parts with decoded bytes to compare.
struct PartPair {
  Part a;
  Part b;
  bool indices = false;  // compare them as integers, whatever their widths are

  std::uint64_t work() const;  // about the number of bytes to read of each
};

// Finds how the metadata of two readable tensors differs, and the parts whose contents are still to be compared. Reads
// no element. True if the metadata is the same.
bool compare_metadata(const Tensor& a, const Tensor& b, std::vector<Difference>& differences,
                      std::vector<PartPair>& pairs);
// Compares the attributes of a tensor; if `tensor` is empty, those of the file. Each is a map or null.
void compare_attributes(const std::optional<std::string>& tensor, const Value& a, const Value& b,
                        std::vector<Difference>& differences);
// Reads all of both parts unless `meter` is stopped. Polls `meter`. Any thread. `tensor`: the tensor of the parts.
std::optional<Difference> compare_contents(const Tensor& tensor, const PartPair& pair, run::Meter& meter);

// Throws mismatch "convert.readback" unless both have the same shape, layout, attributes, parts and decoded bytes.
// Reads all these bytes.
void check_same(const Tensor& expected, const Tensor& found, run::Meter& meter);

}  // namespace zt::tools
