#include "write/layouts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/profiles/profiles.h"
#include "model/sparse.h"
#include "write/array_pieces.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

// The parts of a layout; empty for a layout that the library does not define.
std::vector<std::string_view> roles_of(std::string_view layout) {
  if (layout == "dense") return {"data"};
  if (layout == "sparse_csr") return {"values", "indices", "indptr"};
  if (layout == "sparse_coo") return {"values", "coords"};
  return {};
}

bool has_only_known_parts(const model::Encoder& encoder) {
  return encoder.holds.only_known_parts || !encoder.holds.other_layouts;
}

const PartView& find_part(std::span<const PartView> parts, std::string_view layout, std::string_view role) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const PartView& part) { return part.role == role; });
  if (found == parts.end())
    throw Error(Code::usage, "",
                "layout " + in_quotes(layout) + " needs a part " + in_quotes(role) + ", which is missing");
  return *found;
}

std::uint64_t values_of(std::span<const PartView> parts, std::string_view layout) {
  // length_of() has refused an overflow.
  return checked::elements(find_part(parts, layout, "values").array.shape).value_or(0);
}

// Runs a check for files on input of the caller: its errors become usage.
template <class F>
void as_usage(F&& check) {
  try {
    std::forward<F>(check)();
  } catch (const Error& error) {
    throw Error(Code::usage, error.rule(), error.what());
  }
}

// Real 1.x readers read every index as eight bytes. Generation 2 also has indices of four bytes.
std::vector<std::uint64_t> index_part(std::span<const PartView> parts, std::string_view layout, std::string_view role,
                                      const model::Encoder& encoder) {
  const ArrayView& array = find_part(parts, layout, role).array;
  const bool narrow = encoder.holds.narrow_indices && array.dtype == DType::u32;
  if (array.dtype != DType::u64 && !narrow) {
    throw Error(Code::usage, "",
                "part " + in_quotes(role) + " is " + std::string(dtype_name(array.dtype)) +
                    ": convert it to uint64, or use add_csr or add_coo");
  }
  return widen(array);
}

void check_csr_parts(const Shape& shape, std::span<const PartView> parts, const model::Encoder& encoder) {
  if (shape.size() != 2)
    throw Error(Code::usage, "",
                "a CSR tensor needs two dimensions, and the shape has " + std::to_string(shape.size()));
  const auto indices = index_part(parts, "sparse_csr", "indices", encoder);
  const auto indptr = index_part(parts, "sparse_csr", "indptr", encoder);
  if (find_part(parts, "sparse_csr", "indices").array.dtype != find_part(parts, "sparse_csr", "indptr").array.dtype) {
    throw Error(Code::usage, "", "'indices' and 'indptr' have different dtypes: use one dtype for both");
  }
  as_usage([&] { model::check_csr(shape, values_of(parts, "sparse_csr"), indices, indptr); });
  if (encoder.holds.sorted_sparse) as_usage([&] { model::check_csr_order(indices, indptr); });
}

void check_coo_parts(const Shape& shape, std::span<const PartView> parts, const model::Encoder& encoder) {
  if (encoder.holds.sorted_sparse && shape.empty())
    throw Error(Code::usage, "", "the shape of a COO tensor is empty: it needs at least one dimension");
  const auto coordinates = index_part(parts, "sparse_coo", "coords", encoder);
  const std::uint64_t nnz = values_of(parts, "sparse_coo");
  as_usage([&] { model::check_coo(shape, nnz, coordinates); });
  if (encoder.holds.sorted_sparse) as_usage([&] { model::check_coo_cells(shape.size(), nnz, coordinates); });
}

}  // namespace

void check_flat(std::string_view what, const ArrayView& array) {
  if (array.shape.size() == 1) return;
  throw Error(Code::usage, "", std::string(what) + " of shape " + shape_text(array.shape) + ": expected one dimension");
}

void check_coordinates(const ArrayView& coordinates, std::uint64_t rank, std::uint64_t nnz) {
  if (coordinates.shape.size() == 1 || coordinates.shape == Shape{rank, nnz}) return;
  throw Error(Code::usage, "",
              "indices of shape " + shape_text(coordinates.shape) + ": expected " + shape_text({rank, nnz}) +
                  ", a row for each dimension and a column for each value");
}

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (const std::uint64_t dimension : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
  return text + "]";
}

bool is_sparse(std::string_view layout) { return layout == "sparse_csr" || layout == "sparse_coo"; }

bool has_blocks(const model::Encoder& encoder, std::string_view layout) {
  return encoder.has_blocks != nullptr && encoder.has_blocks(layout);
}

std::string fault_of(const model::Encoder& encoder, const model::Outline& tensor) {
  return encoder.tensor_fault == nullptr || !has_layout(encoder, tensor.layout) ? "" : encoder.tensor_fault(tensor);
}

bool has_layout(const model::Encoder& encoder, std::string_view layout) {
  if (layout == "dense" || has_blocks(encoder, layout)) return true;
  return is_sparse(layout) ? encoder.holds.sparse_layouts : encoder.holds.other_layouts;
}

bool fills_bytes(DType dtype, std::uint64_t elements) { return dtype_bits(dtype) % 8 == 0 || elements % 2 == 0; }

bool is_kept(std::string_view layout, std::string_view role, const model::Encoder& encoder) {
  const std::vector<std::string_view> roles = roles_of(layout);
  return roles.empty() || !has_only_known_parts(encoder) || std::ranges::find(roles, role) != roles.end();
}

void check_part(const PartView& part, const model::Encoder& encoder) {
  if (encoder.storage(part.array.dtype).empty()) {
    throw Error(Code::unsupported, "",
                "format " + std::string(encoder.title) + " has no dtype " + std::string(dtype_name(part.array.dtype)));
  }
  const std::uint64_t elements = checked::elements(part.array.shape).value_or(0);
  if (encoder.holds.whole_bytes && !fills_bytes(part.array.dtype, elements)) {
    throw Error(Code::unsupported, "",
                "format " + std::string(encoder.title) +
                    " cannot hold an odd number of float4 elements: the last one fills only half a byte");
  }
}

void check_quantized(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                     const Value& attributes) {
  std::vector<container::ProfilePart> facts;
  for (const PartView& part : parts) facts.push_back({part.role, part.array.dtype, ArrayPieces(part.array).length()});
  as_usage([&] {
    container::check_profile(
        {.layout = layout, .shape = shape, .attributes = attributes, .parts = facts, .to_write = true});
  });
}

void check_layout(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                  std::span<const std::byte> attributes, const model::Encoder& encoder) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (parts[k].role == parts[i].role)
        throw Error(Code::usage, "", "two parts have the role " + in_quotes(parts[i].role));
    }
  }
  const auto elements = checked::elements(shape);
  if (!elements) throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
  if (!has_layout(encoder, layout)) {
    throw Error(Code::unsupported, "", "format " + std::string(encoder.title) + " has no layout " + in_quotes(layout));
  }
  const auto main = std::ranges::find(parts, "data", &PartView::role);
  const auto dtype = main == parts.end() ? std::nullopt : std::optional(main->array.dtype);
  const std::string fault =
      fault_of(encoder, {.layout = layout, .shape = shape, .dtype = dtype, .attributes = attributes});
  if (!fault.empty()) {
    throw Error(Code::unsupported, "", "format " + std::string(encoder.title) + " cannot hold " + fault);
  }
  std::size_t known = 0;
  if (layout == "dense") {
    known = 1;
    const ArrayView& data = find_part(parts, layout, "data").array;
    if (checked::elements(data.shape) != elements)
      throw Error(Code::usage, "", "part 'data' has another number of elements than the shape");
  } else if (layout == "sparse_csr") {
    known = 3;
    check_csr_parts(shape, parts, encoder);
  } else if (layout == "sparse_coo") {
    known = 2;
    check_coo_parts(shape, parts, encoder);
  }
  if (has_only_known_parts(encoder) && known != 0 && parts.size() != known) {
    throw Error(Code::usage, "",
                "layout " + in_quotes(layout) + " takes only its " + std::to_string(known) + " parts, and there are " +
                    std::to_string(parts.size()));
  }
}

}  // namespace zt::write
