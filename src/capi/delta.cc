#include "ztensor/delta.h"

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "capi/shell.h"
#include "ztensor/changes.h"

namespace capi = zt::capi;

namespace zt::capi {
namespace {

DeltaOptions delta_options_of(const zt_delta_options& given) {
  DeltaOptions options{.writer = writer_options_of(given.writer),
                       .patch = given.patch,
                       .overwrite = given.overwrite,
                       .progress = progress_of(given.progress)};
  if (options.writer.base.source) throw_usage("the writer has a base: leave it out, the call has one");
  if (given.hint != nullptr) options.hint = given.hint;
  return options;
}

void give_delta(zt_delta_report* out, const DeltaFileReport& report, const zt_lines& lines) {
  tell(lines, ZT_LINE_NOTE, report.notes);
  if (out == nullptr) return;
  give(*out,
       zt_delta_report{.size = 0,
                       .tensors = report.tensors,
                       .deltas = report.deltas,
                       .same = report.same,
                       .bytes_in = report.bytes_in,
                       .bytes_out = report.bytes_out},
       "zt_delta_report");
}

Tensor tensor_of(const zt_source* source, std::size_t index) { return needed(source, "source").source[index]; }

Bytes bytes_of(std::vector<std::byte> bytes) {
  const auto kept = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {kept, *kept};
}

}  // namespace
}  // namespace zt::capi

zt_code zt_write_delta(const zt_source* base, const zt_source* next, const char* path, const zt_delta_options* options,
                       zt_delta_report* report, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_delta_options given = capi::taken(options, "zt_delta_options");
    capi::check_out(report, "zt_delta_report");
    capi::give_delta(report,
                     zt::write_delta(capi::needed(base, "base").source, capi::needed(next, "next").source,
                                     capi::path_of(path, "path"), capi::delta_options_of(given)),
                     given.lines);
  });
}

zt_code zt_fold_deltas(const char* const* deltas, size_t count, const char* path, const zt_delta_options* options,
                       zt_delta_report* report, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_delta_options given = capi::taken(options, "zt_delta_options");
    capi::check_out(report, "zt_delta_report");
    capi::give_delta(report,
                     zt::fold_deltas(capi::paths_of(deltas, count), capi::path_of(path, "path"),
                                     capi::delta_options_of(given), capi::open_options_of(given.open)),
                     given.lines);
  });
}

zt_code zt_apply_delta(const char* path, const char* delta, const zt_apply_options* options, zt_apply_report* report,
                       zt_error* error) {
  return capi::guard(error, [&] {
    const zt_apply_options given = capi::taken(options, "zt_apply_options");
    capi::check_out(report, "zt_apply_report");
    const zt::ApplyReport done = zt::apply_delta(capi::path_of(path, "path"), capi::path_of(delta, "delta"),
                                                 {.verify = given.verify,
                                                  .durable = given.durable,
                                                  .threads = given.threads,
                                                  .limits = capi::limits_of(given.limits),
                                                  .progress = capi::progress_of(given.progress)});
    capi::tell(given.lines, ZT_LINE_NOTE, done.notes);
    if (report == nullptr) return;
    capi::give(*report,
               zt_apply_report{.size = 0,
                               .tensors = done.tensors,
                               .deltas = done.deltas,
                               .whole = done.whole,
                               .removed = done.removed,
                               .bytes_in = done.bytes_in,
                               .bytes_out = done.bytes_out},
               "zt_apply_report");
  });
}

zt_code zt_tensor_change_pieces(const zt_source* source, size_t tensor, size_t* out, zt_error* error) {
  return capi::guard(error, [&] {
    std::size_t& to = capi::needed(out, "out");
    to = zt::change_pieces(capi::tensor_of(source, tensor));
  });
}

zt_code zt_tensor_changes(const zt_source* source, size_t tensor, size_t piece, zt_changes* out, zt_error* error) {
  return capi::guard(error, [&] {
    capi::check_out(&capi::needed(out, "out"), "zt_changes");
    zt::Changes found = zt::changes_of(capi::tensor_of(source, tensor), piece);
    std::vector<std::byte> indices(found.indices.size() * sizeof(std::uint32_t));
    if (!indices.empty()) std::memcpy(indices.data(), found.indices.data(), indices.size());
    zt_changes made{.size = 0,
                    .first = found.first,
                    .count = found.count,
                    .is_whole = found.is_whole,
                    .indices = {},
                    .elements = {}};
    capi::give_bytes(made.indices, capi::bytes_of(std::move(indices)));
    capi::give_bytes(made.elements, capi::bytes_of(std::move(found.elements)));
    capi::give(*out, made, "zt_changes");
  });
}
