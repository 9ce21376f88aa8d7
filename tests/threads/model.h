#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "ztensor/writer.h"

namespace zt::test {

// A file with parts for each way of reading: several pieces, raw, zstd, a digest that is computed in order, bool, and
// sparse. The contents of a part follow from its role and dtype.
inline constexpr std::uint64_t kModelBytes = (std::uint64_t{3} << 20) + 5;

inline const std::vector<float> kModelValues = {1, 2, 3};
inline const std::vector<std::uint64_t> kModelIndices = {0, 1, 1};
inline const std::vector<std::uint64_t> kModelIndptr = {0, 2, 3};

inline Value model_attributes() { return Value::Map{{"a", 1}, {"b", Value::Array{1.5, "text"}}}; }

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& elements) {
  const auto bytes = std::as_bytes(std::span(elements));
  return {bytes.begin(), bytes.end()};
}

inline std::vector<std::byte> model_bytes(std::string_view role, DType dtype) {
  if (role == "values") return bytes_of(kModelValues);
  if (role == "indices") return bytes_of(kModelIndices);
  if (role == "indptr") return bytes_of(kModelIndptr);
  std::vector<std::byte> bytes(kModelBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(dtype == DType::boolean ? i % 2 : i % 1000 / 4);
  }
  return bytes;
}
inline std::vector<std::byte> model_bytes(const Part& part) { return model_bytes(part.role(), part.dtype()); }

inline void add_model(Writer& writer, const WriterOptions& options) {
  const std::vector<std::byte> data = model_bytes("data", DType::u8);
  const std::vector<std::byte> bools = model_bytes("data", DType::boolean);
  const ArrayView array{.dtype = DType::u8, .shape = {data.size()}, .data = data.data()};
  writer.add("bool", {.dtype = DType::boolean, .shape = {bools.size()}, .data = bools.data()});
  writer.add("raw", array, {.attributes = writer.format() == "zt-1.0" ? Value() : model_attributes()});
  writer.add_csr("sparse", {2, 2}, std::span(kModelValues), kModelIndices, kModelIndptr);
  if (writer.format() == "zt-2" && options.canonical.value_or(true)) return;  // all raw, with one kind of digest
  writer.add("zstd", array, {.encoding = Encoding::zstd(1)});
#ifdef ZT_HAVE_SHA256
  if (writer.format() != "zt-1.0") writer.add("sha", array, {.checksum = Checksum::sha256});
#endif
}

inline void save_model(const std::filesystem::path& path, const WriterOptions& options) {
  Writer writer = Writer::create(path, options);
  add_model(writer, options);
  writer.finalize();
}

}  // namespace zt::test
