#include "container/zt2/profiles.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "container/profiles/profiles.h"
#include "ztensor/error.h"

namespace zt::container::zt2 {
namespace {

const PartFacts* find(const TensorFacts& tensor, std::string_view role) {
  const auto found = std::ranges::find(tensor.parts, role, &PartFacts::role);
  return found == tensor.parts.end() ? nullptr : &*found;
}

// No two parts have the same role. So if each role is found and the counts are equal, there are no other parts.
void check_parts(const TensorFacts& tensor, std::initializer_list<std::string_view> roles, const char* rule) {
  for (const std::string_view role : roles) {
    if (find(tensor, role) == nullptr) throw Error(Code::malformed, rule, "part " + in_quotes(role) + " is missing");
  }
  if (tensor.parts.size() != roles.size()) {
    throw Error(Code::malformed, rule,
                "there are " + count_text(tensor.parts.size(), "part") + ": the layout needs exactly " +
                    std::to_string(roles.size()));
  }
}

// A part of an unknown type has no expected length.
void check_size(const PartFacts& part, std::uint64_t elements, const char* rule) {
  if (!part.known) return;
  const auto expected = byte_length(part.dtype, elements);
  if (expected == part.bytes) return;
  throw Error(Code::malformed, rule,
              "part " + in_quotes(part.role) + " has " + count_text(part.bytes, "byte") + ": expected " +
                  (expected ? std::to_string(*expected) : "more than 64 bits count") + " for " +
                  count_text(elements, "element"));
}

unsigned index_width(const PartFacts& part, const char* rule) {
  if (!part.typed && (part.dtype == DType::u32 || part.dtype == DType::u64)) return dtype_bits(part.dtype) / 8;
  throw Error(Code::malformed, rule,
              "part " + in_quotes(part.role) + ": expected dtype u32 or u64 without a logical type");
}

// zt-2 §6
void check_dense(const TensorFacts& tensor) {
  check_parts(tensor, {"data"}, "zt2.dense.parts");
  check_size(tensor.parts[0], tensor.elements, "zt2.dense.length");
}

// zt-2 §6
void check_csr(const TensorFacts& tensor) {
  if (tensor.shape.size() != 2) {
    throw Error(Code::malformed, "zt2.csr.rank",
                "a CSR tensor needs two dimensions, and this one has " + std::to_string(tensor.shape.size()));
  }
  check_parts(tensor, {"values", "indices", "indptr"}, "zt2.csr.parts");
  const PartFacts& indices = *find(tensor, "indices");
  const PartFacts& indptr = *find(tensor, "indptr");
  const unsigned width = index_width(indices, "zt2.csr.dtype");
  if (index_width(indptr, "zt2.csr.dtype") != width) {
    throw Error(Code::malformed, "zt2.csr.dtype", "part 'indptr' and part 'indices' have different dtypes");
  }
  const auto pointers = checked::add(tensor.shape[0], 1);
  if (!pointers) throw Error(Code::malformed, "zt2.csr.rows", "the number of rows plus one does not fit 64 bits");
  if (indices.bytes % width != 0) {
    throw Error(Code::malformed, "zt2.csr.length",
                "part 'indices' of " + count_text(indices.bytes, "byte") + " is not a whole number of indices");
  }
  check_size(indptr, *pointers, "zt2.csr.length");
  check_size(*find(tensor, "values"), indices.bytes / width, "zt2.csr.length");
}

// zt-2 §6
void check_coo(const TensorFacts& tensor) {
  if (tensor.shape.empty())
    throw Error(Code::malformed, "zt2.coo.rank", "a COO tensor needs at least one dimension, and this one has none");
  check_parts(tensor, {"values", "coords"}, "zt2.coo.parts");
  const PartFacts& coords = *find(tensor, "coords");
  const std::uint64_t cell = index_width(coords, "zt2.coo.dtype") * tensor.shape.size();
  if (coords.bytes % cell != 0) {
    throw Error(Code::malformed, "zt2.coo.length",
                "part 'coords' of " + count_text(coords.bytes, "byte") + " is not a whole number of cells");
  }
  check_size(*find(tensor, "values"), coords.bytes / cell, "zt2.coo.length");
}

void check_quantized(const TensorFacts& tensor) {
  std::vector<ProfilePart> parts;
  for (const PartFacts& part : tensor.parts) {
    parts.push_back({part.role, part.known ? std::optional(part.dtype) : std::nullopt, part.bytes});
  }
  const Value attributes = tensor.attributes.empty() ? Value() : Value::parse(tensor.attributes);
  container::check_profile({.layout = tensor.layout, .shape = tensor.shape, .attributes = attributes, .parts = parts});
}

}  // namespace

// zt-2 §6
void check_profile(const TensorFacts& tensor) {
  if (tensor.layout == "dense") return check_dense(tensor);
  if (tensor.layout == "zt.sparse_csr/1") return check_csr(tensor);
  if (tensor.layout == "zt.sparse_coo/1") return check_coo(tensor);
  if (tensor.layout == kMx || tensor.layout == kQuantGroup || is_gguf(tensor.layout)) return check_quantized(tensor);
  if (tensor.layout == "sparse_csr" || tensor.layout == "sparse_coo") {  // words of 1.x, which have no meaning here
    throw Error(
        Code::unsupported, "zt2.layout.reserved",
        "layout " + in_quotes(tensor.layout) + " is a layout of generation 1 and has no meaning in generation 2");
  }
}

bool refuses_file(std::string_view layout) { return layout == "dense" || layout == "zt.sparse_csr/1"; }

}  // namespace zt::container::zt2
