#include <memory>

#include "capi/shell.h"

namespace capi = zt::capi;

namespace zt::capi {
namespace {

std::optional<std::filesystem::path> path_if_any(const char* path) {
  return path == nullptr ? std::nullopt : std::optional(zt::path_of(path));
}

void give_change(zt_change_report* out, const ChangeReport& report, const zt_lines& lines) {
  tell(lines, ZT_LINE_SKIPPED, report.skipped);
  tell(lines, ZT_LINE_NOTE, report.notes);
  if (out == nullptr) return;
  give(*out,
       zt_change_report{.size = 0,
                        .tensors = report.tensors,
                        .replaced = report.replaced,
                        .bytes_in = report.bytes_in,
                        .bytes_out = report.bytes_out,
                        .reclaimable = report.reclaimable},
       "zt_change_report");
}

// A list that happens to be empty must not take everything.
std::vector<std::string> names_of(const char* const* names, std::size_t count) {
  if (names != nullptr && count == 0) throw_usage("names is an empty list: give names, or NULL for all tensors");
  return texts_of(names, count, "names");
}

WriterOptions writer_of_tool(const zt_writer_options* options) {
  if (options != nullptr && taken(options, "zt_writer_options").encoding != ZT_ENCODING_DEFAULT) {
    throw_usage("the encoding of the writer has no effect here: set that of the options around it");
  }
  return writer_options_of(options);
}

Value::Map members_of(const zt_attributes& attributes) {
  const Value value = value_of(attributes);
  if (value.is_null()) return {};
  if (!value.is_map()) throw_usage("the attributes to set are no map");
  return *value.members();
}

}  // namespace
}  // namespace zt::capi

zt_code zt_verify(const zt_source* source, const zt_verify_options* options, zt_verify_report* report,
                  zt_error* error) {
  return capi::guard(error, [&] {
    const zt_verify_options given = capi::taken(options, "zt_verify_options");
    capi::check_out(report, "zt_verify_report");
    const zt::VerifyReport found =
        zt::check(capi::needed(source, "source").source, {.names = capi::names_of(given.names, given.names_count),
                                                          .shards = given.shards,
                                                          .canonical = given.canonical,
                                                          .progress = capi::progress_of(given.progress)});
    for (const zt::Finding& finding : found.findings) {
      if (given.finding == nullptr) break;
      zt_error one{};
      one.size = sizeof(one);
      capi::fill(one, finding.error);
      given.finding(given.context, capi::borrow(finding.tensor), &one);
    }
    if (report == nullptr) return;
    capi::give(*report,
               zt_verify_report{.size = 0,
                                .checked = found.checked.size(),
                                .undigested = found.undigested.size(),
                                .unreadable = found.unreadable.size(),
                                .findings = found.findings.size()},
               "zt_verify_report");
  });
}

zt_code zt_convert(const char* const* inputs, size_t count, const char* output, const zt_convert_options* options,
                   zt_convert_report* report, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_convert_options given = capi::taken(options, "zt_convert_options");
    capi::check_out(report, "zt_convert_report");
    zt::ConvertOptions wanted;
    wanted.writer = capi::writer_of_tool(given.writer);
    wanted.recode = capi::encoding_of(given.encoding, given.level);
    if (given.from != nullptr) wanted.from = given.from;
    wanted.include = capi::texts_of(given.include, given.include_count, "include");
    wanted.exclude = capi::texts_of(given.exclude, given.exclude_count, "exclude");
    wanted.names = capi::names_of(given.names, given.names_count);
    wanted.with_config = given.with_config;
    wanted.skip_unreadable = given.skip_unreadable;
    wanted.overwrite = given.overwrite;
    wanted.check_output = given.check_output;
    wanted.delete_originals = given.delete_originals;
    wanted.open = capi::open_options_of(given.open);
    wanted.progress = capi::progress_of(given.progress);
    const zt::ConvertReport done = zt::convert(capi::paths_of(inputs, count), capi::path_of(output, "output"), wanted);
    capi::tell(given.lines, ZT_LINE_SKIPPED, done.skipped);
    capi::tell(given.lines, ZT_LINE_LOSS, done.losses);
    capi::tell(given.lines, ZT_LINE_NOTE, done.notes);
    if (report == nullptr) return;
    capi::give(
        *report,
        zt_convert_report{.size = 0, .tensors = done.tensors, .bytes_in = done.bytes_in, .bytes_out = done.bytes_out},
        "zt_convert_report");
  });
}

zt_code zt_append(const char* target, const char* const* sources, size_t count, const zt_append_options* options,
                  zt_change_report* report, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_append_options given = capi::taken(options, "zt_append_options");
    capi::check_out(report, "zt_change_report");
    const zt::AppendOptions wanted{.writer = capi::writer_of_tool(given.writer),
                                   .recode = capi::encoding_of(given.encoding, given.level),
                                   .replace = given.replace,
                                   .skip_unreadable = given.skip_unreadable,
                                   .open = capi::open_options_of(given.open),
                                   .progress = capi::progress_of(given.progress)};
    capi::give_change(report, zt::append_files(capi::path_of(target, "target"), capi::paths_of(sources, count), wanted),
                      given.lines);
  });
}

zt_code zt_remove(const char* path, const char* const* names, size_t count, const zt_remove_options* options,
                  zt_change_report* report, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_remove_options given = capi::taken(options, "zt_remove_options");
    capi::check_out(report, "zt_change_report");
    const zt::RemoveOptions wanted{.durable = given.durable,
                                   .output = capi::path_if_any(given.output),
                                   .overwrite = given.overwrite,
                                   .limits = capi::limits_of(given.limits),
                                   .progress = capi::progress_of(given.progress)};
    capi::give_change(report,
                      zt::remove_tensors(capi::path_of(path, "path"), capi::texts_of(names, count, "names"), wanted),
                      given.lines);
  });
}

zt_code zt_set_attributes(const char* path, const zt_attribute_edits* edits, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_attribute_edits given = capi::taken(edits, "zt_attribute_edits");
    zt::AttributeEdits wanted{.set = capi::members_of(given.set),
                              .unset = capi::texts_of(given.unset, given.unset_count, "unset"),
                              .tensor = {},
                              .durable = given.durable};
    if (given.tensor != nullptr) wanted.tensor = given.tensor;
    zt::set_attributes(capi::path_of(path, "path"), wanted);
  });
}

zt_code zt_compact(const char* path, const zt_compact_options* options, zt_compact_report* report, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_compact_options given = capi::taken(options, "zt_compact_options");
    capi::check_out(report, "zt_compact_report");
    const zt::CompactReport done =
        zt::compact(capi::path_of(path, "path"), {.durable = given.durable,
                                                  .limits = capi::limits_of(given.limits),
                                                  .progress = capi::progress_of(given.progress)});
    capi::tell(given.lines, ZT_LINE_NOTE, done.notes);
    if (report == nullptr) return;
    capi::give(*report,
               zt_compact_report{.size = 0,
                                 .tensors = done.tensors,
                                 .size_before = done.size_before,
                                 .size_after = done.size_after,
                                 .changed = done.changed},
               "zt_compact_report");
  });
}

zt_code zt_repair(const char* path, const zt_repair_options* options, zt_repair_report* report, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_repair_options given = capi::taken(options, "zt_repair_options");
    capi::check_out(report, "zt_repair_report");
    const zt::RepairReport done =
        zt::repair(capi::path_of(path, "path"), {.dry_run = given.dry_run,
                                                 .output = capi::path_if_any(given.output),
                                                 .overwrite = given.overwrite,
                                                 .durable = given.durable,
                                                 .limits = capi::limits_of(given.limits),
                                                 .progress = capi::progress_of(given.progress)});
    capi::tell(given.lines, ZT_LINE_NOTE, done.notes);
    if (report == nullptr) return;
    capi::give(*report,
               zt_repair_report{.size = 0,
                                .tensors = done.tensors,
                                .size_before = done.size_before,
                                .size_after = done.size_after,
                                .state = static_cast<zt_repair_state>(done.state)},
               "zt_repair_report");
  });
}

zt_code zt_diff(const zt_source* a, const zt_source* b, zt_progress progress, bool* same, zt_bytes* out,
                zt_error* error) {
  return capi::guard(error, [&] {
    const zt::Source& left = capi::needed(a, "a").source;
    const zt::Source& right = capi::needed(b, "b").source;
    bool& equal = capi::needed(same, "same");
    const zt::DiffReport report =
        zt::diff(left, right, {.first_only = out == nullptr, .progress = capi::progress_of(progress)});
    if (out != nullptr) capi::give_text(*out, zt::diff_json(left, right, report));
    equal = report.same();
  });
}

zt_code zt_content_id(const zt_source* source, bool trust_digests, zt_progress progress, zt_bytes* out,
                      zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    capi::give_text(to, zt::content_id(capi::needed(source, "source").source,
                                       {.trust_digests = trust_digests, .progress = capi::progress_of(progress)}));
  });
}

zt_code zt_scan_json(const char* path, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    const std::filesystem::path name = capi::path_of(path, "path");
    capi::give_text(to, zt::scan_json(zt::utf8_of(name), zt::scan(name)));
  });
}
