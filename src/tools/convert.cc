#include "ztensor/convert.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "base/utf8.h"
#include "codec/codecs.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "run/progress.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/merged_attributes.h"
#include "source/state.h"
#include "tools/attribute_order.h"
#include "tools/compare.h"
#include "tools/config.h"
#include "tools/glob.h"
#include "tools/inputs.h"
#include "write/attributes.h"
#include "write/form.h"
#include "write/losses.h"
#include "write/names.h"
#include "ztensor/paths.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

// One conversion: every method is a step of run().
class Conversion {
 public:
  Conversion(std::span<const fs::path> inputs, const fs::path& output, const ConvertOptions& options)
      : paths_(inputs),
        output_(output),
        options_(options),
        names_(options.names.begin(), options.names.end()),
        writer_(options.writer) {
    writer_.durable = writer_.durable || options.delete_originals;
    if (options.recode) writer_.encoding = *options.recode;  // also decides the form of the file
  }
  ConvertReport run();

 private:
  // How to store a tensor anew; empty: as it is. Byte planes are only kept where they are asked for.
  std::optional<Encoding> recode_of(const Tensor& tensor) const {
    const std::string_view planes = codec::row_of(Codec::planes).name;
    bool has_planes = false;
    for (std::size_t i = 0; i < tensor.parts(); ++i) has_planes = has_planes || tensor.part(i).encoding() == planes;
    return has_planes && !options_.recode ? Encoding::raw() : options_.recode;
  }
  void check_paths() const;
  void open_inputs();
  bool picks() const { return !options_.include.empty() || !options_.exclude.empty() || !options_.names.empty(); }
  void check_names() const;
  bool selected(std::string_view name) const;
  void select();
  void check_losses();
  void admit(const Tensor& tensor, std::uint32_t input);
  void note_copies();
  Value attributes();
  void write();
  void compare_output();
  void delete_originals();

  using Chosen = tools::Inputs::Chosen;
  std::span<const fs::path> paths_;
  const fs::path& output_;
  const ConvertOptions& options_;
  std::set<std::string_view> names_;  // the tensors to take; empty: all
  WriteMode mode_ = options_.overwrite ? WriteMode::replace : WriteMode::create_new;
  WriterOptions writer_;
  write::Form form_;                     // of the output
  std::optional<tools::Inputs> inputs_;  // set after they were opened
  std::vector<bool> whole_;              // by input: nothing of it was left out
  std::vector<Chosen> chosen_;
  std::set<std::string, std::less<>> lossy_;  // tensors that are not stored unchanged
  Value attributes_;                          // of the output
  std::uint64_t total_ = 0;                   // bytes to write
  ConvertReport report_;
};

// Runs before a byte is written: checks that the output is no input, and that an existing file may be replaced.
void Conversion::check_paths() const {
  if (paths_.empty()) throw Error(Code::usage, "", "no input: name at least one file");
  if (options_.delete_originals && picks()) {
    throw Error(Code::usage, "",
                "originals are deleted only if all their tensors are kept: leave out include and exclude, or keep the "
                "originals");
  }
  const bool indexed = form_.encoder->holds.shards == model::ShardForm::indexed && writer_.max_shard_size > 0;
  if (indexed && (options_.check_output || options_.delete_originals)) {
    throw Error(Code::usage, "",
                "shards of a foreign format cannot be read back: do not check the output, and keep the originals");
  }
  const auto target = io::identify(output_);
  for (const fs::path& path : paths_) {
    const auto input = io::identify(path);
    if (target && input && *target == *input)
      throw Error(Code::usage, "", utf8_of(output_) + ": the output is also the input " + utf8_of(path));
    if (options_.delete_originals && io::is_link(path)) {
      throw Error(Code::usage, "",
                  utf8_of(path) + ": the path is a link: to delete the original, give the path of the file itself");
    }
  }
  io::check_output(output_, options_.overwrite);
}

void Conversion::open_inputs() {
  const auto target = io::identify(output_);
  const std::string& format = options_.from;
  if (format != "auto") source::check_format_name(format);
  inputs_.emplace(paths_, options_.open, paths_.size() > 1);
  for (std::size_t input = 0; input < inputs_->size(); ++input) {
    const std::string path = utf8_of(paths_[input]);
    const std::string_view found = (*inputs_)[input].format();
    if (format != "auto" && format != found && "zt-" + format != found) {
      throw Error(Code::usage, "convert.format", path + ": the format is " + std::string(found) + ", not " + format);
    }
    const std::vector<fs::path> files = (*inputs_)[input].paths();
    // check_paths() has compared the named file, which is not always the first: of a folder, of a split model.
    const bool is_first = !files.empty() && files.front() == fs::absolute(paths_[input]);
    for (std::size_t i = is_first ? 1 : 0; i < files.size(); ++i) {
      const auto shard = io::identify(files[i]);
      if (target && shard && *target == *shard)
        throw Error(Code::usage, "", utf8_of(output_) + ": the output is also a file of " + path);
    }
  }
  if (!picks()) report_.bytes_in = inputs_->stored_size();
  report_.notes = inputs_->notes();
  whole_.assign(inputs_->size(), true);
}

bool Conversion::selected(std::string_view name) const {
  const auto any = [&](const std::vector<std::string>& globs) {
    for (const std::string& glob : globs) {
      if (tools::matches_glob(glob, name)) return true;
    }
    return false;
  };
  return (names_.empty() || names_.contains(name)) && (options_.include.empty() || any(options_.include)) &&
         !any(options_.exclude);
}

void Conversion::check_names() const {
  for (const std::string& name : options_.names) {
    bool found = false;
    for (std::size_t input = 0; input < inputs_->size(); ++input) {
      found = found || (*inputs_)[input].find(name).has_value();
    }
    if (!found) {
      Error error(Code::not_found, "", "no tensor is named " + in_quotes(name));
      error.enter_file(utf8_of(paths_[0]));
      throw error;
    }
  }
}

void Conversion::select() {
  check_names();
  chosen_ =
      inputs_->choose([&](std::string_view name) { return selected(name); },
                      [&](const Chosen& one, const Error& cause) {
                        if (!options_.skip_unreadable) {
                          throw Error(cause.code(), cause.rule(),
                                      std::string(cause.what()) + "; skip_unreadable leaves out what cannot be read");
                        }
                        report_.skipped.push_back(std::string(one.tensor.name()) + ": " + cause.what());
                        whole_[one.input] = false;
                      });
  for (const Chosen& one : chosen_) {
    total_ += tools::work_of(one.tensor, recode_of(one.tensor).has_value());
    if (picks()) report_.bytes_in += tools::work_of(one.tensor, false);
  }
  if (chosen_.empty() && !report_.skipped.empty()) {
    throw Error(Code::unsupported, "convert.nothing", "no tensor can be read: " + report_.skipped.front());
  }
  if (chosen_.empty() && picks()) {
    throw Error(Code::usage, "", "include and exclude leave no tensor: check their patterns");
  }
}

// Runs before a byte is written: refuses what the format cannot hold, or notes the loss if losses are allowed.
void Conversion::check_losses() {
  for (const Chosen& one : chosen_) {
    inside(utf8_of(paths_[one.input]),
           [&] { inside("tensor " + in_quotes(one.tensor.name()), [&] { admit(one.tensor, one.input); }); });
  }
}

// Notes tensors that share bytes, where the format stores each by itself.
void Conversion::note_copies() {
  if (form_.encoder->holds.shared_parts) return;
  using Place = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::uint64_t>;
  std::map<Place, std::string_view> first;
  std::size_t copies = 0;
  std::string example;
  for (const Chosen& one : chosen_) {
    if (one.tensor.parts() != 1) continue;
    const Part part = one.tensor.part(0);
    if (part.file_number() == kNoFile || part.stored_length() == 0) continue;
    const auto [known, added] =
        first.try_emplace({one.input, part.file_number(), part.offset(), part.stored_length()}, one.tensor.name());
    if (added) continue;
    if (copies++ == 0) example = in_quotes(one.tensor.name()) + " with " + in_quotes(known->second);
  }
  if (copies == 0) return;
  report_.notes.push_back(
      "format " + std::string(form_.encoder->title) + " stores each tensor by itself: " + std::to_string(copies) +
      (copies == 1 ? " shares its bytes with another one, " : " share bytes with others, such as ") + example);
}

void Conversion::admit(const Tensor& tensor, std::uint32_t input) {
  write::check_movable(tensor.name(), *form_.encoder, form_.canonical);
  std::vector<write::Loss> losses = write::losses_of(tensor, *form_.encoder);
  const std::vector<write::Loss> more = write::losses_of_content(tensor, *form_.encoder);
  losses.insert(losses.end(), more.begin(), more.end());
  if (losses.empty()) return;
  write::check_losses(losses, *form_.encoder, writer_.lossy);
  lossy_.emplace(tensor.name());
  whole_[input] = false;
}

// The attributes of all inputs, the first of each key. Notes the format of a foreign input.
Value Conversion::attributes() {
  using Taken = source::MergedAttributes::Taken;
  source::MergedAttributes merged;
  const auto take = [&](const Value& key, const Value& value) {
    const Taken taken = merged.take(key, value);
    if (taken == Taken::no_text) {
      throw Error(Code::unsupported, "convert.attribute.key",
                  "a file attribute has a key that is not text, and cannot be kept");
    }
    return taken == Taken::kept;
  };
  const auto note_left_out = [&](std::size_t input, const Value& key) {
    report_.notes.push_back(utf8_of(paths_[input]) + ": attribute " + in_quotes(*key.text()) +
                            " was left out: an earlier file has another value for it");
  };
  if (const auto* members = options_.writer.attributes.members()) {
    for (const auto& [key, value] : *members) take(key, value);
  }
  for (std::size_t i = 0; i < inputs_->size(); ++i) {
    inside(utf8_of(paths_[i]), [&] {
      const Value found = (*inputs_)[i].attributes();
      if (found.members() == nullptr) return;
      for (const auto& [key, value] : *found.members()) {
        if (take(key, value)) continue;
        whole_[i] = false;
        note_left_out(i, key);
      }
    });
  }
  std::set<fs::path> seen;
  for (std::size_t i = 0; options_.with_config && i < inputs_->size(); ++i) {
    const fs::path folder = tools::folder_of(paths_[i]);
    if (!seen.insert(folder).second) continue;
    for (const auto& [key, value] : tools::config_beside(folder, report_.notes)) {
      if (!take(key, value)) note_left_out(i, key);
    }
  }
  const std::string_view format = (*inputs_)[0].format();
  if (source::is_foreign(format)) take(Value("ztensor.source.format"), Value(format));
  const bool sorts = form_.encoder->holds.deterministic_attributes;
  Value all = sorts ? tools::with_order(merged.members()) : tools::in_order(merged.members());
  const std::vector<write::Loss> losses = write::losses_of_attributes(all, *form_.encoder, true);
  if (losses.empty() && form_.encoder->holds.own_attributes) return all;
  write::check_losses(losses, *form_.encoder, writer_.lossy);
  for (const write::Loss& loss : losses) report_.losses.push_back("file: " + loss.what);
  if (!losses.empty()) whole_.assign(whole_.size(), false);
  return write::reduced_attributes(all, *form_.encoder, true);
}

void Conversion::write() {
  attributes_ = attributes();
  writer_.attributes = attributes_;
  Writer writer = Writer::create(output_, mode_, writer_);
  writer.set_progress(options_.progress, total_);
  std::vector<Tensor> tensors;
  for (const Chosen& one : chosen_) tensors.push_back(one.tensor);
  for (const std::size_t next : writer.plan(tensors)) {  // tensors that come in this order are written once
    writer.add_stored(tensors[next].name(), tensors[next], recode_of(tensors[next]));
  }
  writer.finalize();
  report_.losses.insert(report_.losses.end(), writer.losses().begin(), writer.losses().end());
  report_.notes.insert(report_.notes.end(), writer.notes().begin(), writer.notes().end());
  if (options_.progress) options_.progress(total_, total_);  // too late to stop: the output is in place
  report_.tensors = chosen_.size();
  report_.bytes_out = writer.bytes_written();
}

// The attributes of users. A format of others also gives some of ours, which need not be those of the input.
Value without_own(const Value& attributes) {
  if (attributes.members() == nullptr) return attributes;
  Value::Map kept;
  for (const auto& [key, value] : *attributes.members()) {
    if (!tools::is_own(key)) kept.emplace_back(key, value);
  }
  return kept.empty() ? Value() : Value(std::move(kept));
}

// Reads back and compares every byte of the output, except tensors that could not be stored unchanged.
void Conversion::compare_output() {
  std::uint64_t decoded = 0;
  for (const Chosen& one : chosen_) {
    if (!lossy_.contains(one.tensor.name())) decoded += tools::work_of(one.tensor, true);
  }
  run::Meter meter(options_.progress, decoded);
  const Source written = open(output_, options_.open);
  for (const Chosen& one : chosen_) {
    if (!lossy_.contains(one.tensor.name())) {
      tools::check_same(one.tensor, written.tensor(one.tensor.name()), meter);
    }
  }
  std::vector<Difference> differences;
  const bool own = form_.encoder->holds.own_attributes;
  tools::compare_attributes({}, own ? attributes_ : without_own(attributes_),
                            own ? written.attributes() : without_own(written.attributes()), differences);
  if (written.size() != chosen_.size() || !differences.empty()) {
    throw Error(Code::mismatch, "convert.readback",
                utf8_of(output_) + ": the tensors that were read back differ from those that were written");
  }
  meter.finish();  // the last chance to stop
}

void Conversion::delete_originals() {
  for (const fs::path& path : open(output_, options_.open).paths()) io::sync_file(path);
  for (std::size_t i = 0; i < inputs_->size(); ++i) {
    if (fs::is_directory(paths_[i])) {
      report_.notes.push_back(utf8_of(paths_[i]) + ": not deleted, because it is a folder");
    } else if (source::holds_more((*inputs_)[i].format())) {
      report_.notes.push_back(utf8_of(paths_[i]) + ": not deleted, because it holds more than tensors");
    } else if (!Access::state((*inputs_)[i])->catalog.files.empty()) {
      report_.notes.push_back(utf8_of(paths_[i]) + ": not deleted, because it has shards");
    } else if (whole_[i]) {
      io::remove_file(paths_[i], *Access::state((*inputs_)[i])->file());
    } else {
      report_.notes.push_back(utf8_of(paths_[i]) + ": not deleted, because parts of it were left out");
    }
  }
}

ConvertReport Conversion::run() {
  form_ = write::form_of_new(writer_, output_, mode_);
  check_paths();
  open_inputs();
  select();
  check_losses();
  note_copies();
  write();
  if (options_.check_output || options_.delete_originals) compare_output();
  if (options_.delete_originals) delete_originals();
  return std::move(report_);
}

}  // namespace

bool matches_glob(std::string_view glob, std::string_view name) { return tools::matches_glob(glob, name); }

ConvertReport convert(std::span<const fs::path> inputs, const fs::path& output, const ConvertOptions& options) {
  return Conversion(inputs, output, options).run();
}

ConvertReport convert(std::initializer_list<std::filesystem::path> inputs, const std::filesystem::path& output,
                      const ConvertOptions& options) {
  return convert(std::span(inputs.begin(), inputs.size()), output, options);
}

}  // namespace zt
