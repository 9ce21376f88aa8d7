#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "source.h"
#include "source/state.h"

namespace zt::python {
namespace {

using Names = std::vector<std::string>;

std::vector<Tensor> find_all(const OpenSource& self, const Names& names) {
  std::vector<Tensor> tensors;
  tensors.reserve(names.size());
  for (const std::string& name : names) tensors.push_back(self.source().tensor(name));
  return tensors;
}

Places fetch(const OpenSource& self, const Names& names, Want want, std::optional<bool> verify) {
  const Progress progress = to_progress();
  return released([&] {
    Places places = locate(self, find_all(self, names), want, to_verify(verify));
    std::vector<Source::Read> reads;
    for (const auto& place : places.tensors) {
      if (!place || !place->mapped.empty()) continue;
      reads.push_back({place->tensor.data(), places.arena.bytes().subspan(place->offset, place->length)});
    }
    if (!reads.empty()) self.source().read(reads, to_verify(verify), progress);
    return places;
  });
}

// The Python buffer that a place lies in, and where in it.
class Buffers {
 public:
  Buffers(OpenSource& source, Mapping mapping, Buffer arena)
      : source_(source), mapping_(mapping), arena_(nb::cast(std::move(arena))) {}

  std::pair<nb::object, std::uint64_t> find(const Place& place) {
    if (place.mapped.empty()) return {arena_, place.offset};
    const std::uint32_t number = place.tensor.data().file();
    MappedFile& file = source_.files[kMappings * number + static_cast<std::size_t>(mapping_)];
    if (!file.buffer.is_valid()) remember(file, number);
    return {file.buffer, reinterpret_cast<std::uintptr_t>(place.mapped.view().data()) - file.base};
  }

 private:
  // The whole of a file, which is mapped already.
  void remember(MappedFile& file, std::uint32_t number) {
    const Bytes whole = source_.source().state()->store_of(static_cast<std::uint16_t>(number)).map(mapping_);
    // Python is to write to nothing but what is mapped for it, whatever the type of the pointer.
    auto* first = const_cast<std::byte*>(whole.view().data());
    file.base = reinterpret_cast<std::uintptr_t>(first);
    file.buffer = nb::cast(Buffer{
        .owner = whole.owner(), .data = first, .size = whole.size(), .writable = mapping_ == Mapping::copy_on_write});
  }

  OpenSource& source_;
  Mapping mapping_;
  nb::object arena_;
};

Want want_of(bool copy, bool writable) {
  if (copy) return Want::copy;
  return writable ? Want::writable_view : Want::view;
}

nb::object array_of(const OpenSource& self, const Place& place, nb::handle buffer, std::uint64_t offset) {
  return located(self, place.tensor.name(),
                 [&] { return make_array(place.tensor.shape(), place.dtype, buffer, offset); });
}

// NumPy arrays; None for what is not dense, and for float4, which NumPy holds in another way.
nb::list arrays(OpenSource& self, const Names& names, bool copy, bool writable, std::optional<bool> verify) {
  Places places = fetch(self, names, want_of(copy, writable), verify);
  Buffers buffers(self, writable ? Mapping::copy_on_write : Mapping::shielded, std::move(places.arena));
  nb::list list;
  for (const auto& place : places.tensors) {
    if (!place || place->dtype == DType::f4_e2m1) {
      list.append(nb::none());
      continue;
    }
    const auto [buffer, offset] = buffers.find(*place);
    list.append(array_of(self, *place, buffer, offset));
  }
  return list;
}

// A view, where it costs no read; else None.
nb::object view(OpenSource& self, const std::string& name) {
  const auto place = released([&] { return find_mapped(self, self.source().tensor(name)); });
  if (!place || place->dtype == DType::f4_e2m1) return nb::none();
  const auto [buffer, offset] = Buffers(self, Mapping::shielded, {}).find(*place);
  return array_of(self, *place, buffer, offset);
}

// (buffer, offset, bytes, dtype name, shape) of each, in writable memory; None for what is not dense.
nb::list places(OpenSource& self, const Names& names, bool copy, std::optional<bool> verify) {
  Places found = fetch(self, names, want_of(copy, true), verify);
  Buffers buffers(self, Mapping::copy_on_write, std::move(found.arena));
  nb::list list;
  for (const auto& place : found.tensors) {
    if (!place) {
      list.append(nb::none());
      continue;
    }
    const auto [buffer, offset] = buffers.find(*place);
    list.append(nb::make_tuple(buffer, offset, place->length, to_str(dtype_name(place->dtype)),
                               shape_tuple(place->tensor.shape())));
  }
  return list;
}

// Writable buffers of a caller, held for a call.
class Targets {
 public:
  explicit Targets(const nb::list& buffers) : views_(nb::len(buffers)) {
    for (Py_buffer& view : views_) {
      const auto index = static_cast<std::size_t>(&view - views_.data());
      if (PyObject_GetBuffer(nb::object(buffers[index]).ptr(), &view, PyBUF_WRITABLE) != 0) throw_and_release(index);
    }
  }
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;
  ~Targets() {
    for (Py_buffer& view : views_) PyBuffer_Release(&view);
  }
  std::span<std::byte> operator[](std::size_t index) const {
    return {static_cast<std::byte*>(views_[index].buf), static_cast<std::size_t>(views_[index].len)};
  }

 private:
  [[noreturn]] void throw_and_release(std::size_t taken) {
    nb::python_error error;
    for (std::size_t i = 0; i < taken; ++i) PyBuffer_Release(&views_[i]);
    throw error;
  }

  std::vector<Py_buffer> views_;
};

void read_into(const OpenSource& self, const Names& names, const nb::list& buffers, std::optional<bool> verify) {
  const Targets targets(buffers);
  const Progress progress = to_progress();
  released([&] {
    std::vector<Source::Read> reads;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Tensor tensor = self.source().tensor(names[i]);
      if (const auto cause = tensor.unreadable()) throw *cause;
      reads.push_back({tensor.data(), targets[i]});
    }
    self.source().read(reads, to_verify(verify), progress);
  });
}

}  // namespace

void bind_reads(Class<OpenSource>& type) {
  type.def("arrays", arrays, nb::arg("names"), nb::arg("copy"), nb::arg("writable"), nb::arg("verify").none())
      .def("view", view, nb::arg("name"))
      .def("places", places, nb::arg("names"), nb::arg("copy"), nb::arg("verify").none())
      .def("read_into", read_into, nb::arg("names"), nb::arg("buffers"), nb::arg("verify").none());
}

}  // namespace zt::python
