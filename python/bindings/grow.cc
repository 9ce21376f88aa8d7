#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <vector>

#include "bindings.h"
#include "source.h"
#include "ztensor/delta.h"

// What changes files that are there already, or writes new ones from them.
namespace zt::python {
namespace {

std::optional<std::filesystem::path> to_optional_path(nb::handle path) {
  if (path.is_none()) return std::nullopt;
  return to_path(path);
}

// (tensors, replaced, bytes_in, bytes_out, reclaimable, skipped, notes)
nb::tuple change_tuple(const ChangeReport& report) {
  return nb::make_tuple(report.tensors, report.replaced, report.bytes_in, report.bytes_out, report.reclaimable,
                        to_list(report.skipped), to_list(report.notes));
}

nb::tuple append_files(nb::handle target, const nb::list& sources, const WriterOptions& writer,
                       std::optional<int> level, bool replace, bool skip_unreadable, const OpenOptions& open,
                       nb::object progress) {
  const AppendOptions options = {.writer = writer,
                                 .recode = to_encoding(level),
                                 .replace = replace,
                                 .skip_unreadable = skip_unreadable,
                                 .open = open,
                                 .progress = to_progress(std::move(progress))};
  std::vector<std::filesystem::path> paths;
  for (const nb::handle source : sources) paths.push_back(to_path(source));
  const std::filesystem::path file = to_path(target);
  return change_tuple(released([&] { return zt::append_files(file, paths, options); }));
}

nb::tuple remove_tensors(nb::handle path, const std::vector<std::string>& names, nb::handle output, bool overwrite,
                         bool durable, nb::handle limits, nb::object progress) {
  const RemoveOptions options = {.durable = durable,
                                 .output = to_optional_path(output),
                                 .overwrite = overwrite,
                                 .limits = to_limits(limits),
                                 .progress = to_progress(std::move(progress))};
  const std::filesystem::path file = to_path(path);
  return change_tuple(released([&] { return zt::remove_tensors(file, names, options); }));
}

// (tensors, deltas, same, bytes_in, bytes_out, base, notes)
nb::tuple delta_tuple(const DeltaFileReport& report) {
  return nb::make_tuple(report.tensors, report.deltas, report.same, report.bytes_in, report.bytes_out, report.base,
                        to_list(report.notes));
}

DeltaOptions delta_options(const WriterOptions& writer, bool patch, bool overwrite, nb::object progress) {
  return {.writer = writer,
          .patch = patch,
          .hint = "",
          .overwrite = overwrite,
          .progress = to_progress(std::move(progress))};
}

nb::tuple write_delta(const OpenSource& base, const OpenSource& next, nb::handle path, const WriterOptions& writer,
                      bool patch, bool overwrite, nb::object progress) {
  if (base.calls_python() || next.calls_python()) throw_usage("a file object has no deltas: open a path");
  const DeltaOptions options = delta_options(writer, patch, overwrite, std::move(progress));
  const std::filesystem::path file = to_path(path);
  const Source from = base.use(), to = next.use();
  const DeltaFileReport report = released([&] { return zt::write_delta(from, to, file, options); });
  return delta_tuple(report);
}

// As write_delta().
nb::tuple fold_deltas(const nb::list& deltas, const std::vector<const OpenSource*>& bases, nb::handle path,
                      const WriterOptions& writer, bool patch, bool overwrite, nb::object progress) {
  std::vector<std::filesystem::path> files;
  for (const nb::handle delta : deltas) files.push_back(to_path(delta));
  OpenOptions open;
  open.threads = writer.threads;
  open.limits = writer.limits;
  for (const OpenSource* base : bases) {
    if (base->calls_python()) throw_usage("a base is in a file object: open the base by its path");
    open.bases.push_back(std::make_shared<const Source>(base->use()));
  }
  const DeltaOptions options = delta_options(writer, patch, overwrite, std::move(progress));
  const std::filesystem::path file = to_path(path);
  const DeltaFileReport report = released([&] { return zt::fold_deltas(files, file, options, open); });
  return delta_tuple(report);
}

// (tensors, deltas, whole, removed, bytes_in, bytes_out, notes)
nb::tuple apply_delta(nb::handle path, nb::handle delta, bool verify, bool durable, unsigned threads, nb::handle limits,
                      nb::object progress) {
  const ApplyOptions options = {.verify = verify,
                                .durable = durable,
                                .threads = threads,
                                .limits = to_limits(limits),
                                .progress = to_progress(std::move(progress))};
  const std::filesystem::path file = to_path(path), changes = to_path(delta);
  const ApplyReport report = released([&] { return zt::apply_delta(file, changes, options); });
  return nb::make_tuple(report.tensors, report.deltas, report.whole, report.removed, report.bytes_in, report.bytes_out,
                        to_list(report.notes));
}

// The files that deltas of a file are over; None where there are none.
nb::object base_paths(const OpenSource& self) {
  const Source source = self.use();
  const auto base = released([&] { return base_of(source); });
  if (!base) return nb::none();
  nb::list paths;
  for (const std::filesystem::path& path : base->paths()) paths.append(from_path(path));
  return paths;
}

// (set, removed, absent)
nb::tuple set_attributes(nb::handle path, nb::handle attributes, const std::vector<std::string>& unset,
                         std::optional<std::string> tensor, bool durable) {
  AttributeEdits edits{.set = {}, .unset = unset, .tensor = std::move(tensor), .durable = durable};
  const Value given = to_value(attributes);
  if (const Value::Map* map = given.members()) edits.set = *map;
  const std::filesystem::path file = to_path(path);
  const AttributeReport report = released([&] { return zt::set_attributes(file, edits); });
  return nb::make_tuple(report.set, report.unset, report.absent);
}

// (changed, tensors, size_before, size_after, notes)
nb::tuple compact(nb::handle path, bool durable, nb::handle limits, nb::object progress) {
  const CompactOptions options = {
      .durable = durable, .limits = to_limits(limits), .progress = to_progress(std::move(progress))};
  const std::filesystem::path file = to_path(path);
  const CompactReport report = released([&] { return zt::compact(file, options); });
  return nb::make_tuple(report.changed, report.tensors, report.size_before, report.size_after, to_list(report.notes));
}

const char* state_text(RepairReport::State state) {
  switch (state) {
    case RepairReport::State::healthy: return "healthy";
    case RepairReport::State::unfinished: return "unfinished";
    case RepairReport::State::torn: break;
  }
  return "torn";
}

// (state, format, tensors, size_before, size_after, notes)
nb::tuple repair(nb::handle path, bool dry_run, nb::handle output, bool overwrite, bool durable, nb::handle limits,
                 nb::object progress) {
  const RepairOptions options = {.dry_run = dry_run,
                                 .output = to_optional_path(output),
                                 .overwrite = overwrite,
                                 .durable = durable,
                                 .limits = to_limits(limits),
                                 .progress = to_progress(std::move(progress))};
  const std::filesystem::path file = to_path(path);
  const RepairReport report = released([&] { return zt::repair(file, options); });
  return nb::make_tuple(state_text(report.state), to_str(report.format), report.tensors, report.size_before,
                        report.size_after, to_list(report.notes));
}

}  // namespace

void bind_grow(nb::module_& module) {
  module.def("append_files", guarded(append_files), nb::arg("target"), nb::arg("sources"), nb::arg("writer"),
             nb::arg("level").none(), nb::arg("replace"), nb::arg("skip_unreadable"), nb::arg("open"),
             nb::arg("progress").none());
  module.def("remove_tensors", guarded(remove_tensors), nb::arg("path"), nb::arg("names"), nb::arg("output").none(),
             nb::arg("overwrite"), nb::arg("durable"), nb::arg("limits").none(), nb::arg("progress").none());
  module.def("write_delta", guarded(write_delta), nb::arg("base"), nb::arg("new"), nb::arg("path"), nb::arg("writer"),
             nb::arg("patch"), nb::arg("overwrite"), nb::arg("progress").none());
  module.def("fold_deltas", guarded(fold_deltas), nb::arg("deltas"), nb::arg("bases"), nb::arg("path"),
             nb::arg("writer"), nb::arg("patch"), nb::arg("overwrite"), nb::arg("progress").none());
  module.def("apply_delta", guarded(apply_delta), nb::arg("path"), nb::arg("delta"), nb::arg("verify"),
             nb::arg("durable"), nb::arg("threads"), nb::arg("limits").none(), nb::arg("progress").none());
  module.def("base_paths", guarded(base_paths), nb::arg("source"));
  module.def("set_attributes", guarded(set_attributes), nb::arg("path"), nb::arg("attributes").none(), nb::arg("unset"),
             nb::arg("tensor").none(), nb::arg("durable"));
  module.def("compact", guarded(compact), nb::arg("path"), nb::arg("durable"), nb::arg("limits").none(),
             nb::arg("progress").none());
  module.def("repair", guarded(repair), nb::arg("path"), nb::arg("dry_run"), nb::arg("output").none(),
             nb::arg("overwrite"), nb::arg("durable"), nb::arg("limits").none(), nb::arg("progress").none());
}

}  // namespace zt::python
