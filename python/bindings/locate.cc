#include <algorithm>

#include "source.h"

namespace zt::python {

std::optional<Dense> dense_of(const Tensor& tensor) {
  if (const auto cause = tensor.unreadable()) throw *cause;
  if (tensor.layout() != "dense") return std::nullopt;
  const Part part = tensor.data();
  const auto length = byte_length(part.dtype(), tensor.elements());
  if (!length) throw_no_memory();
  return Dense{.part = part, .dtype = part.dtype(), .length = *length};
}

Want want_of(bool copy, bool writable) {
  if (copy) return Want::copy;
  return writable ? Want::writable_view : Want::view;
}

Mapping mapping_of(Want want) { return want == Want::writable_view ? Mapping::copy_on_write : Mapping::shielded; }

Unmapped unmapped_of(const OpenSource& from, Want want) {
  const bool wanted = want != Want::copy && from.options.backend != Backend::read;
  return Unmapped(from.files.size() / kMappings, !wanted);
}

Bytes borrow(const OpenSource& from, const Dense& dense, Mapping mapping, std::optional<Verify> verify,
             Unmapped& unmapped) {
  const std::uint32_t file = dense.part.file_number();
  if (file >= unmapped.size()) return {};  // the bytes are in no file
  if (unmapped[file] || dense.length == 0 || !dense.part.mappable()) return {};
  try {
    Bytes bytes = dense.part.map(mapping, verify);
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.view().data());
    const std::uint64_t element = std::max(dtype_bits(dense.dtype) / 8, 1U);
    if (bytes.size() != dense.length || address % element != 0) return {};
    return bytes;
  } catch (const Error& error) {
    const bool cannot = error.code() == Code::unsupported || error.code() == Code::io;
    if (!cannot || from.options.backend == Backend::mmap) throw;
    unmapped[file] = true;
    return {};
  }
}

Spot spot_of(OpenSource& from, const Source& source, const Dense& dense, const Bytes& mapped, Mapping mapping) {
  const std::size_t number = dense.part.file_number();
  MappedFile& file = from.files[kMappings * number + static_cast<std::size_t>(mapping)];
  if (!file.buffer.is_valid()) {
    const Bytes whole = source.map_file(number, mapping);  // mapped already
    // Python may write only to a mapping made for writing, whatever the type of this pointer is.
    auto* first = const_cast<std::byte*>(whole.view().data());
    file.base = reinterpret_cast<std::uintptr_t>(first);
    file.buffer = nb::cast(Buffer{
        .owner = whole.owner(), .data = first, .size = whole.size(), .writable = mapping == Mapping::copy_on_write});
  }
  return {.buffer = file.buffer, .offset = reinterpret_cast<std::uintptr_t>(mapped.view().data()) - file.base};
}

}  // namespace zt::python
