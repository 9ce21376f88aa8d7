#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ztensor/c.h"
#include "ztensor/paths.h"
#include "ztensor/ztensor.h"

// What every function of c.h needs: exceptions become codes, pointers are checked, and structs of any version are taken.
namespace zt::capi {

[[noreturn]] void throw_usage(const std::string& message);

// For a catch block: the code of the exception that is being handled, which it describes in `error`.
zt_code caught(zt_error* error) noexcept;
void fill(zt_error& error, const Error& of) noexcept;

template <class F>
zt_code guard(zt_error* error, F&& work) noexcept {
  try {
    std::forward<F>(work)();
    return ZT_OK;
  } catch (...) {
    return caught(error);
  }
}

template <class T>
T& needed(T* pointer, const char* what) {
  if (pointer == nullptr) throw_usage(std::string(what) + " is NULL");
  return *pointer;
}
std::string text_of(const char* text, const char* what);
std::filesystem::path path_of(const char* path, const char* what);
std::vector<std::string> texts_of(const char* const* texts, std::size_t count, const char* what);
std::vector<std::filesystem::path> paths_of(const char* const* paths, std::size_t count);

template <class T>
std::span<T> array_of(T* items, std::size_t count, const char* what) {
  if (count != 0 && items == nullptr) throw_usage(std::string(what) + " is NULL, and its count is not 0");
  return {items, count};
}

// Checks the size that a struct of the caller claims. `bytes`: of a struct that is read; null for one that is filled in.
void check_size(std::size_t given, std::size_t own, const void* bytes, const char* what);

// The caller's struct as this version has it. When a struct has grown, those of older programs are shorter: then what they
// lack is 0, its default. No struct has grown yet, so check_size() takes none that is shorter.
template <class S>
S taken(const S* given, const char* what) {
  static_assert(std::is_trivially_copyable_v<S>);
  S own{};
  if (given != nullptr) {
    check_size(given->size, sizeof(S), given, what);
    std::memcpy(&own, given, std::min(given->size, sizeof(S)));
  }
  own.size = sizeof(S);
  return own;
}

// Checks a struct that give() will fill in, before the work.
template <class S>
void check_out(const S* out, const char* what) {
  if (out != nullptr) check_size(out->size, sizeof(S), nullptr, what);
}

// Fills in a struct of the caller. Fields that we do not know become 0.
template <class S>
void give(S& out, S value, const char* what) {
  static_assert(std::is_trivially_copyable_v<S>);
  check_out(&out, what);
  value.size = out.size;
  std::memset(reinterpret_cast<char*>(&out) + sizeof(S), 0, out.size - sizeof(S));
  std::memcpy(&out, &value, sizeof(S));
}

inline zt_text borrow(std::string_view text) noexcept {
  return {text.data() == nullptr ? "" : text.data(), text.size()};
}
void give_bytes(zt_bytes& out, Bytes bytes);
void give_text(zt_bytes& out, std::string text);

DType dtype_of(zt_dtype dtype);  // throws usage
constexpr zt_dtype number_of(DType dtype) { return static_cast<zt_dtype>(dtype) + 1; }

Limits limits_of(const zt_limits& limits);
Progress progress_of(const zt_progress& progress);
// The rank, held against a bound before the shape is touched.
std::span<const std::uint64_t> shape_of(const std::uint64_t* shape, std::size_t rank, const char* what);
Value value_of(const zt_attributes& attributes);
std::optional<Verify> verify_of(zt_verify_mode mode);
std::optional<Encoding> encoding_of(zt_encoding encoding, std::int32_t level);
std::optional<Checksum> checksum_of(zt_checksum checksum);
OpenOptions open_options_of(const zt_open_options* options);
WriterOptions writer_options_of(const zt_writer_options* options);
AddOptions add_options_of(const zt_add_options* options);
ArrayView view_of(const zt_array& array);
Selection selection_of(const zt_axis* axes, std::size_t count);
void tell(const zt_lines& lines, zt_line_kind kind, const std::vector<std::string>& texts);

}  // namespace zt::capi

struct zt_source {
  zt::Source source;
};

struct zt_writer {
  zt::Writer writer;
};

struct zt_stream {
  zt::TensorStream stream;
};
