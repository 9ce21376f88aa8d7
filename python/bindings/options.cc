#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "source.h"
#include "ztensor/delta.h"

namespace zt::python {
namespace {

Backend to_backend(const std::string& name) {
  if (name == "auto") return Backend::automatic;
  if (name == "mmap") return Backend::mmap;
  if (name == "read") return Backend::read;
  throw_usage("backend is '" + name + "': expected 'auto', 'mmap' or 'read'");
}

void bind_open_options(nb::module_& module) {
  Class<OpenOptions>(module, "OpenOptions", nb::is_final())
      .def(nb::init<>())
      .set("backend", [](OpenOptions& self, const std::string& name) { self.backend = to_backend(name); })
      .set("verify", [](OpenOptions& self,
                        std::optional<bool> verify) { self.verify = to_verify(verify).value_or(Verify::standard); })
      .set("limits", [](OpenOptions& self, nb::handle limits) { self.limits = to_limits(limits); })
      .set("bases",
           [](OpenOptions& self, const nb::list& bases) {
             self.bases.clear();
             for (const nb::handle base : bases) {
               const auto& source = nb::cast<const OpenSource&>(base);
               if (source.calls_python()) throw_usage("a base is in a file object: open the base by its path");
               self.bases.push_back(std::make_shared<const Source>(source.use()));
             }
           })
      .def_rw("threads", &OpenOptions::threads);
}

void bind_writer_options(nb::module_& module) {
  Class<WriterOptions>(module, "WriterOptions", nb::is_final())
      .def(nb::init<>())
      .set("level", [](WriterOptions& self, int level) { self.encoding = *to_encoding(level); })
      .set("checksum", [](WriterOptions& self, nb::handle name) { self.checksum = to_checksum(name); })
      .set("limits", [](WriterOptions& self, nb::handle limits) { self.limits = to_limits(limits); })
      .set("base",
           [](WriterOptions& self, const OpenSource& base) {
             if (base.calls_python()) throw_usage("a base is in a file object: open the base by its path");
             const Source source = base.use();
             self.base = released([&] { return delta_base(source); });
           })
      .def_rw("to", &WriterOptions::to)
      .def_rw("alignment", &WriterOptions::alignment)
      .def_rw("durable", &WriterOptions::durable)
      .def_rw("threads", &WriterOptions::threads)
      .def_rw("canonical", &WriterOptions::canonical)
      .def_rw("max_shard_size", &WriterOptions::max_shard_size)
      .def_rw("lossy", &WriterOptions::lossy);
}

void bind_convert_options(nb::module_& module) {
  Class<ConvertOptions>(module, "ConvertOptions", nb::is_final())
      .def(nb::init<>())
      .set("level", [](ConvertOptions& self, std::optional<int> level) { self.recode = to_encoding(level); })
      .def_rw("writer", &ConvertOptions::writer)
      .def_rw("open", &ConvertOptions::open)
      .def_rw("from_", &ConvertOptions::from)  // `from` is a Python keyword
      .def_rw("include", &ConvertOptions::include)
      .def_rw("exclude", &ConvertOptions::exclude)
      .def_rw("names", &ConvertOptions::names)
      .def_rw("with_config", &ConvertOptions::with_config)
      .def_rw("skip_unreadable", &ConvertOptions::skip_unreadable)
      .def_rw("overwrite", &ConvertOptions::overwrite)
      .def_rw("check_output", &ConvertOptions::check_output)
      .def_rw("delete_originals", &ConvertOptions::delete_originals);
}

}  // namespace

void bind_options(nb::module_& module) {
  bind_open_options(module);
  bind_writer_options(module);
  bind_convert_options(module);
}

}  // namespace zt::python
