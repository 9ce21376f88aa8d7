#include "source.h"

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

// (tensors, bytes_in, bytes_out, skipped, losses, notes)
nb::tuple convert(const nb::list& inputs, nb::handle output, const std::string& format, const std::string& to,
                  std::optional<int> level, nb::handle checksum, std::uint64_t alignment, bool durable,
                  std::optional<bool> canonical, std::uint64_t max_shard_size, bool lossy, bool check_output,
                  const std::vector<std::string>& include, const std::vector<std::string>& exclude,
                  bool skip_unreadable, bool delete_originals, bool overwrite, unsigned threads, nb::handle limits,
                  nb::object progress) {
  ConvertOptions options;
  options.writer.format = to;
  options.writer.checksum = to_checksum(checksum);
  options.writer.alignment = alignment;
  options.writer.durable = durable;
  options.writer.canonical = canonical;
  options.writer.max_shard_size = max_shard_size;
  options.writer.lossy = lossy;
  options.check_output = check_output;
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
  return nb::make_tuple(report.tensors, report.bytes_in, report.bytes_out, texts(report.skipped), texts(report.losses),
                        texts(report.notes));
}

nb::object text_or_none(const std::string& text) { return text.empty() ? nb::none() : nb::object(to_str(text)); }
nb::object value_or_none(const std::optional<Value>& value) { return value ? to_python(*value) : nb::none(); }

// (kind, tensor, part, key, a, b, (elements, differing, first, index, largest))
nb::tuple difference_tuple(const Difference& difference) {
  nb::object contents = nb::none();
  if (const auto& found = difference.contents) {
    const nb::object index = found->at.empty() ? nb::none() : shape_tuple(found->at);
    const nb::object largest = found->largest ? nb::object(nb::float_(*found->largest)) : nb::none();
    contents = nb::make_tuple(found->elements, found->differing, found->first, index, largest);
  }
  const nb::object tensor = difference.tensor ? nb::object(to_str(*difference.tensor)) : nb::none();
  const nb::object key =
      difference.kind == Difference::Kind::attribute ? nb::object(to_str(difference.key)) : nb::none();
  return nb::make_tuple(to_str(difference_name(difference.kind)), tensor, text_or_none(difference.part), key,
                        value_or_none(difference.a), value_or_none(difference.b), contents);
}

// (compared, differences, [(tensor, exception), ...])
nb::tuple diff(const OpenSource& a, const OpenSource& b, nb::object progress) {
  const DiffOptions options = {.progress = to_progress(std::move(progress))};
  const DiffReport report = released([&] { return zt::diff(a.source(), b.source(), options); });
  nb::list differences;
  for (const Difference& difference : report.differences) differences.append(difference_tuple(difference));
  nb::list troubles;
  for (const Finding& trouble : report.troubles) {
    troubles.append(nb::make_tuple(to_str(trouble.tensor), error_object(trouble.error)));
  }
  return nb::make_tuple(report.compared, differences, troubles);
}

nb::str content_id(const OpenSource& source, bool trust_digests, nb::object progress) {
  const ContentIdOptions options = {.trust_digests = trust_digests, .progress = to_progress(std::move(progress))};
  return to_str(released([&] { return zt::content_id(source.source(), options); }));
}

}  // namespace

void bind_files(nb::module_& module) {
  module.def("convert", guarded(convert), nb::arg("inputs"), nb::arg("output"), nb::arg("format"), nb::arg("to"),
             nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("alignment"), nb::arg("durable"),
             nb::arg("canonical").none(), nb::arg("max_shard_size"), nb::arg("lossy"), nb::arg("check_output"),
             nb::arg("include"), nb::arg("exclude"), nb::arg("skip_unreadable"), nb::arg("delete_originals"),
             nb::arg("overwrite"), nb::arg("threads"), nb::arg("limits").none(), nb::arg("progress").none());
  module.def("diff", guarded(diff), nb::arg("a"), nb::arg("b"), nb::arg("progress").none());
  module.def("content_id", guarded(content_id), nb::arg("source"), nb::arg("trust_digests"),
             nb::arg("progress").none());
}

}  // namespace zt::python
