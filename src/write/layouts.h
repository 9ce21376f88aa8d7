#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/encoder.h"
#include "ztensor/value.h"
#include "ztensor/writer.h"

// What the parts of a new tensor have to be for its layout. All of these throw usage unless they say otherwise.
namespace zt::write {

bool is_sparse(std::string_view layout);
// Whether a part of a layout is stored at all: some formats have nothing beside the parts of their layouts.
bool is_kept(std::string_view layout, std::string_view role, const model::Encoder& encoder);
// Whether a format has a layout at all.
bool has_layout(const model::Encoder& encoder, std::string_view layout);

// Whether so many elements end with a byte.
bool fills_bytes(DType dtype, std::uint64_t elements);

// Throws unless the array has one dimension: of two, nothing says which comes first.
void check_flat(std::string_view what, const ArrayView& array);
// Throws unless the coordinates have the shape {rank, nnz}, or one dimension.
void check_coordinates(const ArrayView& coordinates, std::uint64_t rank, std::uint64_t nnz);
// Throws unsupported when a format has no such dtype, or the elements do not fill whole bytes where they have to.
void check_part(const PartView& part, const model::Encoder& encoder);
// Throws when the parts break a rule of zt.mx/1, zt.quant_group/1 or gguf.<type>/1; other layouts pass.
void check_quantized(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                     const Value& attributes);
// Throws when the parts do not make up a tensor of a layout that the library defines, unsupported for a layout that the
// format does not have.
void check_layout(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                  const model::Encoder& encoder);

}  // namespace zt::write
