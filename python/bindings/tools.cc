#include "source.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <vector>

namespace zt::python {
namespace {

// (tensors, bytes_in, bytes_out, skipped, losses, notes)
nb::tuple convert(const nb::list& inputs, nb::handle output, ConvertOptions options, nb::object progress) {
  options.progress = to_progress(std::move(progress));
  std::vector<std::filesystem::path> paths;
  for (const nb::handle input : inputs) paths.push_back(to_path(input));
  const std::filesystem::path target = to_path(output);
  const ConvertReport report = released([&] { return zt::convert(paths, target, options); });
  return nb::make_tuple(report.tensors, report.bytes_in, report.bytes_out, to_list(report.skipped),
                        to_list(report.losses), to_list(report.notes));
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
  const Source left = a.use();
  const Source right = b.use();
  const DiffReport report = released([&] { return zt::diff(left, right, options); });
  nb::list differences;
  for (const Difference& difference : report.differences) differences.append(difference_tuple(difference));
  nb::list findings;
  for (const Finding& finding : report.findings) {
    findings.append(nb::make_tuple(to_str(finding.tensor), error_object(finding.error)));
  }
  return nb::make_tuple(report.compared, differences, findings);
}

nb::str content_id(const OpenSource& source, bool trust_digests, nb::object progress) {
  const ContentIdOptions options = {.trust_digests = trust_digests, .progress = to_progress(std::move(progress))};
  const Source opened = source.use();
  return to_str(released([&] { return zt::content_id(opened, options); }));
}

// The document of scan_json().
nb::str scan(nb::handle path) {
  const std::filesystem::path file = to_path(path);
  return to_str(released([&] { return zt::scan_json(file.string(), zt::scan(file)); }));
}

}  // namespace

void bind_tools(nb::module_& module) {
  module.def("convert", guarded(convert), nb::arg("inputs"), nb::arg("output"), nb::arg("options"),
             nb::arg("progress").none());
  module.def("diff", guarded(diff), nb::arg("a"), nb::arg("b"), nb::arg("progress").none());
  module.def("content_id", guarded(content_id), nb::arg("source"), nb::arg("trust_digests"),
             nb::arg("progress").none());
  module.def("scan", guarded(scan), nb::arg("path"));
}

}  // namespace zt::python
