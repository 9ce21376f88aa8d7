#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include "source.h"
#include "source/hidden.h"
#include "source/state.h"

namespace zt::python {
namespace {

using Name = std::string_view;

// FNV-1a over what the index says: names, types, shapes, places and digests. Tells whether a file was changed, by
// chance and not by an enemy.
class IndexSum {
 public:
  void add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0xFF);  // in no UTF-8 text: "a", "b" differs from "ab"
  }
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) add_byte(static_cast<unsigned char>(number >> shift));
  }
  std::uint64_t value() const { return sum_; }

 private:
  void add_byte(unsigned char byte) { sum_ = (sum_ ^ byte) * 0x100000001B3U; }
  std::uint64_t sum_ = 0xCBF29CE484222325U;
};

std::uint64_t index_sum(const OpenSource& self) {
  IndexSum sum;
  for (const Tensor& tensor : self.source()) {
    sum.add(tensor.name());
    sum.add(tensor.layout());
    for (const std::uint64_t dimension : tensor.shape()) sum.add(dimension);
    for (std::size_t i = 0; i < tensor.parts(); ++i) {
      const Part part = tensor.part(i);
      sum.add(part.role());
      sum.add(part.storage());
      sum.add(part.encoding());
      sum.add(part.digest());
      sum.add(part.offset());
      sum.add(part.stored_length());
      sum.add(part.file());
    }
  }
  for (const model::ShardRow& shard : self.source().state()->catalog.shards) {
    sum.add(shard.name);
    sum.add(shard.size);
    sum.add(shard.digest);
  }
  return sum.value();
}

nb::list names(const OpenSource& self) {
  nb::list list;
  for (const Tensor& tensor : self.source()) list.append(to_str(tensor.name()));
  return list;
}

nb::list paths(const OpenSource& self) {
  nb::list list;
  for (const auto& path : self.source().paths()) list.append(from_path(path));
  return list;
}

// The file on disk that a part lies in, or nothing. Looks for a shard, whose name may be any; where it should be, if it
// is nowhere.
std::filesystem::path path_of(const SourceState& state, std::uint32_t file) {
  if (file == 0) return state.path;
  try {
    state.shards->store(file - 1U);
  } catch (const Error&) {  // reading says why
  }
  return state.shards->path(file - 1U);
}

// Of each part of a tensor: its file, or None.
nb::list part_paths(const OpenSource& self, Name name) {
  const Tensor tensor = self.source().tensor(name);
  nb::list list;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const std::uint32_t file = tensor.part(i).file();
    const std::filesystem::path path = released([&] { return path_of(*self.source().state(), file); });
    list.append(path.empty() ? nb::none() : from_path(path));
  }
  return list;
}

nb::list notes(const OpenSource& self) {
  nb::list list;
  for (const std::string& note : self.source().notes()) list.append(to_str(note));
  return list;
}

nb::dict unreadable(const OpenSource& self) {
  nb::dict causes;
  for (const Tensor& tensor : self.source()) {
    if (const auto cause = tensor.unreadable()) causes[to_str(tensor.name())] = error_object(*cause);
  }
  return causes;
}

nb::list parts(const OpenSource& self, Name name) {
  const Tensor tensor = self.source().tensor(name);
  nb::list list;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    list.append(nb::make_tuple(to_str(part.role()), to_str(dtype_name(part.dtype())), to_str(part.storage()),
                               to_str(part.logical()), to_str(part.encoding()), to_str(part.digest()), part.offset(),
                               part.stored_length(), to_str(part.shard())));
  }
  return list;
}

// Whether one of SciPy's sparse arrays was stored, not a sparse matrix.
bool is_sparse_array(const Tensor& tensor) {
  const Value attributes = source::TensorAccess::attributes(tensor);
  const Value* family = attributes.find(source::kScipyKey);
  return family != nullptr && *family == Value("array");
}

}  // namespace

void bind_metadata(Class<OpenSource>& type) {
  type.def("__len__", [](const OpenSource& self) { return self.source().size(); })
      .def("__contains__", [](const OpenSource& self, Name name) { return self.source().find(name).has_value(); })
      .def_prop_ro("format", [](const OpenSource& self) { return to_str(self.source().format()); })
      .def_prop_ro("stored_size", [](const OpenSource& self) { return self.source().stored_size(); })
      .def("index_sum", [](const OpenSource& self) { return released([&] { return index_sum(self); }); })
      .def("info_json",
           [](const OpenSource& self) { return to_str(released([&] { return info_json(self.source()); })); })
      .def("names", names)
      .def("paths", paths)
      .def("notes", notes)
      .def("unreadable", unreadable)
      .def("attributes", [](const OpenSource& self) { return to_dict(self.source().attributes()); })
      .def(
          "check", [](const OpenSource& self, Name name) { self.source().tensor(name); }, nb::arg("name"))
      .def(
          "cause",
          [](const OpenSource& self, Name name) -> nb::object {
            const auto cause = self.source().tensor(name).unreadable();
            return cause ? error_object(*cause) : nb::none();
          },
          nb::arg("name"))
      .def(
          "shape",
          [](const OpenSource& self, Name name) { return nb::tuple(shape_tuple(self.source().tensor(name).shape())); },
          nb::arg("name"))
      .def(
          "layout", [](const OpenSource& self, Name name) { return to_str(self.source().tensor(name).layout()); },
          nb::arg("name"))
      .def(
          "dtype_name",
          [](const OpenSource& self, Name name) { return to_str(dtype_name(self.source().tensor(name).dtype())); },
          nb::arg("name"))
      .def(
          "elements", [](const OpenSource& self, Name name) { return self.source().tensor(name).elements(); },
          nb::arg("name"))
      // Without the GIL: some zstd parts of generation 1.1 are decoded to be counted.
      .def(
          "nbytes",
          [](const OpenSource& self, Name name) {
            const Tensor tensor = self.source().tensor(name);
            return released([&] { return tensor.nbytes(); });
          },
          nb::arg("name"))
      .def(
          "tensor_attributes",
          [](const OpenSource& self, Name name) { return to_dict(self.source().tensor(name).attributes()); },
          nb::arg("name"))
      .def(
          "is_sparse_array",
          [](const OpenSource& self, Name name) { return is_sparse_array(self.source().tensor(name)); },
          nb::arg("name"))
      .def("parts", parts, nb::arg("name"))
      .def("part_paths", part_paths, nb::arg("name"));
}

}  // namespace zt::python
