#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foreign/pickle/records.h"
#include "foreign/torch/geometry.h"
#include "foreign/torch/storages.h"
#include "model/catalog.h"
#include "ztensor/limits.h"

namespace zt::foreign::torch {

// Adds the tensors of a pickle to a Catalog: as ranges of the file where their elements lie there in row-major order,
// else as views of their storages. Tensors with the same elements share a row's parts.
class TensorRows {
 public:
  TensorRows(model::Catalog& catalog, const Limits& limits) : catalog_(catalog), limits_(limits) {}

  // Adds the dense or sparse tensor that a node describes. The name must be free. Throws what is wrong with the tensor;
  // then the row is there without parts, or not there.
  void add(std::string_view name, const pickle::Records& records, pickle::Id node, Storages& storages);
  // The same, and what is wrong with the tensor becomes its fault.
  void add_or_fault(std::string_view name, const pickle::Records& records, pickle::Id node, Storages& storages);

 private:
  // model::View with its own memory.
  struct View {
    std::uint64_t blob_length = 0;
    std::uint64_t start = 0;
    std::vector<std::uint64_t> axes;
    std::vector<std::int64_t> strides;
    std::uint32_t element_bytes = 1;
    model::Flip flip = model::Flip::none;
    friend auto operator<=>(const View&, const View&) = default;  // NOLINT(modernize-use-nullptr)
  };
  struct Dense {
    model::Recipe recipe;
    std::optional<View> view;
    std::vector<std::uint64_t> shape;
    DType dtype = DType::u8;
    std::string word;    // the name of the stored type
    std::string digest;  // of the bytes that the recipe names, if these are the whole storage
  };
  // What two tensors with the same elements have in common.
  struct Identity {
    std::uint64_t offset = 0;
    std::uint64_t stored_length = 0;
    std::uint16_t file = 0;
    std::uint8_t swap = 0;
    DType dtype = DType::u8;
    std::vector<std::uint64_t> shape;
    std::optional<View> view;
    friend auto operator<=>(const Identity&, const Identity&) = default;  // NOLINT(modernize-use-nullptr)
  };

  static Dense read_dense(const pickle::TensorRecord& tensor, const Geometry& geometry, const StoragePlace& place);
  void add_dense(std::string_view name, const Dense& dense);
  void add_sparse(std::string_view name, const pickle::Records& records, pickle::Id node, Storages& storages);
  void check_sparse(std::span<const std::uint64_t> size, bool is_coo, std::span<const Dense> parts) const;
  void add_part(std::string_view role, const Dense& dense, DType dtype);
  void add_row(std::string_view name, std::span<const std::uint64_t> shape, std::string_view layout);

  model::Catalog& catalog_;
  const Limits& limits_;
  std::map<Identity, std::uint32_t> rows_;  // of dense tensors that are not empty
};

}  // namespace zt::foreign::torch
