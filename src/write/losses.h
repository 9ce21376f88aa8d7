#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/encoder.h"
#include "ztensor/dtype.h"
#include "ztensor/tensor.h"

// What a tensor of another file loses in a format: refused by name, or given up knowingly.
namespace zt::write {

// One thing about a tensor, or a file, that a format cannot hold.
struct Loss {
  std::string what;
  bool fatal = false;  // there is nothing left to carry over
};

// What a tensor loses by its kind. Reads no elements.
std::vector<Loss> losses_of(const Tensor& tensor, const model::Encoder& encoder);
// What it loses by its contents: bool bytes, and the order of sparse entries, where the format has rules for it. It reads
// these elements once, and remembers with their source what it saw.
std::vector<Loss> losses_of_content(const Tensor& tensor, const model::Encoder& encoder);
// Throws unsupported "write.loss" for the first that cannot be carried over, or that may not be.
void check_losses(const std::vector<Loss>& losses, const model::Encoder& encoder, bool lossy);

// Adds a tensor that is going to be moved to a catalog: its shape, and the parts that are stored with their decoded
// lengths. Its losses were judged.
void plan_tensor(const Tensor& tensor, const model::Encoder& encoder, model::Catalog& catalog);

// The dtype that is stored: the storage type where the format has no such logical type. Empty when neither is there.
std::optional<DType> stored_dtype(DType dtype, const model::Encoder& encoder);

}  // namespace zt::write
