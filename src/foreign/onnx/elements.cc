#include "foreign/onnx/elements.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/endian.h"
#include "foreign/onnx/external.h"
#include "foreign/onnx/typed.h"

namespace zt::foreign::onnx {
namespace {

constexpr std::uint64_t kExternal = 1;  // of TensorProto.DataLocation

[[noreturn]] void wrong_elements(const char* rule, const std::string& message) {
  throw Error(Code::malformed, rule, message);
}

void check_length(const char* what, std::uint64_t found, std::uint64_t wanted) {
  if (found == wanted) return;
  wrong_elements("onnx.tensor.length", std::string(what) + " has " + count_text(found, "byte") +
                                           ", but shape and type take " + std::to_string(wanted));
}

// The fields that have elements must be one; none for a tensor without elements.
void check_sources(const TensorProto& tensor, const Type& type, std::uint64_t length) {
  const bool external = tensor.data_location == kExternal;
  if (tensor.data_location > kExternal) {
    wrong_elements("onnx.tensor.location",
                   "data_location is " + std::to_string(tensor.data_location) + ": expected 0 or 1");
  }
  if (!external && !tensor.external_data.empty()) {
    wrong_elements("onnx.tensor.sources",
                   "the tensor has external_data, but data_location says that it is in this file");
  }
  unsigned sources = (tensor.raw_data ? 1U : 0U) + (external ? 1U : 0U);
  for (std::uint32_t field = 0; field < std::size(tensor.typed); ++field) {
    if (tensor.typed[field].bytes == 0) continue;
    ++sources;
    if (field != type.field) {
      wrong_elements("onnx.tensor.field", "elements of type " + std::string(type.word) + " are in field " +
                                              std::to_string(field) + ": expected them in field " +
                                              std::to_string(type.field) + " or in raw_data");
    }
  }
  if (sources > 1) wrong_elements("onnx.tensor.sources", "the tensor has elements in more than one field");
  if (sources == 0 && length != 0) wrong_elements("onnx.tensor.sources", "the elements are missing");
}

}  // namespace

model::Recipe Elements::find(const TensorProto& tensor, const Type& type) {
  const std::uint64_t length = bytes_of(type, tensor.dims);
  check_sources(tensor, type, length);
  if (tensor.data_location == kExternal) return find_external(tensor, length);
  if (tensor.raw_data) return find_raw(tensor, type, length);
  return find_typed(tensor, type, length);
}

model::Recipe Elements::find_raw(const TensorProto& tensor, const Type& type, std::uint64_t length) {
  check_length("raw_data", tensor.raw_data->length, length);
  if (has_spare_bits(type, tensor.dims)) {
    std::array<std::byte, 1> last{};
    window_.read(tensor.raw_data->offset + length - 1, last);
    check_spare_bits(type, tensor.dims, last[0]);
  }
  return {.offset = tensor.raw_data->offset, .stored_length = length, .decoded_length = length};
}

model::Recipe Elements::find_typed(const TensorProto& tensor, const Type& type, std::uint64_t length) {
  if (const auto range = packed_range(tensor, type)) {
    check_length("the typed field", range->length, length);
    return {.offset = range->offset, .stored_length = length, .decoded_length = length};
  }
  // A number takes a byte at least. So this bounds what we allocate by the bytes that are there.
  const std::uint64_t stored = tensor.typed[type.field].bytes;
  if (length / type.bytes > stored) check_length("the typed field", stored, length);
  if (length > limits_.decoded_bytes) {
    throw Error(Code::limit, "onnx.typed.limit",
                "the elements have " + std::to_string(length) + " bytes, over the limit of " +
                    std::to_string(limits_.decoded_bytes));
  }
  if (length == 0 && stored == 0) return {};
  const std::uint64_t at = align_owned();
  std::byte last{};
  unpack(window_, tensor, type, length, [&](std::span<const std::byte> piece) {
    catalog_.own(piece);
    last = piece.back();
  });
  check_spare_bits(type, tensor.dims, last);
  return {.offset = at, .stored_length = length, .decoded_length = length, .file = model::kOwnedFile};
}

model::Recipe Elements::find_external(const TensorProto& tensor, std::uint64_t length) {
  const External external = read_external(window_, tensor);
  if (external.length) check_length("the external data", *external.length, length);
  const std::uint64_t end = external.offset + length;  // at most 2^63, and less than 2^61
  unknown_keys_ += external.unknown_keys;
  checksums_ += external.has_checksum ? 1 : 0;
  if (length == 0) return {};
  const std::uint16_t file = file_number(external.location, external.length ? 0 : end);
  const auto location = static_cast<std::uint32_t>(locations_.size());
  extents_.push_back({locations_.try_emplace(external.location, location).first->second, external.offset, length});
  return {.offset = external.offset, .stored_length = length, .decoded_length = length, .file = file};
}

// `size`: of a file that ends with the elements of a tensor; 0: of any size.
std::uint16_t Elements::file_number(const std::string& location, std::uint64_t size) {
  const auto known = files_.find({location, size});
  if (known != files_.end()) return known->second;
  if (catalog_.files.size() == model::kMostFiles) {
    throw Error(Code::limit, "onnx.external.files",
                "the tensors are in more than " + std::to_string(model::kMostFiles) + " files");
  }
  catalog_.files.push_back({.name = location, .size = size, .kind = model::FileRow::Kind::raw});
  const auto number = static_cast<std::uint16_t>(catalog_.files.size());
  files_.emplace(std::pair(location, size), number);
  return number;
}

std::vector<std::uint64_t> Elements::read_indices(const TensorProto& tensor) {
  constexpr std::uint64_t kInt64 = 7;
  const Type& type = *find_type(kInt64);
  const std::uint64_t length = bytes_of(type, tensor.dims);
  check_sources(tensor, type, length);
  if (tensor.data_location == kExternal) {
    throw Error(Code::unsupported, "onnx.sparse.external", "the indices are in another file");
  }
  std::vector<std::uint64_t> numbers;
  std::array<std::byte, 8> number{};
  std::size_t filled = 0;
  const auto add = [&](std::span<const std::byte> piece) {
    for (const std::byte byte : piece) {
      number[filled++] = byte;
      if (filled == 8) numbers.push_back(endian::load_le<std::uint64_t>(number.data()));
      filled %= 8;
    }
  };
  if (!tensor.raw_data) {
    unpack(window_, tensor, type, length, add);
    return numbers;
  }
  check_length("raw_data", tensor.raw_data->length, length);
  std::vector<std::byte> piece(16384);
  for (std::uint64_t done = 0; done < length; done += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), length - done)));
    window_.read(tensor.raw_data->offset + done, piece);
    add(piece);
  }
  return numbers;
}

model::Recipe Elements::keep(const std::vector<std::uint64_t>& numbers) {
  const std::uint64_t at = align_owned();
  std::array<std::byte, 8> bytes{};
  for (const std::uint64_t number : numbers) {
    endian::store_le(bytes.data(), number);
    catalog_.own(bytes);
  }
  const std::uint64_t length = 8 * numbers.size();
  return {.offset = at, .stored_length = length, .decoded_length = length, .file = model::kOwnedFile};
}

std::uint64_t Elements::align_owned() {
  constexpr std::size_t kAlignment = 16;
  constexpr std::array<std::byte, kAlignment> kZeros{};
  const std::size_t past = catalog_.owned().size() % kAlignment;
  if (past != 0) catalog_.own(std::span(kZeros).first(kAlignment - past));
  return catalog_.owned().size();
}

void Elements::finish() {
  std::ranges::sort(extents_);
  std::uint64_t overlaps = 0;
  std::uint64_t end = 0;  // the largest end before here in the file: a long extent may reach over several
  bool overlapped = false;
  for (std::size_t i = 0; i < extents_.size(); ++i) {
    const Extent& here = extents_[i];
    if (i == 0 || extents_[i - 1] != here) {  // else the tensor is tied to the one before it
      if (i == 0 || extents_[i - 1].file != here.file) end = 0;
      overlapped = here.offset < end;
      end = std::max(end, here.offset + here.length);
    }
    if (overlapped) ++overlaps;
  }
  const auto note = [&](std::uint64_t count, const char* one, const char* several, const char* rest) {
    if (count != 0) catalog_.notes.push_back(count_text(count, one, several) + rest);
  };
  note(overlaps, "tensor overlaps", "tensors overlap", " another one in a file of external data");
  note(unknown_keys_, "key of external data is", "keys of external data are", " not known");
  note(checksums_, "tensor has a checksum of its", "tensors have a checksum of their",
       " file of external data, which is not checked");
}

}  // namespace zt::foreign::onnx
