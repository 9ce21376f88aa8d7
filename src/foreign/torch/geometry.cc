#include "foreign/torch/geometry.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/count_text.h"
#include "ztensor/error.h"

namespace zt::foreign::torch {
namespace {

// An expanded tensor has elements that lie at the same place. A few bytes could decode to any size.
constexpr std::uint64_t kExpansion = 4;
constexpr std::uint64_t kFreeExpansion = std::uint64_t{64} << 20;

[[noreturn]] void malformed(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

}  // namespace

Geometry::Geometry(const pickle::TensorRecord& tensor, const Limits& limits)
    : offset_(tensor.offset),
      size_(tensor.size),
      stride_(tensor.stride),
      shape_(tensor.size),
      most_decoded_(limits.decoded_bytes) {
  if (size_.size() > std::min<std::uint32_t>(limits.rank, 255)) {
    throw Error(Code::limit, "torch.tensor.rank",
                "the tensor has " + std::to_string(size_.size()) + " dimensions, over the limit");
  }
  const bool is_packed = tensor.dtype == DType::f4_e2m1;  // two elements of the last dimension in a byte
  if (tensor.dtype && !is_packed) width_ = dtype_bits(*tensor.dtype) / 8;
  const auto elements = checked::elements(size_);
  if (!elements || !checked::multiply(*elements, is_packed ? 2 : width_)) {
    malformed("torch.tensor.size", "the tensor has more bytes than 64 bits count");
  }
  if (!is_packed) return;
  if (shape_.empty()) malformed("torch.tensor.size", "a tensor of packed pairs has no dimension");
  const auto doubled = checked::multiply(shape_.back(), 2);
  if (!doubled) malformed("torch.tensor.size", "the tensor has more elements than 64 bits count");
  shape_.back() = *doubled;
}

bool Geometry::is_empty() const { return std::ranges::find(size_, 0U) != size_.end(); }

std::uint64_t Geometry::check(std::uint64_t storage_bytes) const {
  const std::uint64_t room = storage_bytes / width_;
  std::optional<std::uint64_t> last = offset_;  // the element with the highest place
  for (std::size_t i = 0; i < size_.size() && !is_empty(); ++i) {
    const auto reach = checked::multiply(size_[i] - 1, stride_[i]);
    last = last && reach ? checked::add(*last, *reach) : std::nullopt;
  }
  if (!last || (is_empty() ? *last > room : *last >= room)) {
    malformed("torch.tensor.bounds",
              "the elements of the tensor run past its storage of " + count_text(room, "element"));
  }
  const std::uint64_t length = *checked::elements(size_) * width_;
  const std::uint64_t most = std::max(kFreeExpansion, checked::multiply(storage_bytes, kExpansion).value_or(length));
  if (length > most || length > most_decoded_) {
    throw Error(Code::limit, "torch.tensor.expanded",
                "the tensor repeats the " + count_text(storage_bytes, "byte") + " of its storage up to " +
                    std::to_string(length) + " bytes, over the limit");
  }
  return length;
}

bool Geometry::is_contiguous() const {
  std::uint64_t expected = 1;
  for (std::size_t i = size_.size(); i-- > 0;) {
    if (size_[i] == 1) continue;
    if (stride_[i] != expected) return false;
    expected *= size_[i];
  }
  return true;
}

Region Geometry::used() const {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < size_.size(); ++i) last += (size_[i] - 1) * stride_[i];
  return {offset_ * width_, (last + 1) * width_};
}

std::vector<std::int64_t> Geometry::byte_strides() const {
  std::vector<std::int64_t> strides;
  for (std::size_t i = 0; i < size_.size(); ++i) {  // of a dimension of one element, the stride means nothing
    strides.push_back(size_[i] == 1 ? 0 : static_cast<std::int64_t>(stride_[i] * width_));
  }
  return strides;
}

}  // namespace zt::foreign::torch
