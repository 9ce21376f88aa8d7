#include "bindings.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <vector>

namespace zt::python {
namespace {

nb::list texts(const std::vector<std::string>& lines) {
  nb::list list;
  for (const std::string& line : lines) list.append(to_str(line));
  return list;
}

// (tensors, bytes_in, bytes_out, skipped, notes)
nb::tuple convert(const nb::list& inputs, nb::handle output, const std::string& format, const std::string& to,
                  std::optional<int> level, nb::handle checksum, std::uint64_t alignment, bool durable,
                  const std::vector<std::string>& include, const std::vector<std::string>& exclude,
                  bool skip_unreadable, bool delete_originals, bool overwrite, unsigned threads, nb::handle limits,
                  nb::object progress) {
  ConvertOptions options;
  options.writer.format = to;
  options.writer.checksum = to_checksum(checksum);
  options.writer.alignment = alignment;
  options.writer.durable = durable;
  options.writer.threads = threads;
  options.writer.limits = options.open.limits = to_limits(limits);
  options.open.threads = threads;
  options.recode = to_encoding(level);
  options.format = format;
  options.include = include;
  options.exclude = exclude;
  options.skip_unreadable = skip_unreadable;
  options.delete_originals = delete_originals;
  options.overwrite = overwrite;
  options.progress = to_progress(std::move(progress));
  std::vector<std::filesystem::path> paths;
  for (const nb::handle input : inputs) paths.push_back(to_path(input));
  const std::filesystem::path target = to_path(output);
  const ConvertReport report = released([&] { return zt::convert(paths, target, options); });
  return nb::make_tuple(report.tensors, report.bytes_in, report.bytes_out, texts(report.skipped), texts(report.notes));
}

}  // namespace

void bind_files(nb::module_& module) {
  module.def("convert", convert, nb::arg("inputs"), nb::arg("output"), nb::arg("format"), nb::arg("to"),
             nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("alignment"), nb::arg("durable"),
             nb::arg("include"), nb::arg("exclude"), nb::arg("skip_unreadable"), nb::arg("delete_originals"),
             nb::arg("overwrite"), nb::arg("threads"), nb::arg("limits").none(), nb::arg("progress").none());
}

}  // namespace zt::python
