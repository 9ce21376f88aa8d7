#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "foreign/pickle/array_lister.h"
#include "foreign/pickle/owned.h"
#include "foreign/torch/rows.h"
#include "foreign/torch/storages.h"

namespace zt::foreign::torch {

// Lists tensors of torch, and arrays of NumPy.
class TensorLister final : public pickle::Lister {
 public:
  // The pickle lies in the file as it is, from `base` on; empty: only its decoded bytes are in memory.
  TensorLister(TensorRows& rows, Storages& storages, pickle::OwnedPayloads& owned,
               std::optional<std::uint64_t> base = 0)
      : rows_(rows), storages_(storages), base_(base.value_or(0)), arrays_(owned, !base) {}
  void add(model::Catalog& catalog, std::string_view name, const pickle::Records& records, pickle::Id leaf) override;

 private:
  TensorRows& rows_;
  Storages& storages_;
  std::uint64_t base_;
  pickle::ArrayLister arrays_;
};

}  // namespace zt::foreign::torch
