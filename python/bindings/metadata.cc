#include <nanobind/stl/string.h>

#include "source.h"

namespace zt::python {
namespace {

// FNV-1a over the contents of the index: names, types, shapes, places and digests. Finds accidental changes of a file,
// but not attacks.
class IndexSum {
 public:
  void add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0xFF);  // occurs in no UTF-8 text, so "a", "b" differs from "ab"
  }
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) add_byte(static_cast<unsigned char>(number >> shift));
  }
  std::uint64_t value() const { return sum_; }

 private:
  void add_byte(unsigned char byte) { sum_ = (sum_ ^ byte) * 0x100000001B3U; }
  std::uint64_t sum_ = 0xCBF29CE484222325U;
};

std::uint64_t index_sum(const Source& source) {
  IndexSum sum;
  for (const Tensor& tensor : source) {
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
      sum.add(part.file_number());
    }
  }
  for (std::size_t i = 0; i + 1 < source.files(); ++i) {
    const ShardIdentity shard = source.shard(i);
    sum.add(shard.name);
    sum.add(shard.size);
    sum.add(shard.digest);
  }
  return sum.value();
}

nb::list names(const OpenSource& self) {
  nb::list list;
  const Source source = self.use();
  for (const Tensor& tensor : source) list.append(to_str(tensor.name()));
  return list;
}

nb::list paths(const OpenSource& self) {
  nb::list list;
  for (const auto& path : self.use().paths()) list.append(from_path(path));
  return list;
}

// Names that share the stored bytes of an earlier tensor, with the name of that tensor.
nb::dict ties(const OpenSource& self) {
  const Source source = self.use();
  const std::span<const std::size_t> firsts = released([&] { return source.ties(); });
  nb::dict found;
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    if (firsts[i] != i) found[to_str(source[i].name())] = to_str(source[firsts[i]].name());
  }
  return found;
}

nb::dict unreadable(const OpenSource& self) {
  nb::dict causes;
  const Source source = self.use();
  for (const Tensor& tensor : source) {
    if (const auto cause = tensor.unreadable()) causes[to_str(tensor.name())] = error_object(*cause);
  }
  return causes;
}

nb::tuple verify(const OpenSource& self, nb::handle names, bool shards, bool canonical, nb::object progress) {
  const Source source = self.use();
  CheckOptions options = {
      .names = {}, .shards = shards, .canonical = canonical, .progress = to_progress(std::move(progress))};
  for (const nb::handle name : names) options.names.emplace_back(find_tensor(source, name).name());
  const VerifyReport report = released([&] { return zt::verify(source, options); });
  return nb::make_tuple(to_list(report.checked), to_list(report.undigested), to_list(report.unreadable));
}

bool contains(const OpenSource& self, nb::handle name) {
  const Source source = self.use();
  if (!PyUnicode_Check(name.ptr())) return false;
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(name.ptr(), &size);
  if (bytes == nullptr) PyErr_Clear();  // a lone surrogate, which no file has
  return bytes != nullptr && source.find({bytes, static_cast<std::size_t>(size)}).has_value();
}

}  // namespace

void bind_metadata(Class<OpenSource>& type) {
  type.def("__len__", [](const OpenSource& self) { return self.use().size(); })
      .def("__contains__", contains)
      .def_prop_ro("is_closed", [](const OpenSource& self) { return self.is_closed(); })
      .def_prop_ro("format", [](const OpenSource& self) { return to_str(self.use().format()); })
      .def_prop_ro("stored_size", [](const OpenSource& self) { return self.use().stored_size(); })
      .def("index_sum",
           [](const OpenSource& self) {
             const Source source = self.use();
             return released([&] { return index_sum(source); });
           })
      .def("info_json",
           [](const OpenSource& self) {
             const Source source = self.use();
             return to_str(released([&] { return info_json(source); }));
           })
      .def("names", names)
      .def("paths", paths)
      .def("notes", [](const OpenSource& self) { return to_list(self.use().notes()); })
      .def("unreadable", unreadable)
      .def("ties", ties)
      .def("attributes", [](const OpenSource& self) { return to_dict(self.use().attributes()); })
      .def("verify", verify, nb::arg("names"), nb::arg("shards"), nb::arg("canonical"), nb::arg("progress").none());
}

}  // namespace zt::python
