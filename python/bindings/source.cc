#include "source.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <set>
#include <utility>

#include "turn.h"

namespace zt::python {
namespace {

OpenSource* open_path(nb::handle path, const OpenOptions& options) {
  const std::filesystem::path file = to_path(path);
  return released([&] { return new OpenSource(zt::open(file, options), options, file.string(), nullptr); });
}

OpenSource* open_paths(const nb::list& paths, const OpenOptions& options) {
  std::vector<std::filesystem::path> files;
  for (const nb::handle path : paths) files.push_back(to_path(path));
  const std::string first = files.empty() ? "" : files.front().string();
  return released([&] { return new OpenSource(zt::open(files, options), options, first, nullptr); });
}

OpenSource* open_buffer(nb::object buffer, const std::string& name, const OpenOptions& options) {
  const auto bytes = store_of_buffer(buffer);
  return released([&] { return new OpenSource(zt::open(bytes, name, options), options, name, nullptr); });
}

// Opens the file behind a file object, without calling the object later. Reads instead of mapping: the owner of the
// object may be writing to the file.
OpenSource* open_descriptor(int descriptor, const std::string& name, OpenOptions options) {
  options.backend = Backend::read;
  return released(
      [&] { return new OpenSource(zt::open(store_of_descriptor(descriptor), name, options), options, name, nullptr); });
}

// Only the thread that wants bytes calls the file object: the object may depend on the thread, and a thread that Python
// does not know gets no GIL while the interpreter ends.
OpenSource* open_file(nb::object file, const std::string& name, OpenOptions options) {
  options.backend = Backend::read;
  options.threads = 1;
  const auto turn = std::make_shared<Turn>("the reader of a file object");
  const auto bytes = store_of_file(std::move(file), turn);
  return released([&] { return new OpenSource(zt::open(bytes, name, options), options, name, turn); });
}

}  // namespace

Source OpenSource::use() const {
  if (!source_) throw_usage("the reader is closed");
  if (file_.is_valid() && nb::cast<bool>(get_attribute(file_, "closed"))) {
    throw_usage("the file object of the reader is closed: keep it open while you read");
  }
  if (turn_ != nullptr) turn_->check();
  return *source_;
}

bool OpenSource::is_twin(const Source& source, std::size_t index) const {
  if (!shares_equal_bytes_) return false;
  const std::vector<bool>* twins = twins_.load();
  if (twins == nullptr) {
    auto made = std::make_unique<std::vector<bool>>(source.size());
    std::vector<bool>& found = *made;
    std::set<std::pair<std::uint32_t, std::uint64_t>> places;
    for (const Tensor& tensor : source) {
      if (tensor.parts() != 1 || tensor.part(0).stored_length() == 0) continue;
      const Part part = tensor.part(0);
      found[tensor.index()] = !places.emplace(part.file_number(), part.offset()).second;
    }
    if (twins_.compare_exchange_strong(twins, made.get())) twins = made.release();  // else another thread was first
  }
  return (*twins)[index];
}

void OpenSource::close() {
  source_.reset();
  for (MappedFile& file : files) file = {};  // another thread may be about to read an element
  file_.reset();
}

Tensor find_tensor(const Source& source, nb::handle name) {
  if (!PyUnicode_Check(name.ptr())) {
    const std::string type = nb::type_name(name.type()).c_str();
    throw nb::type_error(("the name of a tensor must be a str, not " + type).c_str());
  }
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(name.ptr(), &size);
  if (bytes == nullptr) {  // a lone surrogate, which no file has
    PyErr_Clear();
    throw Error(Code::not_found, "", "no tensor is named " + std::string(nb::repr(name).c_str()));
  }
  return source.tensor({bytes, static_cast<std::size_t>(size)});
}

void bind_source(nb::module_& module) {
  module.def("open_path", guarded(open_path), nb::arg("path"), nb::arg("options"), nb::rv_policy::take_ownership);
  module.def("open_paths", guarded(open_paths), nb::arg("paths"), nb::arg("options"), nb::rv_policy::take_ownership);
  module.def("open_buffer", guarded(open_buffer), nb::arg("buffer"), nb::arg("name"), nb::arg("options"),
             nb::rv_policy::take_ownership);
  module.def("open_descriptor", guarded(open_descriptor), nb::arg("descriptor"), nb::arg("name"), nb::arg("options"),
             nb::rv_policy::take_ownership);
  module.def("open_file", guarded(open_file), nb::arg("file"), nb::arg("name"), nb::arg("options"),
             nb::rv_policy::take_ownership);
  Class<OpenSource> type(module, "Source", nb::is_final());
  type.def("check", [](const OpenSource& self) { self.use(); })
      .def("close", [](OpenSource& self) { self.close(); })
      .def(
          "watch", [](OpenSource& self, nb::object file) { self.watch(std::move(file)); }, nb::arg("file"))
      .def(
          "tensor",
          [](OpenSource& self, nb::handle name) { return Handle(self, find_tensor(self.use(), name).index()); },
          nb::arg("name"));
  bind_metadata(type);
  bind_many(type);
  bind_tensor(module);
  bind_prefetch(module, type);
  bind_device(module, type);
}

}  // namespace zt::python
