#include "ztensor/grow.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>
#include <string>

#include "base/checked.h"
#include "base/utf8.h"
#include "io/file.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "run/progress.h"
#include "source/formats.h"
#include "source/merged_attributes.h"
#include "tools/base_notes.h"
#include "tools/in_file.h"
#include "tools/inputs.h"
#include "tools/rewrite.h"
#include "ztensor/paths.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

std::span<const fs::path> checked_paths(const fs::path& target, std::span<const fs::path> paths) {
  if (paths.empty()) throw Error(Code::usage, "", "no files to append: name at least one");
  const auto own = io::identify(target);
  for (const fs::path& path : paths) {
    const auto source = io::identify(path);
    if (own && source && *own == *source)
      throw Error(Code::usage, "", utf8_of(target) + ": the target is also the source " + utf8_of(path));
  }
  return paths;
}

// One append of files to a file: every method is a step of run().
class Append {
 public:
  Append(const fs::path& target, std::span<const fs::path> sources, const AppendOptions& options)
      : target_(target), options_(options), sources_(checked_paths(target, sources), options.open, true) {}
  ChangeReport run();

 private:
  void select(const Writer& writer);
  void take_attributes(Writer& writer);

  const fs::path& target_;
  const AppendOptions& options_;
  tools::Inputs sources_;
  std::vector<tools::Inputs::Chosen> chosen_;
  std::uint64_t total_ = 0;
  ChangeReport report_;
};

// Runs before a byte is written: checks that every tensor can be read, and that every name is free.
void Append::select(const Writer& writer) {
  chosen_ = sources_.choose([](std::string_view) { return true; },
                            [&](const tools::Inputs::Chosen& one, const Error& cause) {
                              if (!options_.skip_unreadable) throw cause;
                              report_.skipped.push_back(std::string(one.tensor.name()) + ": " + cause.what());
                            });
  for (const auto& [input, tensor] : chosen_) {
    total_ += tools::work_of(tensor, options_.recode.has_value());
    if (!writer.has(tensor.name())) continue;
    if (!options_.replace) {
      throw Error(Code::usage, "append.taken",
                  "tensor " + in_quotes(tensor.name()) + " of " + utf8_of(sources_.path(input)) + " is in " +
                      utf8_of(target_) + " already: rename or remove one of them");
    }
    ++report_.replaced;
  }
}

// A new target takes the attributes of the sources, the first of each key. An existing target keeps its own.
void Append::take_attributes(Writer& writer) {
  using Taken = source::MergedAttributes::Taken;
  source::MergedAttributes merged;
  if (const auto* given = options_.writer.attributes.members()) {
    for (const auto& [key, value] : *given) merged.take(key, value);
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const std::string path = utf8_of(sources_.path(i));
    const Value found = inside(path, [&] { return sources_[i].attributes(); });
    if (found.members() == nullptr || found.members()->empty()) continue;
    if (writer.grows()) {
      report_.notes.push_back(path + ": the attributes of the file were not appended, only its tensors");
      continue;
    }
    for (const auto& [key, value] : *found.members()) {
      if (merged.take(key, value) == Taken::kept) continue;
      report_.notes.push_back(path + ": attribute " +
                              (key.text() != nullptr ? in_quotes(*key.text()) : "without text") + " was left out");
    }
  }
  if (!writer.grows() && !merged.members().empty()) writer.set_attributes(Value(merged.members()));
}

ChangeReport Append::run() {
  report_.bytes_in = sources_.stored_size();
  report_.notes = sources_.notes();
  WriterOptions options = options_.writer;
  Writer writer = Writer::create(target_, WriteMode::append, options);  // an existing file is locked from here on
  const bool grows = writer.grows();
  take_attributes(writer);
  select(writer);
  writer.set_progress(options_.progress, total_);
  for (const tools::Inputs::Chosen& one : chosen_) {
    writer.add_stored(one.tensor.name(), one.tensor, options_.recode, options_.replace && grows);
  }
  if (options_.progress && !options_.progress(total_, total_)) {  // the last call: a commit cannot be stopped
    throw Error(Code::cancelled, "", "stopped by the progress callback");
  }
  writer.finalize();
  report_.tensors = chosen_.size();
  for (const std::string& loss : writer.losses()) report_.notes.push_back(loss);
  for (const std::string& note : writer.notes()) report_.notes.push_back(note);
  report_.bytes_out = writer.bytes_written();
  report_.reclaimable = writer.reclaimable();
  return std::move(report_);
}

// The copy must lie beside its shards: it looks for them in its own folder. `path` may be a link to another folder.
void check_beside_shards(const Source& source, const fs::path& path, const fs::path& output) {
  const auto folder_of = [](const fs::path& file) {
    return io::identify(file.has_parent_path() ? file.parent_path() : fs::path("."));
  };
  const auto folder = folder_of(output);
  const std::vector<fs::path> files = source.paths();  // of a shard that was not needed yet: the expected path
  for (std::size_t i = 1; i < files.size(); ++i) {
    if (folder_of(files[i]) == folder) continue;
    throw Error(
        Code::usage, "",
        utf8_of(path) + ": the file has shards: write the output to their folder, that of " + utf8_of(files[i]));
  }
}

// Writes a file without some of its tensors under another name.
ChangeReport copy_without(const fs::path& path, std::span<const std::string> names, const RemoveOptions& options) {
  const fs::path& output = *options.output;
  const auto target = io::identify(output);
  if (target && target == io::identify(path))
    throw Error(Code::usage, "", utf8_of(output) + ": the output is also the input " + utf8_of(path));
  io::check_output(output, options.overwrite);
  const Source source = open(path, {.limits = options.limits});
  if (!source::is_foreign(source.format())) source::find_target(source.format(), utf8_of(output));
  for (const std::string& name : names) static_cast<void>(source.tensor(name));  // throws not_found
  check_beside_shards(source, path, output);
  return tools::in_file(path, [&] {
    const tools::Rewrite rewrite(source, {names.begin(), names.end()}, options.limits);
    run::Meter meter(options.progress, rewrite.work());
    std::vector<std::string> notes = rewrite.publish(
        {.path = output, .create_new = !options.overwrite, .durable = options.durable}, meter, [&] { meter.finish(); });
    std::ranges::move(tools::base_notes(output), std::back_inserter(notes));
    return ChangeReport{.tensors = source.size() - rewrite.tensors(),
                        .bytes_in = source.stored_size(),
                        .bytes_out = rewrite.size(),
                        .notes = std::move(notes)};
  });
}

Value edited_attributes(const Value& old, const AttributeEdits& edits, AttributeReport& report) {
  const std::set<std::string, std::less<>> unset(edits.unset.begin(), edits.unset.end());
  std::set<std::string, std::less<>> set;
  Value::Map kept;
  if (const auto* members = old.members()) {
    for (const auto& member : *members) {
      const std::string* key = member.first.text();
      if (key == nullptr || !unset.contains(*key)) kept.push_back(member);
    }
    report.unset = members->size() - kept.size();
  }
  report.absent = unset.size() - std::min(unset.size(), report.unset);
  for (const auto& [key, value] : edits.set) {
    if (key.text() == nullptr) throw Error(Code::usage, "", "the key of an attribute is not text: give text keys");
    if (unset.contains(*key.text())) {
      throw Error(Code::usage, "",
                  "attribute " + in_quotes(*key.text()) + " is both set and unset: do only one of them");
    }
    set.insert(*key.text());
    const auto found = std::ranges::find(kept, key, &std::pair<Value, Value>::first);
    if (found == kept.end()) {
      kept.emplace_back(key, value);
    } else {
      found->second = value;
    }
  }
  report.set = set.size();
  return Value(std::move(kept));
}

}  // namespace

ChangeReport append_files(const fs::path& target, std::span<const fs::path> sources, const AppendOptions& options) {
  return Append(target, sources, options).run();
}

ChangeReport remove_tensors(const fs::path& path, std::span<const std::string> names, const RemoveOptions& options) {
  if (names.empty()) throw Error(Code::usage, "", "no tensors to remove: name at least one");
  if (options.output) return copy_without(path, names, options);
  if (!io::identify(path)) throw Error::system(ENOENT, utf8_of(path), "cannot open");
  ChangeReport report{.bytes_in = io::File::open(path)->size()};
  Writer writer = Writer::create(path, WriteMode::append, {.durable = options.durable, .limits = options.limits});
  const std::set<std::string, std::less<>> each(names.begin(), names.end());
  for (const std::string& name : each) writer.remove(name);
  writer.finalize();
  report.tensors = each.size();
  report.bytes_out = writer.bytes_written();
  report.reclaimable = writer.reclaimable();
  return report;
}

AttributeReport set_attributes(const fs::path& path, const AttributeEdits& edits) {
  if (!io::identify(path)) throw Error::system(ENOENT, utf8_of(path), "cannot open");
  Writer writer = Writer::create(path, WriteMode::append, {.durable = edits.durable});
  const Value old = edits.tensor ? open(path).tensor(*edits.tensor).attributes() : writer.attributes();
  AttributeReport report;
  const Value edited = edited_attributes(old, edits, report);
  if (report.set == 0 && report.unset == 0) return report;
  if (edits.tensor) {
    writer.set_tensor_attributes(*edits.tensor, edited);
  } else {
    writer.set_attributes(edited);
  }
  writer.finalize();
  return report;
}

}  // namespace zt
