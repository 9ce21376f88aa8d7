#include <nanobind/stl/string.h>

#include "source.h"
#include "ztensor/changes.h"

namespace zt::python {
namespace {

// A hidden attribute: "array" means that a SciPy sparse array was stored, not a sparse matrix.
constexpr std::string_view kScipyKey = "ztensor.scipy";

bool is_sparse_array(const Handle& self) {
  const Tensor tensor = self.tensor();
  const auto cbor = tensor.attributes_cbor();
  if (cbor.empty()) return false;
  const Value attributes = Value::parse(cbor, self.from().options.limits.depth);
  const Value* family = attributes.find(kScipyKey);
  return family != nullptr && *family == Value("array");
}

nb::list parts(const Handle& self) {
  const Tensor tensor = self.tensor();
  nb::list list;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    list.append(nb::make_tuple(to_str(part.role()), dtype_text(part.dtype()), to_str(part.storage()),
                               to_str(part.logical()), to_str(part.encoding()), to_str(part.digest()), part.offset(),
                               part.stored_length(), to_str(part.shard())));
  }
  return list;
}

// (path or None, offset, length) of the stored bytes; None for a tensor of several parts, and for one whose bytes no
// file has.
nb::object location(const Handle& self) {
  const Tensor tensor = self.tensor();
  if (tensor.parts() != 1 || tensor.part(0).file_number() == kNoFile) return nb::none();
  const Location found = released([&] { return tensor.part(0).location(); });
  const nb::object path = found.path.empty() ? nb::none() : from_path(found.path);
  return nb::make_tuple(path, found.offset, found.length);
}

// Checks digests and contents. Throws the first finding.
void verify_tensor(const Handle& self) {
  const Source source = self.from().use();
  const CheckOptions options = {.names = {std::string(self.tensor().name())}, .progress = to_progress()};
  released([&] { zt::verify(source, options); });
}

// (first, count, indices or None, elements): the last two are bytes, and no indices mean all elements.
nb::tuple changes(const Handle& self, std::size_t piece) {
  const Tensor tensor = self.tensor();
  const Changes found = released([&] { return changes_of(tensor, piece); });
  const auto bytes_of = [](const auto& values) {
    return nb::bytes(values.data(), values.size() * sizeof(*values.data()));
  };
  nb::object indices = nb::none();
  if (!found.is_whole) indices = bytes_of(found.indices);
  return nb::make_tuple(found.first, found.count, indices, bytes_of(found.elements));
}

void release(const Handle& self) {
  const Tensor tensor = self.tensor();
  released([&] {
    for (std::size_t i = 0; i < tensor.parts(); ++i) tensor.part(i).release();
  });
}

}  // namespace

void bind_tensor(nb::module_& module) {
  Class<Handle> type(module, "Tensor", nb::is_final());
  type.def_prop_ro("file", [](const Handle& self) { return from_path(self.from().name); })
      .def_prop_ro("name", [](const Handle& self) { return to_str(self.tensor().name()); })
      .def_prop_ro("shape", [](const Handle& self) { return nb::tuple(shape_tuple(self.tensor().shape())); })
      .def_prop_ro("layout", [](const Handle& self) { return to_str(self.tensor().layout()); })
      .def_prop_ro("dtype_name", [](const Handle& self) { return nb::str(dtype_text(self.tensor().dtype())); })
      .def_prop_ro("type_name", [](const Handle& self) { return to_str(self.tensor().type_name()); })
      .def_prop_ro("elements", [](const Handle& self) { return self.tensor().elements(); })
      // Needs no GIL: it decodes some zstd parts of the 1.x generations to count their bytes.
      .def_prop_ro("nbytes",
                   [](const Handle& self) {
                     const Tensor tensor = self.tensor();
                     const Progress progress = to_progress();
                     return released([&] { return tensor.measure(progress); });
                   })
      .def_prop_ro("attributes", [](const Handle& self) { return to_dict(self.tensor().attributes()); })
      .def_prop_ro("is_sparse_array", is_sparse_array)
      .def("parts", parts)
      .def("location", location)
      .def("change_pieces", [](const Handle& self) { return change_pieces(self.tensor()); })
      .def("changes", changes, nb::arg("piece"))
      .def("verify", verify_tensor)
      .def("release", release);
  bind_reads(type);
  bind_pieces(type);
}

}  // namespace zt::python
