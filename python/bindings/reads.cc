#include <nanobind/stl/optional.h>

#include "source.h"

namespace zt::python {
namespace {

// Whether the bytes need no wait: the file is mapped, and no bytes need a check. Then giving up the GIL would cost
// more.
bool is_at_hand(const OpenSource& from, const Part& part, Mapping mapping, std::optional<Verify> verify) {
  if (part.file_number() == kNoFile) return false;
  const MappedFile& file = from.files[kMappings * part.file_number() + static_cast<std::size_t>(mapping)];
  return file.buffer.is_valid() && verify.value_or(from.options.verify) != Verify::always;
}

Bytes look(const Handle& self, const Source& source, const Dense& dense, Want want, std::optional<Verify> verify) {
  if (want == Want::copy || self.from().options.backend == Backend::read) return {};
  const Mapping mapping = mapping_of(want);
  if (mapping == Mapping::copy_on_write && self.from().is_twin(source, self.index())) return {};
  const auto work = [&] {
    Unmapped unmapped = unmapped_of(self.from(), want);
    return borrow(self.from(), dense, mapping, verify, unmapped);
  };
  return is_at_hand(self.from(), dense.part, mapping, verify) ? work() : released(work);
}

Spot fetch(const Handle& self, const Source& source, const Dense& dense, Want want, std::optional<Verify> verify) {
  const Bytes mapped = look(self, source, dense, want, verify);
  if (!mapped.empty()) return spot_of(self.from(), source, dense, mapped, mapping_of(want));
  const Progress progress = to_progress();
  Buffer memory = released([&] {
    Buffer owned = allocate(dense.length);
    const Source::Read read{dense.part, owned.bytes()};
    source.read({&read, 1}, verify, progress);
    return owned;
  });
  return {.buffer = nb::cast(std::move(memory)), .offset = 0};
}

nb::object array_of(const Handle& self, const Tensor& tensor, const Dense& dense, const Spot& spot) {
  return located(self.from(), tensor.name(),
                 [&] { return make_array(tensor.shape(), dense.dtype, spot.buffer, spot.offset); });
}

// A NumPy array; None for a tensor that is not dense, and for float4, which NumPy holds in another form.
nb::object array(const Handle& self, bool copy, bool writable, std::optional<bool> verify) {
  const Source source = self.from().use();
  const Tensor tensor = self.tensor();
  const auto dense = dense_of(tensor);
  if (!dense || dense->dtype == DType::f4_e2m1) return nb::none();
  return array_of(self, tensor, *dense, fetch(self, source, *dense, want_of(copy, writable), to_verify(verify)));
}

// A view if it needs no read, else None.
nb::object view(const Handle& self) {
  const Source source = self.from().use();
  const Tensor tensor = self.tensor();
  const auto dense = dense_of(tensor);
  if (!dense || dense->dtype == DType::f4_e2m1) return nb::none();
  const Bytes mapped = look(self, source, *dense, Want::view, {});
  if (mapped.empty()) return nb::none();
  return array_of(self, tensor, *dense, spot_of(self.from(), source, *dense, mapped, Mapping::shielded));
}

// (buffer, offset, bytes, dtype name, shape), in writable memory; None for a tensor that is not dense.
nb::object place(const Handle& self, bool copy, std::optional<bool> verify) {
  const Source source = self.from().use();
  const Tensor tensor = self.tensor();
  const auto dense = dense_of(tensor);
  if (!dense) return nb::none();
  const Spot spot = fetch(self, source, *dense, want_of(copy, true), to_verify(verify));
  return nb::make_tuple(spot.buffer, spot.offset, dense->length, dtype_text(dense->dtype), shape_tuple(tensor.shape()));
}

}  // namespace

void bind_reads(Class<Handle>& type) {
  type.def("array", array, nb::arg("copy"), nb::arg("writable"), nb::arg("verify").none())
      .def("view", view)
      .def("place", place, nb::arg("copy"), nb::arg("verify").none());
}

}  // namespace zt::python
