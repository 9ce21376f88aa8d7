#include "ztensor/grow.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/checked.h"
#include "base/utf8.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "run/progress.h"
#include "tools/in_file.h"
#include "tools/rewrite.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

// One append of files to a file: every method is a step of run().
class Appending {
 public:
  Appending(const fs::path& target, std::span<const fs::path> sources, const AppendOptions& options)
      : target_(target), paths_(sources), options_(options) {}
  GrowReport run();

 private:
  void check_paths() const;
  void open_sources();
  void select();
  void take_attributes(WriterOptions& options);

  struct Chosen {
    std::uint32_t source;
    Tensor tensor;
  };
  const fs::path& target_;
  std::span<const fs::path> paths_;
  const AppendOptions& options_;
  bool exists_ = false;
  std::optional<Source> present_;  // what the target has
  std::vector<Source> sources_;
  std::vector<Chosen> chosen_;
  std::uint64_t total_ = 0;
  GrowReport report_;
};

void Appending::check_paths() const {
  if (paths_.empty()) throw Error(Code::usage, "", "there is nothing to append");
  const auto target = io::identify(target_);
  for (const fs::path& path : paths_) {
    const auto source = io::identify(path);
    if (target && source && *target == *source)
      throw Error(Code::usage, "", target_.string() + ": the target is the source " + path.string());
  }
}

void Appending::open_sources() {
  for (const fs::path& path : paths_) {
    sources_.push_back(open(path, options_.open));
    report_.bytes_in = checked::add_up(report_.bytes_in, sources_.back().stored_size());
    report_.bytes_in = checked::add_up(report_.bytes_in, sources_.back().shards_size());
    for (const std::string& note : sources_.back().notes()) report_.notes.push_back(path.string() + ": " + note);
  }
}

// Before a byte is written: every tensor can be read, and every name is free.
void Appending::select() {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 50;  // sums of it stay far from wrapping
  std::map<std::string_view, std::uint32_t> owners;        // views of names that sources_ keep alive
  for (std::uint32_t i = 0; i < sources_.size(); ++i) {
    for (const Tensor tensor : sources_[i]) {
      if (const auto cause = tensor.unreadable()) {
        if (!options_.skip_unreadable) throw *cause;
        report_.skipped.push_back(std::string(tensor.name()) + ": " + cause->what());
        continue;
      }
      const auto [owner, added] = owners.emplace(tensor.name(), i);
      if (!added) {
        throw Error(Code::usage, "",
                    "tensor " + in_quotes(tensor.name()) + " is in both " + paths_[owner->second].string() + " and " +
                        paths_[i].string());
      }
      if (present_ && present_->find(tensor.name())) {
        if (!options_.replace) {
          throw Error(Code::usage, "append.taken",
                      "tensor " + in_quotes(tensor.name()) + " of " + paths_[i].string() + " is in " +
                          target_.string() + " already");
        }
        ++report_.replaced;
      }
      chosen_.push_back({i, tensor});
      for (std::size_t part = 0; part < tensor.parts(); ++part) {
        const std::uint64_t stored = tensor.part(part).stored_length();
        total_ += std::min(options_.recode ? tensor.part(part).length().value_or(stored) : stored, kMost);
      }
    }
  }
}

// A target that is made takes those of the sources, the first of each key; one that is there has its own.
void Appending::take_attributes(WriterOptions& options) {
  Value::Map merged;
  std::map<std::string, Value> seen;
  if (const auto* given = options.attributes.members()) {
    for (const auto& [key, value] : *given) {
      if (key.text() != nullptr) seen.emplace(*key.text(), value);
      merged.emplace_back(key, value);
    }
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Value found = inside(paths_[i].string(), [&] { return sources_[i].attributes(); });
    if (found.members() == nullptr || found.members()->empty()) continue;
    if (exists_) {
      report_.notes.push_back(paths_[i].string() + ": the attributes of the file were not appended, only its tensors");
      continue;
    }
    for (const auto& [key, value] : *found.members()) {
      const bool usable = key.text() != nullptr;
      const auto place = usable ? seen.emplace(*key.text(), value) : std::pair(seen.end(), false);
      if (place.second) merged.emplace_back(key, value);
      if (place.second || (usable && place.first->second == value)) continue;
      report_.notes.push_back(paths_[i].string() + ": attribute " + (usable ? in_quotes(*key.text()) : "without text") +
                              " was left out");
    }
  }
  if (!merged.empty()) options.attributes = Value(std::move(merged));
}

GrowReport Appending::run() {
  check_paths();
  open_sources();
  exists_ = io::identify(target_).has_value();
  WriterOptions options = options_.writer;
  take_attributes(options);
  Writer writer = Writer::create(target_, WriteMode::append, options);  // locked from here on
  if (exists_) present_ = open(target_, options_.open);
  select();
  writer.set_progress(options_.progress, total_);
  for (const Chosen& one : chosen_) {
    writer.add_stored(one.tensor.name(), one.tensor, options_.recode, options_.replace && exists_);
  }
  writer.finalize();
  if (options_.progress) options_.progress(total_, total_);  // too late to stop: the new version is there
  report_.tensors = chosen_.size();
  for (const std::string& loss : writer.losses()) report_.notes.push_back(loss);
  for (const std::string& note : writer.notes()) report_.notes.push_back(note);
  const Source grown = open(target_, options_.open);
  report_.bytes_out = grown.stored_size();
  report_.reclaimable = tools::reclaimable(grown, options_.open.limits);
  return std::move(report_);
}

// The copy looks for the shards beside itself, where they need not be when `path` is a link.
void check_beside_shards(const Source& source, const fs::path& path, const fs::path& output) {
  const auto folder_of = [](const fs::path& file) {
    return io::identify(file.has_parent_path() ? file.parent_path() : fs::path("."));
  };
  const auto folder = folder_of(output);
  const std::vector<fs::path> files = source.paths();  // where it has not looked for one yet, where that should be
  for (std::size_t i = 1; i < files.size(); ++i) {
    if (folder_of(files[i]) == folder) continue;
    throw Error(Code::usage, "",
                path.string() + ": it has shards, so that the output has to be in the folder of these, that of " +
                    files[i].string());
  }
}

// A file without some of its tensors, under another name.
GrowReport copy_without(const fs::path& path, std::span<const std::string> names, const RemoveOptions& options) {
  const fs::path& output = *options.output;
  const auto target = io::identify(output);
  if (target && target == io::identify(path))
    throw Error(Code::usage, "", output.string() + ": the output is the input " + path.string());
  io::check_output(output, options.overwrite);
  const Source source = open(path, {.limits = options.limits});
  for (const std::string& name : names) static_cast<void>(source.tensor(name));  // throws not_found
  check_beside_shards(source, path, output);
  return tools::in_file(path, [&] {
    const tools::Rewrite rewrite(source, {names.begin(), names.end()}, options.limits);
    run::Meter meter(options.progress, rewrite.work());
    std::vector<std::string> notes = rewrite.publish(
        {.path = output, .create_new = !options.overwrite, .durable = options.durable}, meter, [&] { meter.finish(); });
    return GrowReport{.tensors = source.size() - rewrite.tensors(),
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
    if (key.text() == nullptr) throw Error(Code::usage, "", "the key of an attribute is text");
    if (unset.contains(*key.text())) {
      throw Error(Code::usage, "", "attribute " + in_quotes(*key.text()) + " is both set and unset");
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

GrowReport append_files(const fs::path& target, std::span<const fs::path> sources, const AppendOptions& options) {
  return Appending(target, sources, options).run();
}

GrowReport remove_tensors(const fs::path& path, std::span<const std::string> names, const RemoveOptions& options) {
  if (names.empty()) throw Error(Code::usage, "", "there is nothing to remove");
  if (options.output) return copy_without(path, names, options);
  if (!io::identify(path)) throw Error::system(ENOENT, path.string(), "cannot open");
  GrowReport report{.bytes_in = fs::file_size(path)};
  Writer writer = Writer::create(path, WriteMode::append, {.durable = options.durable, .limits = options.limits});
  const std::set<std::string, std::less<>> each(names.begin(), names.end());
  for (const std::string& name : each) writer.remove(name);
  writer.finalize();
  const Source left = open(path, {.limits = options.limits});
  report.tensors = each.size();
  report.bytes_out = left.stored_size();
  report.reclaimable = tools::reclaimable(left, options.limits);
  return report;
}

AttributeReport set_attributes(const fs::path& path, const AttributeEdits& edits) {
  if (!io::identify(path)) throw Error::system(ENOENT, path.string(), "cannot open");
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
