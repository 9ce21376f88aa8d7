#include "foreign/numpy/array.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/count_text.h"
#include "hash/crc32.h"
#include "hash/digest.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

// Whether the first axis moves fastest, which makes a difference only if two axes have more than one position.
bool is_transposed(const Header& header) {
  const auto longer = std::ranges::count_if(header.shape, [](std::uint64_t n) { return n > 1; });
  return header.fortran && longer > 1 && header.count > 0;
}

// `bytes`: of one element. The strides of an array that is not empty fit, because the array fits its blob.
std::vector<std::int64_t> fortran_strides(const Header& header, std::uint64_t bytes) {
  std::vector<std::int64_t> strides;
  for (const std::uint64_t dimension : header.shape) {
    strides.push_back(static_cast<std::int64_t>(bytes));
    bytes *= dimension;
  }
  return strides;
}

std::string digest_text(std::uint32_t crc) { return hash::format_digest({.algorithm = Checksum::crc32, .crc = crc}); }

void check_length(const Blob& blob, const Header& header, std::uint64_t bytes) {
  const std::uint64_t there = blob.length - header.data;
  if (bytes == there) return;
  throw Error(
      Code::malformed, "npy.data.length",
      "shape and type take " + count_text(bytes, "byte") + ", but " + std::to_string(there) + " follow the header");
}

}  // namespace

Blob Blob::of(const zip::Member& member) {
  const bool raw = member.method == zip::kStored;
  return {.offset = member.offset,
          .stored_length = member.stored_length,
          .length = member.length,
          .coding = raw ? model::Coding::raw : model::Coding::deflate,
          .crc = member.crc};
}

Array read_array(const Blob& blob, std::span<const std::byte> head, const Limits& limits) {
  const auto header = head.first(static_cast<std::size_t>(header_bytes(head)));
  Array array{.header = parse_header(header, limits), .recipe = {}, .digest = {}};
  if (!array.header.elements) return array;
  const std::uint64_t bytes = array.header.count * array.header.elements->bytes;  // checked with the header
  check_length(blob, array.header, bytes);
  if (blob.length > limits.decoded_bytes) {
    throw Error(Code::limit, "npy.data.limit",
                "the array has " + std::to_string(blob.length) + " bytes, over the limit of " +
                    std::to_string(limits.decoded_bytes));
  }
  array.recipe = {.offset = blob.offset,
                  .stored_length = blob.stored_length,
                  .decoded_length = bytes,
                  .coding = blob.coding,
                  .swap = array.header.elements->swap};
  if (blob.coding.is_raw()) {
    array.recipe.offset += header.size();
    array.recipe.stored_length = bytes;
  }
  if (!blob.crc) return array;
  // A raw part begins behind the header, and so does its digest: without the header, the elements have this value.
  const std::uint32_t before = blob.coding.is_raw() ? hash::crc32_join(hash::crc32(header), 0, bytes) : 0;
  array.digest = digest_text(*blob.crc ^ before);
  return array;
}

void add_array(model::Catalog& catalog, std::string_view name, const Blob& blob, const Array& array) {
  const Header& header = array.header;
  if (!header.elements) return add_unreadable(catalog, name, header.shape, blob, fault_of_type(header));
  catalog.add_tensor(name, header.shape, "dense", {});
  model::Recipe recipe = array.recipe;
  const bool raw = recipe.coding.is_raw();
  const std::uint32_t bytes = header.elements->bytes;
  if (is_transposed(header)) {
    recipe.view = catalog.add_view({.blob_length = raw ? recipe.decoded_length : blob.length,
                                    .start = raw ? 0 : header.data,
                                    .shape = header.shape,
                                    .strides = fortran_strides(header, bytes),
                                    .element_bytes = bytes});
  } else if (!raw) {
    const std::uint64_t count[] = {header.count};
    const std::int64_t stride[] = {static_cast<std::int64_t>(bytes)};
    recipe.view = catalog.add_view(
        {.blob_length = blob.length, .start = header.data, .shape = count, .strides = stride, .element_bytes = bytes});
  }
  model::PartRow& part = catalog.add_part("data", header.elements->dtype, recipe, array.digest);
  part.storage = catalog.intern(header.descr);
}

void add_unreadable(model::Catalog& catalog, std::string_view name, std::span<const std::uint64_t> shape,
                    const Blob& blob, const model::Fault& fault) {
  catalog.add_tensor(name, shape, "dense", {});
  catalog.add_part("data", DType::u8,
                   {.offset = blob.offset,
                    .stored_length = blob.stored_length,
                    .decoded_length = blob.length,
                    .coding = blob.coding},
                   "");
  catalog.fault_tensor(fault);
  catalog.fault_part(fault);
}

}  // namespace zt::foreign::numpy
