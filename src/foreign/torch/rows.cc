#include "foreign/torch/rows.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/utf8.h"
#include "foreign/torch/geometry.h"
#include "ztensor/error.h"

namespace zt::foreign::torch {
namespace {

using pickle::TensorRecord;

// The values of an element, or of each word of a complex one, have a sign in their first bit.
std::uint8_t words_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::f32:
    case DType::f16:
    case DType::bf16: return 1;
    case DType::complex64:
    case DType::complex128: return 2;
    default: return 0;
  }
}

model::Flip flip_of(const TensorRecord& tensor, DType dtype) {
  const std::uint8_t words = words_of(dtype);
  if ((tensor.is_negative && words == 0) || (tensor.is_conjugate && words != 2)) {
    throw Error(Code::unsupported, "torch.tensor.sign",
                "the tensor is a negative or a conjugate, which " + std::string(dtype_name(dtype)) + " has not");
  }
  if (!tensor.is_conjugate) {
    if (!tensor.is_negative) return model::Flip::none;
    return words == 2 ? model::Flip::both : model::Flip::last;
  }
  return tensor.is_negative ? model::Flip::first : model::Flip::last;
}

std::uint8_t swap_of(const StoragePlace& place, DType dtype) {
  if (!place.is_big_endian) return 0;
  const unsigned bytes = dtype_bits(dtype) / (dtype == DType::complex64 || dtype == DType::complex128 ? 16 : 8);
  return static_cast<std::uint8_t>(bytes > 1 ? bytes : 0);
}

DType dtype_of(const TensorRecord& tensor) {
  if (tensor.dtype) return *tensor.dtype;
  throw Error(Code::unsupported, "torch.dtype.unknown", "the type " + in_quotes(tensor.dtype_name) + " is not known");
}

// Unsigned integers of the same bytes: a negative index is then out of bounds.
DType index_type(DType dtype) {
  if (dtype == DType::i64) return DType::u64;
  if (dtype == DType::i32) return DType::u32;
  throw Error(Code::unsupported, "torch.sparse.index",
              "the indices are of type " + std::string(dtype_name(dtype)) + ": expected int64 or int32");
}

// Only the storage tells the type of a tensor in an embedded storage.
StoragePlace place_of(TensorRecord& tensor, Storages& storages) {
  StoragePlace place = storages.place(tensor.storage);
  if (tensor.storage.is_embedded && !tensor.dtype && tensor.dtype_name.empty()) {
    tensor.dtype = place.dtype;
    tensor.dtype_name = place.type;
  }
  return place;
}

[[noreturn]] void bad_sparse(const char* what) {
  throw Error(Code::malformed, "torch.sparse.parts",
              std::string("the parts of the sparse tensor do not fit its shape: ") + what);
}

}  // namespace

TensorRows::Dense TensorRows::read_dense(const TensorRecord& tensor, const Geometry& geometry,
                                         const StoragePlace& place) {
  Dense dense{.recipe = {},
              .view = {},
              .shape = geometry.shape(),
              .dtype = dtype_of(tensor),
              .word = tensor.dtype_name,
              .digest = {}};
  const model::Flip flip = flip_of(tensor, dense.dtype);
  const std::uint64_t length = geometry.check(place.recipe.decoded_length);
  dense.recipe = place.recipe;
  dense.recipe.swap = swap_of(place, dense.dtype);
  dense.recipe.decoded_length = length;
  const bool is_range = geometry.is_contiguous() && flip == model::Flip::none;
  if (length == 0) {
    dense.recipe.stored_length = 0;
    dense.recipe.coding = model::Coding::raw;
    return dense;
  }
  Region used = geometry.used();
  if (!place.recipe.coding.is_raw() || used.length == place.recipe.decoded_length) dense.digest = place.digest;
  if (place.recipe.coding.is_raw()) {  // the other bytes of the storage need not be read
    dense.recipe.offset += used.offset;
    dense.recipe.stored_length = used.length;
    used.offset = 0;
  } else {
    if (is_range && length == place.recipe.decoded_length) return dense;
    used.length = place.recipe.decoded_length;
  }
  if (is_range && place.recipe.coding.is_raw()) return dense;
  dense.view = View{.blob_length = used.length,
                    .start = used.offset,
                    .axes = geometry.axes(),
                    .strides = geometry.byte_strides(),
                    .element_bytes = geometry.element_bytes(),
                    .flip = flip};
  return dense;
}

void TensorRows::add(std::string_view name, const pickle::Records& records, pickle::Id node, Storages& storages) {
  if (records.sort(node) == pickle::Sort::sparse) return add_sparse(name, records, node, storages);
  TensorRecord tensor = records.tensor(node);
  std::optional<StoragePlace> place;
  if (tensor.storage.is_embedded) place = place_of(tensor, storages);
  const Geometry geometry(tensor, limits_);
  try {
    if (!place) place = place_of(tensor, storages);
    add_dense(name, read_dense(tensor, geometry, *place));
  } catch (const Error&) {  // the shape can be listed nevertheless
    if (!catalog_.find(name)) add_row(name, geometry.shape(), "dense");
    throw;
  }
}

void TensorRows::add_or_fault(std::string_view name, const pickle::Records& records, pickle::Id node,
                              Storages& storages) {
  try {
    add(name, records, node, storages);
  } catch (const Error& error) {
    if (error.code() == Code::io || error.code() == Code::no_memory || error.code() == Code::internal) throw;
    if (!catalog_.find(name)) add_row(name, {}, "dense");
    catalog_.fault_tensor(model::fault_of(error));
  }
}

void TensorRows::add_row(std::string_view name, std::span<const std::uint64_t> shape, std::string_view layout) {
  if (!catalog_.add_tensor(name, shape, layout, {})) {
    throw Error(Code::internal, "", "the name " + in_quotes(name) + " is given twice");
  }
}

void TensorRows::add_part(std::string_view role, const Dense& dense, DType dtype) {
  model::Recipe recipe = dense.recipe;
  if (dense.view) {
    const View& view = *dense.view;
    recipe.view = catalog_.add_view({.blob_length = view.blob_length,
                                     .start = view.start,
                                     .shape = view.axes,
                                     .strides = view.strides,
                                     .element_bytes = view.element_bytes,
                                     .flip = view.flip});
  }
  model::PartRow& part = catalog_.add_part(role, dtype, recipe, dense.digest);
  part.storage = catalog_.intern(dense.word);
}

void TensorRows::add_dense(std::string_view name, const Dense& dense) {
  const bool is_empty = dense.recipe.decoded_length == 0;
  Identity identity{.offset = dense.recipe.offset,
                    .stored_length = dense.recipe.stored_length,
                    .file = dense.recipe.file,
                    .swap = dense.recipe.swap,
                    .dtype = dense.dtype,
                    .shape = dense.shape,
                    .view = dense.view};
  if (!is_empty) {
    if (const auto same = rows_.find(identity); same != rows_.end()) return catalog_.add_copy(name, same->second);
  }
  const auto row = static_cast<std::uint32_t>(catalog_.size());
  add_row(name, dense.shape, "dense");
  add_part("data", dense, dense.dtype);
  if (!is_empty) rows_.emplace(std::move(identity), row);
}

void TensorRows::add_sparse(std::string_view name, const pickle::Records& records, pickle::Id node,
                            Storages& storages) {
  const pickle::SparseRecord sparse = records.sparse(node);
  const bool is_coo = sparse.layout == "sparse_coo";
  if (sparse.parts.size() != (is_coo ? 2U : 3U)) bad_sparse("one is missing");
  std::vector<Dense> parts;
  for (const pickle::Id part : sparse.parts) {
    TensorRecord tensor = records.tensor(part);
    const StoragePlace place = place_of(tensor, storages);
    parts.push_back(read_dense(tensor, Geometry(tensor, limits_), place));
  }
  check_sparse(sparse.size, is_coo, parts);
  add_row(name, sparse.size, sparse.layout);
  add_part("values", parts.back(), parts.back().dtype);
  if (is_coo) return add_part("coords", parts[0], index_type(parts[0].dtype));
  add_part("indices", parts[1], index_type(parts[1].dtype));
  add_part("indptr", parts[0], index_type(parts[0].dtype));
}

// The shapes of the parts must agree. Whether the indices lie in the tensor is checked when it is read.
void TensorRows::check_sparse(std::span<const std::uint64_t> size, bool is_coo, std::span<const Dense> parts) const {
  if (size.size() > limits_.rank) {
    throw Error(Code::limit, "torch.tensor.rank", "the tensor has " + std::to_string(size.size()) + " dimensions");
  }
  if (!checked::elements(size)) {
    throw Error(Code::malformed, "torch.tensor.size", "the shape has more elements than 64 bits count");
  }
  const std::vector<std::uint64_t>& values = parts.back().shape;
  if (values.size() != 1 || (!is_coo && size.size() != 2)) {
    throw Error(Code::unsupported, "torch.sparse.hybrid",
                "the sparse tensor has dense dimensions, or is a batch: make it dense");
  }
  using Shape = std::vector<std::uint64_t>;
  for (const Dense& part : parts.first(parts.size() - 1)) index_type(part.dtype);
  if (is_coo) {
    if (parts[0].shape != Shape{size.size(), values[0]}) bad_sparse("there are not as many indices as values");
    return;
  }
  if (parts[1].shape != values) bad_sparse("there are not as many indices as values");
  if (parts[0].shape != Shape{checked::add_up(size[0], 1)}) bad_sparse("there is not one pointer more than rows");
}

}  // namespace zt::foreign::torch
