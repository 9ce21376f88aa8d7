#include "container/shared/tensor_checks.h"

#include <string>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/shared/fields.h"

namespace zt::container {
namespace {

constexpr std::uint64_t kHeaderBytes = 8;
constexpr std::uint64_t kAlignment = 64;

// Checks that the data part holds exactly the elements of the shape.
void check_dense(model::Catalog& catalog, const model::TensorRow& tensor, const Limits& limits,
                 const TensorRules& rules) {
  const auto found = catalog.find_part(tensor, "data");
  if (!found) throw Error(Code::malformed, rules.dense_data, "layout 'dense' needs a part 'data', which is missing");
  const std::uint64_t expected = dense_bytes(catalog.shape(tensor), catalog.part(*found).dtype, rules);
  const model::Recipe& recipe = catalog.part(*found).recipe;
  if (recipe.decoded_length == model::kUnknownLength) {
    check_ratio(recipe.coding.codec, expected, recipe.stored_length, rules.blob);
    check_decoded(expected, limits, rules.blob);
    catalog.set_decoded_length(*found, expected);
  } else if (recipe.decoded_length != expected) {
    throw Error(Code::malformed, rules.dense_length,
                "the shape takes " + count_text(expected, "byte") + ", but part 'data' has " +
                    std::to_string(recipe.decoded_length));
  }
}

void check_sparse(const model::Catalog& catalog, const model::TensorRow& tensor, std::string_view indices,
                  const TensorRules& rules) {
  for (const std::string_view role : {std::string_view("values"), indices}) {
    if (!catalog.find_part(tensor, role)) {
      throw Error(Code::malformed, rules.sparse_parts, "part " + in_quotes(role) + " is missing");
    }
  }
  element_count(catalog.shape(tensor), rules);
}

}  // namespace

void check_extent(std::uint64_t offset, std::uint64_t length, std::uint64_t blobs_end, const BlobRules& rules) {
  const auto range = [&] { return "offset " + std::to_string(offset) + " + length " + std::to_string(length); };
  if (offset % kAlignment != 0) {
    throw Error(Code::malformed, rules.align, range() + ": the offset is not a multiple of 64");
  }
  if (!checked::within(offset, length, blobs_end)) {
    throw Error(Code::malformed, rules.bounds, range() + " runs past " + std::to_string(blobs_end));
  }
  if (length > 0 && offset < kHeaderBytes) {
    throw Error(Code::malformed, rules.header, range() + " overlaps the header");
  }
}

void check_ratio(Codec codec, std::uint64_t decoded, std::uint64_t stored, const BlobRules& rules) {
  if (codec == Codec::delta && stored == 0) return;  // as long as its base. spec/delta.md §1
  if (!codec::can_give(codec, stored, decoded)) {
    throw Error(Code::malformed, rules.ratio,
                std::to_string(stored) + " stored bytes cannot decode to " + std::to_string(decoded));
  }
}

void check_decoded(std::uint64_t decoded, const Limits& limits, const BlobRules& rules) {
  if (decoded > limits.decoded_bytes) {
    throw Error(Code::limit, rules.limit,
                "the part has more decoded bytes than the limit of " + std::to_string(limits.decoded_bytes));
  }
}

std::uint64_t element_count(std::span<const std::uint64_t> shape, const TensorRules& rules) {
  const auto elements = checked::elements(shape);
  if (!elements) throw Error(Code::malformed, rules.overflow, "the shape has more elements than 64 bits count");
  return *elements;
}

std::uint64_t dense_bytes(std::span<const std::uint64_t> shape, DType dtype, const TensorRules& rules) {
  const auto bytes = byte_length(dtype, element_count(shape, rules));
  if (!bytes) throw Error(Code::malformed, rules.overflow, "the shape has more elements than 64 bits count");
  return *bytes;
}

void check_tensor(model::Catalog& catalog, const Limits& limits, const TensorRules& rules) {
  const model::TensorRow& tensor = catalog.tensor(static_cast<std::uint32_t>(catalog.size() - 1));
  const std::string_view layout = catalog.word(tensor.layout);
  if (layout == "dense") return check_dense(catalog, tensor, limits, rules);
  if (layout == "sparse_csr") {
    if (!catalog.find_part(tensor, "indptr")) {
      throw Error(Code::malformed, rules.sparse_parts, "part 'indptr' is missing");
    }
    if (tensor.rank != 2) {
      throw Error(Code::malformed, rules.sparse_rank,
                  "a CSR tensor needs two dimensions, and this one has " + std::to_string(tensor.rank));
    }
    return check_sparse(catalog, tensor, "indices", rules);
  }
  if (layout == "sparse_coo") check_sparse(catalog, tensor, "coords", rules);
}

}  // namespace zt::container
