#include "write/content.h"

#include <algorithm>
#include <numeric>

#include "hash/digest.h"
#include "hash/running.h"
#include "model/integers.h"
#include "source/indices.h"
#include "write/layouts.h"

namespace zt::write {
namespace {

ArrayView array_of(DType dtype, std::uint64_t elements, const void* data) {
  return {.dtype = dtype, .shape = {elements}, .data = static_cast<const std::byte*>(data)};
}

}  // namespace

std::vector<PartView> SparseParts::views() const {
  std::vector<PartView> views = {{"values", array_of(dtype, entries(), values.data())}};
  if (layout == "sparse_coo") {
    views.push_back({"coords", array_of(DType::u64, indices.size(), indices.data())});
  } else {
    views.push_back({"indices", array_of(DType::u64, indices.size(), indices.data())});
    views.push_back({"indptr", array_of(DType::u64, indptr.size(), indptr.data())});
  }
  return views;
}

std::uint64_t SparseParts::entries() const {
  if (layout == "sparse_csr") return indices.size();
  return shape.empty() ? 0 : indices.size() / shape.size();
}

SparseParts read_sparse(const Tensor& tensor) {
  SparseParts parts;
  parts.layout = tensor.layout();
  parts.shape.assign(tensor.shape().begin(), tensor.shape().end());
  const Part values = tensor.part("values");
  parts.dtype = values.dtype();
  parts.values = values.read(Verify::always);
  SparseIndices found = tensor.read_indices(count_entries(tensor), Verify::always);
  parts.indices = std::move(found.indices);
  parts.indptr = std::move(found.indptr);
  return parts;
}

// zt-1.2 §8
std::uint64_t count_entries(const Tensor& tensor) {
  const Part values = tensor.part("values");
  const std::uint64_t bytes = values.measure();
  if (dtype_bits(values.dtype()) < 8) {  // two elements share a byte: the count comes from the indices
    const bool csr = tensor.layout() == "sparse_csr";
    const Part indices = tensor.part(csr ? "indices" : "coords");
    const std::uint64_t width = std::max(1U, model::integer_bytes(indices.dtype()));
    const std::uint64_t cell = width * (csr ? 1 : std::max<std::uint64_t>(1, tensor.shape().size()));
    const std::uint64_t entries = indices.measure() / cell;
    if (byte_length(values.dtype(), entries) == bytes) return entries;
  } else if (const std::uint64_t width = dtype_bits(values.dtype()) / 8; bytes % width == 0) {
    return bytes / width;
  }
  throw Error(Code::malformed, "sparse.values.length", "part 'values' ends inside an element");
}

void sort_entries(SparseParts& parts) {
  if (parts.layout != "sparse_csr") return;
  const std::size_t width = dtype_bits(parts.dtype) / 8;  // 0: two elements share a byte, the first in the low half
  std::vector<std::size_t> order;
  const std::vector<std::byte> values = parts.values;
  const std::vector<std::uint64_t> columns = parts.indices;
  const auto put = [&](std::size_t from, std::size_t to) {
    if (width == 0) {
      const std::byte half = (from % 2 == 0 ? values[from / 2] : values[from / 2] >> 4) & std::byte{0x0F};
      std::byte& pair = parts.values[to / 2];
      pair = to % 2 == 0 ? (pair & std::byte{0xF0}) | half : (pair & std::byte{0x0F}) | half << 4;
    } else {
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(from * width), width,
                  parts.values.begin() + static_cast<std::ptrdiff_t>(to * width));
    }
  };
  for (std::size_t row = 0; row + 1 < parts.indptr.size(); ++row) {
    const auto first = static_cast<std::size_t>(parts.indptr[row]);
    order.resize(static_cast<std::size_t>(parts.indptr[row + 1]) - first);
    std::iota(order.begin(), order.end(), first);
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return columns[i]; });
    for (std::size_t i = 0; i < order.size(); ++i) {
      parts.indices[first + i] = columns[order[i]];
      put(order[i], first + i);
    }
  }
}

bool needs_wide(const Tensor& tensor, const model::Encoder& encoder) {
  if (!is_sparse(tensor.layout())) return false;
  const bool narrow = encoder.holds.narrow_indices;
  const Part first = tensor.part(tensor.layout() == "sparse_csr" ? "indices" : "coords");
  const auto fits = [&](const Part& part) {
    return part.dtype() == DType::u64 || (narrow && part.dtype() == DType::u32 && part.dtype() == first.dtype());
  };
  if (tensor.layout() == "sparse_csr" && !fits(tensor.part("indptr"))) return true;
  return !fits(first);
}

std::string decoded_digest_of(const SourceState& source, const model::PartRow& part, Checksum checksum) {
  if (checksum == Checksum::none) return "";
  read::PieceReader reader(source.part_source(part, source.measured(part)), Verify::always, read::Use::plain);
  hash::RunningDigest digest(checksum);
  read::Scratch scratch;
  std::vector<std::byte> bytes;
  for (std::size_t piece = 0; piece < reader.pieces(); ++piece) {
    bytes.resize(reader.piece_length(piece));
    reader.read(piece, bytes, scratch);
    digest.update(bytes);
  }
  reader.finish();
  return hash::format_digest(digest.finish());
}

}  // namespace zt::write
