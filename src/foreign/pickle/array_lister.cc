#include "foreign/pickle/array_lister.h"

#include <string>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "model/recipe.h"

namespace zt::foreign::pickle {
namespace {

bool is_row_major(const ArrayRecord& array) {
  if (array.strides.empty()) return true;
  std::uint64_t stride = 1;
  for (std::size_t i = array.shape.size(); i-- > 0;) {
    if (array.shape[i] == 0) return true;
    if (array.shape[i] != 1 && array.strides[i] != stride) return false;
    stride *= array.shape[i];
  }
  return true;
}

bool is_complex(DType dtype) { return dtype == DType::complex64 || dtype == DType::complex128; }

std::uint32_t add_view(model::Catalog& catalog, const ArrayRecord& array, std::uint64_t length) {
  std::vector<std::int64_t> strides;
  strides.reserve(array.strides.size());
  for (const std::uint64_t stride : array.strides) {
    strides.push_back(static_cast<std::int64_t>(stride * array.type.item_bytes));
  }
  return catalog.add_view({.blob_length = length,
                           .start = 0,
                           .shape = array.shape,
                           .strides = strides,
                           .element_bytes = static_cast<std::uint32_t>(array.type.item_bytes)});
}

// What keeps an array from being read, although the pickle is sound.
void check_type(const ArrayRecord& array) {
  if (array.type.is_object) {
    throw Error(Code::unsupported, "pickle.array.objects", "the array holds Python objects, which are never made");
  }
  if (!array.is_ndarray) {
    throw Error(Code::refused, "pickle.array.class", "the array is of a class other than numpy.ndarray");
  }
  if (!array.type.dtype) {
    throw Error(Code::unsupported, "pickle.dtype.unknown",
                "the array has the NumPy dtype " + in_quotes(array.type.name) + ", which no dtype of ours stands for");
  }
}

}  // namespace

void ArrayLister::add(model::Catalog& catalog, std::string_view name, const Records& records, Id leaf) {
  const ArrayRecord array = records.array(leaf);
  catalog.add_tensor(name, array.shape, "dense", {});
  check_type(array);
  const std::uint64_t length = *checked::elements(array.shape) * array.type.item_bytes;  // records.array() checks it
  model::Recipe recipe{.offset = array.payload.offset, .stored_length = length, .decoded_length = length};
  std::uint64_t there = array.payload.length;
  if (array.packing != Packing::raw || owns_all_) {
    const Region place = owned_.place({array.payload, array.packing});
    recipe.offset = place.offset;
    recipe.file = model::kOwnedFile;
    there = place.length;
  }
  if (there != length) {
    throw Error(Code::malformed, "pickle.array.length",
                "the array has " + count_text(there, "byte") + ": shape and dtype take " + std::to_string(length));
  }
  const auto word = array.type.item_bytes / (is_complex(*array.type.dtype) ? 2 : 1);
  if (array.type.is_big_endian) recipe.swap = static_cast<std::uint8_t>(word);
  if (!is_row_major(array)) recipe.view = add_view(catalog, array, length);
  model::PartRow& part = catalog.add_part("data", *array.type.dtype, recipe, "");
  part.storage = catalog.intern(array.type.name.size() <= 16 ? array.type.name : "");
}

}  // namespace zt::foreign::pickle
