#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/encoder.h"
#include "ztensor/dtype.h"
#include "ztensor/tensor.h"

// What a tensor of another file loses in a format. The writer refuses it, or the caller accepts the loss.
namespace zt::write {

// One property of a tensor or file that a format cannot hold.
struct Loss {
  std::string what;
  bool fatal = false;  // nothing would be left of the tensor
};

// Losses that follow from the tensor's description. Reads no elements.
std::vector<Loss> losses_of(const Tensor& tensor, const model::Encoder& encoder);
// Losses that follow from the contents, in formats that restrict them: bool bytes, the order of sparse entries. Reads
// these elements once, and remembers the result with the source.
std::vector<Loss> losses_of_content(const Tensor& tensor, const model::Encoder& encoder);
// Throws unsupported if a loss is fatal ("write.beyond"), or if `lossy` allows none ("write.loss"). The message names
// up to five such losses.
void check_losses(const std::vector<Loss>& losses, const model::Encoder& encoder, bool lossy);

// Adds to a catalog a tensor that will be moved: its shape, and the decoded lengths of the parts that will be stored.
// The caller has judged its losses.
void plan_tensor(const Tensor& tensor, const model::Encoder& encoder, model::Catalog& catalog);

// The dtype that the format stores: uint8 if it lacks a dtype of 8 bits. Empty if the format has neither.
std::optional<DType> stored_dtype(DType dtype, const model::Encoder& encoder);

}  // namespace zt::write
