#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "container/shared/fields.h"
#include "container/zt12/manifest.h"
#include "model/catalog.h"

// A dense tensor stored as byte planes. In the manifest it is an object of the format `zt.planes/1`, which earlier
// readers do not know, while they read the other tensors of the file (spec/planes.md §3).
namespace zt::container::zt12 {

inline constexpr std::string_view kPlanes = "zt.planes/1";
inline constexpr std::string_view kPlanesRole = "planes";
inline constexpr std::string_view kPlanesDType = "zt.planes.dtype";  // an attribute

// The words of a dense part whose dtype has this word: that of its logical type if it has one, else of its storage. Throws
// unsupported "zt12.part.dtype".
TypeWords words_of_type(std::string_view word);

// The object as the dense tensor that it stands for.
struct PlanesAsDense {
  PartFields part = {};
  std::vector<std::byte> attributes = {};  // without ours; empty: none
};
// Throws malformed "zt12.planes.*", unsupported for a dtype that we do not know.
PlanesAsDense planes_as_dense(const ObjectFields& object);

// Whether a tensor of the catalog is stored as planes.
bool is_planes(const model::Catalog& catalog, const model::TensorRow& tensor);
// Attributes, a CBOR map or nothing, with the dtype that an object of planes states. `dtype`: its word.
std::vector<std::byte> with_planes_dtype(std::span<const std::byte> attributes, std::string_view dtype);
// The new attributes of an encoded object: with its dtype, if it is one of planes.
std::vector<std::byte> keep_planes_dtype(std::span<const std::byte> object, std::span<const std::byte> attributes);

}  // namespace zt::container::zt12
