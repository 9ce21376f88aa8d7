#include "write/piece_sources.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/profiles/profiles.h"
#include "model/sparse.h"
#include "source/indices.h"

namespace zt::write {
namespace {

// The width of the words that byte order turns around: half an element of a complex dtype.
std::size_t word_bytes(DType dtype) {
  const std::size_t bytes = dtype_bits(dtype) / 8;
  return dtype == DType::complex64 || dtype == DType::complex128 ? bytes / 2 : bytes;
}

std::uint64_t length_of(const ArrayView& array) {
  const auto elements = checked::elements(array.shape);
  const auto length = elements ? byte_length(array.dtype, *elements) : std::nullopt;
  if (!length) throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
  if (!array.strides.empty() && array.strides.size() != array.shape.size()) {
    throw Error(
        Code::usage, "",
        std::to_string(array.strides.size()) + " strides for " + std::to_string(array.shape.size()) + " dimensions");
  }
  if (array.data == nullptr && *length > 0) throw Error(Code::usage, "", "the array has no data");
  return *length;
}

read::StridedView view_of(const ArrayView& array) {
  const std::uint64_t length = length_of(array);
  if (array.dtype == DType::f4_e2m1) {  // two elements a byte: only as one row of packed bytes
    if (!array.strides.empty()) throw Error(Code::usage, "", "float4 elements have no strides: pack them");
    const std::int64_t one = 1;
    return {array.data, {&length, 1}, {&one, 1}, 1, 0};
  }
  const std::size_t bytes = dtype_bits(array.dtype) / 8;
  std::vector<std::int64_t> strides = array.strides;
  if (strides.empty() && length > 0) {  // an empty array may have dimensions whose product wraps
    strides.resize(array.shape.size());
    auto stride = static_cast<std::int64_t>(bytes);
    for (std::size_t i = strides.size(); i-- > 0;) {
      strides[i] = stride;
      stride *= static_cast<std::int64_t>(array.shape[i]);
    }
  }
  const std::size_t word = array.byte_swapped ? word_bytes(array.dtype) : 0;
  return {array.data, array.shape, strides, bytes, word > 1 ? word : 0};
}

const PartView& find_part(std::span<const PartView> parts, std::string_view layout, std::string_view role) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const PartView& part) { return part.role == role; });
  if (found == parts.end())
    throw Error(Code::usage, "", "layout " + in_quotes(layout) + " has a part " + in_quotes(role));
  return *found;
}

std::uint64_t values_of(std::span<const PartView> parts, std::string_view layout) {
  return checked::elements(find_part(parts, layout, "values").array.shape).value_or(0);  // counted by length_of before
}

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (const std::uint64_t dimension : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
  return text + "]";
}

// Runs checks that judge files on what a caller handed in: what they find wrong is usage.
template <class F>
void as_usage(F&& check) {
  try {
    std::forward<F>(check)();
  } catch (const Error& error) {
    throw Error(Code::usage, error.rule(), error.what());
  }
}

}  // namespace

void make_clean(std::span<std::byte> bools) {
  for (std::byte& byte : bools) byte = static_cast<std::byte>(byte != std::byte{0});
}

ArraySource::ArraySource(const ArrayView& array)
    : view_(view_of(array)), length_(length_of(array)), bools_(array.dtype == DType::boolean) {}

std::span<const std::byte> ArraySource::in_memory() const {
  if (bools_ || !view_.is_contiguous()) return {};
  return {view_.data(), static_cast<std::size_t>(length_)};
}

void ArraySource::read(std::size_t piece, std::span<std::byte> out, read::Scratch&) {
  view_.gather(piece * read::kPieceBytes, out);
  if (bools_) make_clean(out);
}

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

std::vector<std::uint64_t> widen(const ArrayView& array) {
  if (model::integer_bytes(array.dtype) == 0) {
    throw Error(Code::usage, "", "indices are integers, not " + std::string(dtype_name(array.dtype)));
  }
  const read::StridedView view = view_of(array);
  std::vector<std::byte> bytes(static_cast<std::size_t>(length_of(array)));
  view.gather(0, bytes);
  return source::widen_indices(bytes, array.dtype, [](std::size_t i) {
    throw Error(Code::usage, "", "index " + std::to_string(i) + " is negative");
  });
}

namespace {

// Real 1.x readers take every index for eight bytes; generation 2 has indices of four as well.
std::vector<std::uint64_t> index_part(std::span<const PartView> parts, std::string_view layout, std::string_view role,
                                      const model::Encoder& encoder) {
  const ArrayView& array = find_part(parts, layout, role).array;
  const bool narrow = encoder.holds.narrow_indices && array.dtype == DType::u32;
  if (array.dtype != DType::u64 && !narrow) {
    throw Error(Code::usage, "", "part " + in_quotes(role) + " is uint64: add_csr and add_coo widen it");
  }
  return widen(array);
}

void check_csr_parts(const Shape& shape, std::span<const PartView> parts, const model::Encoder& encoder) {
  if (shape.size() != 2) throw Error(Code::usage, "", "a CSR tensor has two dimensions");
  const auto indices = index_part(parts, "sparse_csr", "indices", encoder);
  const auto indptr = index_part(parts, "sparse_csr", "indptr", encoder);
  if (find_part(parts, "sparse_csr", "indices").array.dtype != find_part(parts, "sparse_csr", "indptr").array.dtype) {
    throw Error(Code::usage, "", "parts 'indices' and 'indptr' are of one dtype");
  }
  as_usage([&] { model::check_csr(shape, values_of(parts, "sparse_csr"), indices, indptr); });
  if (encoder.holds.strict) as_usage([&] { model::check_csr_order(indices, indptr); });
}

void check_coo_parts(const Shape& shape, std::span<const PartView> parts, const model::Encoder& encoder) {
  if (encoder.holds.strict && shape.empty()) throw Error(Code::usage, "", "a COO tensor has a dimension");
  const auto coordinates = index_part(parts, "sparse_coo", "coords", encoder);
  const std::uint64_t nnz = values_of(parts, "sparse_coo");
  as_usage([&] { model::check_coo(shape, nnz, coordinates); });
  if (encoder.holds.strict) as_usage([&] { model::check_coo_cells(shape.size(), nnz, coordinates); });
}

}  // namespace

void check_part(const PartView& part, const model::Encoder& encoder) {
  if (encoder.storage(part.array.dtype).empty()) {
    throw Error(Code::unsupported, "",
                "format " + std::string(encoder.title) + " has no dtype " + std::string(dtype_name(part.array.dtype)));
  }
}

void check_quantized(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                     const Value& attributes) {
  std::vector<container::ProfilePart> facts;
  for (const PartView& part : parts) facts.push_back({part.role, part.array.dtype, length_of(part.array)});
  as_usage([&] {
    container::check_profile(
        {.layout = layout, .shape = shape, .attributes = attributes, .parts = facts, .to_write = true});
  });
}

void check_layout(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                  const model::Encoder& encoder) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (parts[k].role == parts[i].role)
        throw Error(Code::usage, "", "two parts have the role " + in_quotes(parts[i].role));
    }
  }
  const auto elements = checked::elements(shape);
  if (!elements) throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
  std::size_t known = 0;
  if (layout == "dense") {
    known = 1;
    const ArrayView& data = find_part(parts, layout, "data").array;
    if (checked::elements(data.shape) != elements)
      throw Error(Code::usage, "", "the elements of part 'data' are not those of the shape");
  } else if (layout == "sparse_csr") {
    known = 3;
    check_csr_parts(shape, parts, encoder);
  } else if (layout == "sparse_coo") {
    known = 2;
    check_coo_parts(shape, parts, encoder);
  } else if (!encoder.holds.other_layouts) {
    throw Error(Code::unsupported, "", "format " + std::string(encoder.title) + " has no layout " + in_quotes(layout));
  }
  const bool only_known = encoder.holds.strict || !encoder.holds.other_layouts;
  if (only_known && known != 0 && parts.size() != known) {
    throw Error(Code::usage, "",
                "layout " + in_quotes(layout) + " has " + std::to_string(known) + " parts, not " +
                    std::to_string(parts.size()));
  }
}

}  // namespace zt::write
