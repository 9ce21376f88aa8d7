#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "ztensor/info.h"
#include "ztensor/source.h"
#include "ztensor/verify.h"

// Does everything that a caller can do with a source, for files that may be hostile. Any exception except zt::Error is
// a bug; std::logic_error means that two ways to one answer disagree.
namespace zt::test {

template <class F>
bool answers(F&& work) {
  try {
    work();
    return true;
  } catch (const Error&) {
    return false;
  }
}

inline void agree(bool same, const char* what) {
  if (!same) throw std::logic_error(what);
}

inline void touch_part(const Part& part) {
  (void)part.role();
  (void)part.storage();
  (void)part.digest();
  std::vector<std::byte> bytes;
  if (!answers([&] { bytes = part.read(Verify::never); })) return;
  agree(bytes.size() == part.measure(), "measure and read");
  std::vector<std::byte> checked(bytes.size(), std::byte{0xEE});
  if (answers([&] { part.read_into(checked, Verify::always); })) agree(checked == bytes, "read and read_into");
  Bytes mapped;
  if (answers([&] { mapped = part.map(); })) agree(std::ranges::equal(mapped.view(), bytes), "read and map");
}

// Every other element of every axis, backwards.
inline void touch_slice(const Tensor& tensor) {
  Selection selection;
  std::uint64_t elements = 1;
  for (const std::uint64_t size : tensor.shape()) {
    selection.push_back(stepped(size == 0 ? 0 : size - 1, (size + 1) / 2, -2));
    elements *= (size + 1) / 2;
  }
  const unsigned bits = dtype_bits(tensor.dtype());
  if (bits < 8 || elements > (std::uint64_t{1} << 16)) return;
  std::vector<std::byte> out(elements * bits / 8);
  tensor.read_slice(selection, out);
  const std::vector<std::byte> whole = tensor.data().read(Verify::never);
  // The first element of the result is the last element of the tensor.
  const std::size_t bytes = bits / 8;
  if (out.empty()) return;
  agree(std::ranges::equal(std::span(out).first(bytes), std::span(whole).last(bytes)), "read and read_slice");
}

inline void touch_tensor(const Tensor& tensor) {
  (void)tensor.name();
  answers([&] { (void)tensor.attributes(); });
  answers([&] { (void)tensor.measure(); });
  for (std::size_t i = 0; i < tensor.parts(); ++i) touch_part(tensor.part(i));
  if (tensor.unreadable()) {
    agree(!answers([&] { (void)tensor.dtype(); }), "an unreadable tensor has no dtype");
    return;
  }
  if (tensor.layout() == "dense") answers([&] { touch_slice(tensor); });
  if (tensor.layout() == "sparse_csr") answers([&] { (void)tensor.read_csr<float>(); });
  if (tensor.layout() == "sparse_coo") answers([&] { (void)tensor.read_coo<float>(); });
}

inline void touch(const Source& source) {
  answers([&] { (void)source.attributes(); });
  answers([&] { (void)info_json(source); });
  for (const Tensor tensor : source) {
    agree(source.tensor(tensor.name()).name() == tensor.name(), "a name that is listed is found");
    touch_tensor(tensor);
  }
  answers([&] { (void)check(source); });
}

// Small enough that a hostile file cannot make a run slow or large.
inline Limits small_limits() {
  Limits limits;
  limits.decoded_bytes = std::uint64_t{4} << 20;
  return limits;
}

}  // namespace zt::test
