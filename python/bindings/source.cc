#include "source.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

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

OpenSource* open_store(nb::object store, bool buffer, const std::string& name, std::optional<bool> verify,
                       unsigned threads, nb::handle limits) {
  const OpenOptions options = to_options("auto", verify, threads, limits);
  const auto turn = buffer ? nullptr : std::make_shared<Turn>();
  const auto bytes = buffer ? store_of_buffer(store) : store_of_file(std::move(store), turn);
  return released([&] { return new OpenSource(zt::open(bytes, name, options), options, name, turn); });
}

nb::list names_of(const std::vector<std::string>& names) {
  nb::list list;
  for (const std::string& name : names) list.append(to_str(name));
  return list;
}

// What is merely unreadable is told, anything else that is wrong is thrown.
void throw_first(const Source& source, const VerifyReport& report) {
  for (const Finding& finding : report.findings) {
    const std::optional<Tensor> tensor = source.find(finding.tensor);  // nothing: a shard
    if (!tensor || !tensor->unreadable()) throw finding.error;
  }
}

nb::tuple verify(const OpenSource& self, const std::vector<std::string>& names, bool shards, bool canonical,
                 nb::object progress) {
  const CheckOptions options = {.names = names, .shards = shards, .progress = to_progress(std::move(progress))};
  const VerifyReport report = released([&] {
    VerifyReport found = zt::check(self.source(), options);
    throw_first(self.source(), found);
    if (canonical) {
      for (const Finding& finding : zt::check_canonical(self.source(), options.progress)) throw finding.error;
    }
    return found;
  });
  return nb::make_tuple(names_of(report.checked), names_of(report.undigested), names_of(report.unreadable));
}

}  // namespace

const Source& OpenSource::source() const {
  if (turn_ != nullptr && turn_->is_mine()) throw_usage("the reader was called from within a read of its own file");
  return source_;
}

void bind_source(nb::module_& module) {
  module.def("open_path", open_path, nb::arg("path"), nb::arg("backend"), nb::arg("verify").none(), nb::arg("threads"),
             nb::arg("limits").none(), nb::rv_policy::take_ownership);
  module.def("open_store", open_store, nb::arg("store"), nb::arg("buffer"), nb::arg("name"), nb::arg("verify").none(),
             nb::arg("threads"), nb::arg("limits").none(), nb::rv_policy::take_ownership);
  nb::class_<OpenSource> type(module, "Source", nb::is_final());
  type.def("verify", verify, nb::arg("names"), nb::arg("shards"), nb::arg("canonical"), nb::arg("progress").none());
  bind_metadata(type);
  bind_reads(type);
  bind_pieces(type);
}

}  // namespace zt::python
