#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "source/state.h"
#include "ztensor/source.h"
#include "ztensor/tensor.h"

namespace zt {

// The members of the public handles. Only the library's own code can reach them, through this class.
struct Access {
  static Source source(std::shared_ptr<const SourceState> state) { return Source(std::move(state)); }
  static Tensor tensor(std::shared_ptr<const SourceState> state, std::uint32_t row) {
    return Tensor(std::move(state), row);
  }
  static Part part(std::shared_ptr<const SourceState> state, std::uint32_t tensor, std::uint32_t row) {
    return Part(std::move(state), tensor, row);
  }

  static const std::shared_ptr<const SourceState>& state(const Source& source) { return source.state_; }
  static const std::shared_ptr<const SourceState>& state(const Tensor& tensor) { return tensor.state_; }
  static const std::shared_ptr<const SourceState>& state(const Part& part) { return part.state_; }

  // Rows of the catalog, of a tensor and of the tensor that a part belongs to.
  static std::uint32_t row(const Tensor& tensor) { return tensor.row_; }
  static std::uint32_t row(const Part& part) { return part.row_; }
  static std::uint32_t tensor_row(const Part& part) { return part.tensor_; }
};

namespace source {

// The catalog's row of a part. Throws the part's fault.
const model::PartRow& row_of(const Part& part);
// All attributes of a tensor, with those that users do not see: see hidden.h.
Value all_attributes(const Tensor& tensor);
// Throws the reason if a tensor is unreadable.
void check_readable(const Tensor& tensor);
// Throws usage too, for a tensor of another layout.
void check_layout(const Tensor& tensor, std::string_view wanted);

}  // namespace source
}  // namespace zt
