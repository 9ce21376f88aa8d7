#include <algorithm>

#include "base/checked.h"
#include "source.h"
#include "source/state.h"

namespace zt::python {
namespace {

constexpr std::uint64_t kArenaAlignment = 64;

// Files of a source that cannot be mapped, as far as it has turned out: other tensors need not ask.
using Unmapped = std::vector<bool>;  // by Part::file()

// The borrowed bytes, or nothing when the part has to be copied.
Bytes borrow(const OpenSource& from, const Place& place, Mapping mapping, std::optional<Verify> verify,
             Unmapped& unmapped) {
  const Part part = place.tensor.data();
  if (unmapped[part.file()] || place.length == 0 || !source::is_range(part)) return {};
  try {
    Bytes bytes = part.map(mapping, verify);
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.view().data());
    const std::uint64_t element = std::max(dtype_bits(place.dtype) / 8, 1U);
    if (bytes.size() != place.length || address % element != 0) return {};
    return bytes;
  } catch (const Error& error) {
    const bool cannot = error.code() == Code::unsupported || error.code() == Code::io;
    if (!cannot || from.options.backend == Backend::mmap) throw;
    unmapped[part.file()] = true;
    return {};
  }
}

std::optional<Place> place_of(const Tensor& tensor) {
  if (const auto cause = tensor.unreadable()) throw *cause;
  if (tensor.layout() != "dense") return std::nullopt;
  const DType dtype = tensor.dtype();
  const auto length = byte_length(dtype, tensor.elements());
  if (!length) throw_no_memory();
  return Place{.tensor = tensor, .dtype = dtype, .length = *length, .mapped = {}, .offset = 0};
}

}  // namespace

Places locate(const OpenSource& from, const std::vector<Tensor>& tensors, Want want, std::optional<Verify> verify) {
  const Mapping mapping = want == Want::writable_view ? Mapping::copy_on_write : Mapping::shielded;
  const bool wanted = want != Want::copy && from.options.backend != Backend::read;
  Unmapped unmapped(from.source().files(), !wanted);
  Places places;
  places.tensors.reserve(tensors.size());
  std::uint64_t size = 0;
  for (const Tensor& tensor : tensors) {
    std::optional<Place> place = place_of(tensor);
    if (place) {
      place->mapped = borrow(from, *place, mapping, verify, unmapped);
      if (place->mapped.empty()) {
        place->offset = size;
        const auto end = checked::add(size, place->length);
        const auto next = end ? checked::align_up(*end, kArenaAlignment) : std::nullopt;
        if (!next) throw_no_memory();
        size = *next;
      }
    }
    places.tensors.push_back(std::move(place));
  }
  places.arena = allocate(size);
  return places;
}

std::optional<Place> find_mapped(const OpenSource& from, const Tensor& tensor) {
  Unmapped unmapped(from.source().files(), from.options.backend == Backend::read);
  std::optional<Place> place = place_of(tensor);
  if (!place) return std::nullopt;
  place->mapped = borrow(from, *place, Mapping::shielded, {}, unmapped);
  if (place->mapped.empty()) return std::nullopt;
  return place;
}

}  // namespace zt::python
