#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/encoder.h"
#include "ztensor/value.h"
#include "ztensor/writer.h"

// Checks of the parts of a new tensor against its layout. Each check throws usage unless its comment says otherwise.
namespace zt::write {

std::string shape_text(const Shape& shape);  // "[2, 3]"
bool is_sparse(std::string_view layout);
// Whether a part of a layout is stored: some formats store only the parts that the layout defines.
bool is_kept(std::string_view layout, std::string_view role, const model::Encoder& encoder);
// Whether a format has a layout.
bool has_layout(const model::Encoder& encoder, std::string_view layout);
// Whether the format has the layout as blocks, whose type implies the attributes of the tensor.
bool has_blocks(const model::Encoder& encoder, std::string_view layout);
// What it is of a tensor, whose layout the format has, that it cannot hold; or "".
std::string fault_of(const model::Encoder& encoder, const model::Outline& tensor);

// Whether the last of these elements ends with a byte.
bool fills_bytes(DType dtype, std::uint64_t elements);

// Throws unless the array has one dimension: the order of two dimensions would be ambiguous.
void check_flat(std::string_view what, const ArrayView& array);
// Throws unless the coordinates have the shape {rank, nnz}, or one dimension.
void check_coordinates(const ArrayView& coordinates, std::uint64_t rank, std::uint64_t nnz);
// Throws unsupported if a format lacks the dtype, or needs whole bytes and the elements do not fill them.
void check_part(const PartView& part, const model::Encoder& encoder);
// Throws if the parts break a rule of zt.mx/1, zt.quant_group/1 or gguf.<type>/1. Other layouts pass.
void check_quantized(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                     const Value& attributes);
// Throws if the layout is one that the library defines, and the parts do not form a tensor of it. Throws unsupported
// for a tensor that the format cannot hold. `attributes` are CBOR, or nothing.
void check_layout(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                  std::span<const std::byte> attributes, const model::Encoder& encoder);

}  // namespace zt::write
