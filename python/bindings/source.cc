#include "source.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "source/descriptor_store.h"
#include "turn.h"

namespace zt::python {
namespace {

OpenOptions to_options(const std::string& backend, std::optional<bool> verify, unsigned threads, nb::handle limits) {
  OpenOptions options;
  if (backend == "mmap") {
    options.backend = Backend::mmap;
  } else if (backend == "read") {
    options.backend = Backend::read;
  } else if (backend != "auto") {
    throw_usage("backend is '" + backend + "': expected 'auto', 'mmap' or 'read'");
  }
  options.verify = to_verify(verify).value_or(Verify::standard);
  options.threads = threads;
  options.limits = to_limits(limits);
  return options;
}

OpenSource* open_path(nb::handle path, const std::string& backend, std::optional<bool> verify, unsigned threads,
                      nb::handle limits) {
  const OpenOptions options = to_options(backend, verify, threads, limits);
  const std::filesystem::path file = to_path(path);
  return released([&] { return new OpenSource(zt::open(file, options), options, file.string(), nullptr); });
}

OpenSource* open_buffer(nb::object buffer, const std::string& backend, const std::string& name,
                        std::optional<bool> verify, unsigned threads, nb::handle limits) {
  const OpenOptions options = to_options(backend, verify, threads, limits);
  const auto bytes = store_of_buffer(buffer);
  return released([&] { return new OpenSource(zt::open(bytes, name, options), options, name, nullptr); });
}

// The file of a file object, which is not called any more. Read, not mapped: whoever has it open may be writing to it.
OpenSource* open_descriptor(int descriptor, const std::string& name, std::optional<bool> verify, unsigned threads,
                            nb::handle limits) {
  const OpenOptions options = to_options("read", verify, threads, limits);
  return released([&] {
    return new OpenSource(zt::open(source::store_of_descriptor(descriptor), name, options), options, name, nullptr);
  });
}

// A file object is called by the thread that wants its bytes, and by no other of ours: it may know threads apart, and a
// thread that is not Python's gets no GIL while the interpreter ends.
OpenSource* open_file(nb::object file, const std::string& name, std::optional<bool> verify, nb::handle limits) {
  const OpenOptions options = to_options("read", verify, 1, limits);
  const auto turn = std::make_shared<Turn>("the reader of a file object");
  const auto bytes = store_of_file(std::move(file), turn);
  return released([&] { return new OpenSource(zt::open(bytes, name, options), options, name, turn); });
}

nb::list names_of(const std::vector<std::string>& names) {
  nb::list list;
  for (const std::string& name : names) list.append(to_str(name));
  return list;
}

nb::tuple verify(const OpenSource& self, const std::vector<std::string>& names, bool shards, bool canonical,
                 nb::object progress) {
  const CheckOptions options = {
      .names = names, .shards = shards, .canonical = canonical, .progress = to_progress(std::move(progress))};
  const VerifyReport report = released([&] { return zt::verify(self.source(), options); });
  return nb::make_tuple(names_of(report.checked), names_of(report.undigested), names_of(report.unreadable));
}

}  // namespace

const Source& OpenSource::source() const {
  if (turn_ != nullptr) turn_->check();
  return source_;
}

void bind_source(nb::module_& module) {
  module.def("open_path", guarded(open_path), nb::arg("path"), nb::arg("backend"), nb::arg("verify").none(),
             nb::arg("threads"), nb::arg("limits").none(), nb::rv_policy::take_ownership);
  module.def("open_buffer", guarded(open_buffer), nb::arg("buffer"), nb::arg("backend"), nb::arg("name"),
             nb::arg("verify").none(), nb::arg("threads"), nb::arg("limits").none(), nb::rv_policy::take_ownership);
  module.def("open_descriptor", guarded(open_descriptor), nb::arg("descriptor"), nb::arg("name"),
             nb::arg("verify").none(), nb::arg("threads"), nb::arg("limits").none(), nb::rv_policy::take_ownership);
  module.def("open_file", guarded(open_file), nb::arg("file"), nb::arg("name"), nb::arg("verify").none(),
             nb::arg("limits").none(), nb::rv_policy::take_ownership);
  Class<OpenSource> type(module, "Source", nb::is_final());
  type.def("verify", verify, nb::arg("names"), nb::arg("shards"), nb::arg("canonical"), nb::arg("progress").none());
  bind_metadata(type);
  bind_reads(type);
  bind_pieces(type);
}

}  // namespace zt::python
