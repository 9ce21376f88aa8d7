#include "ztensor/convert.h"

#include <cerrno>
#include <chrono>
#include <map>
#include <optional>

#include "base/utf8.h"
#include "io/publish.h"
#include "library/compare.h"
#include "library/formats.h"
#include "library/glob.h"
#include "library/state.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void misuse(const std::string& message) { throw Error(Code::usage, "", message); }

// One conversion: every method is a step of run().
class Conversion {
 public:
  Conversion(std::span<const fs::path> inputs, const fs::path& output, const ConvertOptions& options)
      : paths_(inputs), output_(output), options_(options) {}
  ConvertReport run();

 private:
  void check_paths() const;
  void open_inputs();
  bool selected(std::string_view name) const;
  void select();
  Value attributes();
  void write();
  void delete_originals();

  struct Chosen {
    std::uint32_t input;
    Tensor tensor;
  };
  std::span<const fs::path> paths_;
  const fs::path& output_;
  const ConvertOptions& options_;
  std::vector<Source> inputs_;
  std::vector<bool> whole_;  // by input: nothing of it was left out
  std::vector<Chosen> chosen_;
  std::uint64_t total_ = 0;
  ConvertReport report_;
};

// Before a byte is written: the output is no input, and nothing that may not be replaced.
void Conversion::check_paths() const {
  if (paths_.empty()) misuse("there is no input");
  library::check_suffix(output_.string());
  library::find_writable(options_.writer.format);
  if (options_.delete_originals && !(options_.include.empty() && options_.exclude.empty())) {
    misuse("originals can only be deleted when every tensor of them is kept: leave out include and exclude");
  }
  const auto target = io::identify(output_);
  for (const fs::path& path : paths_) {
    const auto input = io::identify(path);
    if (target && input && *target == *input) misuse(output_.string() + ": the output is the input " + path.string());
    if (options_.delete_originals && fs::is_symlink(fs::symlink_status(path))) {
      misuse(path.string() + ": is a link, and originals are not deleted through links");
    }
  }
  if (target && !options_.overwrite) {
    throw Error::system(EEXIST, output_.string(), "the output exists already, and is not replaced without --force");
  }
}

void Conversion::open_inputs() {
  const std::string& format = options_.format;
  if (format != "auto" && !library::is_format(format)) misuse("no format is named " + in_quotes(format));
  for (const fs::path& path : paths_) {
    inputs_.push_back(open(path, options_.open));
    const std::string_view found = inputs_.back().format();
    if (format != "auto" && format != found && "zt-" + format != found) {
      misuse(path.string() + ": its format is " + std::string(found) + ", not " + format);
    }
    report_.bytes_in += inputs_.back().stored_size();
    for (const std::string& note : inputs_.back().notes()) report_.notes.push_back(path.string() + ": " + note);
  }
  whole_.assign(inputs_.size(), true);
}

bool Conversion::selected(std::string_view name) const {
  const auto any = [&](const std::vector<std::string>& globs) {
    for (const std::string& glob : globs) {
      if (library::matches_glob(glob, name)) return true;
    }
    return false;
  };
  return (options_.include.empty() || any(options_.include)) && !any(options_.exclude);
}

void Conversion::select() {
  std::map<std::string_view, std::uint32_t> owners;  // views of names that inputs_ keep alive
  for (std::uint32_t i = 0; i < inputs_.size(); ++i) {
    for (const Tensor tensor : inputs_[i]) {
      if (!selected(tensor.name())) continue;
      if (const auto cause = tensor.unreadable()) {
        if (!options_.skip_unreadable) throw *cause;
        report_.skipped.push_back(std::string(tensor.name()) + ": " + cause->what());
        whole_[i] = false;
        continue;
      }
      const auto [owner, added] = owners.emplace(tensor.name(), i);
      if (!added) {
        misuse("tensor " + in_quotes(tensor.name()) + " is in both " + paths_[owner->second].string() + " and " +
               paths_[i].string());
      }
      chosen_.push_back({i, tensor});
      for (std::size_t part = 0; part < tensor.parts(); ++part) total_ += tensor.part(part).stored_length();
    }
  }
  if (chosen_.empty() && !options_.include.empty()) misuse("no tensor matches what is to be included");
}

// Those of all inputs; of a key that two have, the first. A foreign file's format is noted.
Value Conversion::attributes() {
  Value merged = options_.writer.attributes.is_null() ? Value::map() : options_.writer.attributes;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Value found = inputs_[i].attributes();
    if (found.members() == nullptr) continue;
    for (const auto& [key, value] : *found.members()) {
      if (key.text() == nullptr) continue;
      const Value* known = merged.find(*key.text());
      if (known == nullptr) {
        merged.set(*key.text(), value);
      } else if (!(*known == value)) {
        report_.notes.push_back(paths_[i].string() + ": attribute " + in_quotes(*key.text()) +
                                " differs from an earlier file's and was left out");
      }
    }
  }
  const std::string_view format = inputs_[0].format();
  if (!format.starts_with("zt-")) merged.set("ztensor.source.format", Value(format));
  return merged;
}

void Conversion::write() {
  WriterOptions options = options_.writer;
  options.mode = options_.overwrite ? WriteMode::replace : WriteMode::create_new;
  options.attributes = attributes();
  options.durable = options.durable || options_.delete_originals;
  Writer writer = Writer::create(output_, options);
  std::uint64_t base = 0;
  auto next = std::chrono::steady_clock::now();
  writer.set_progress([&](std::uint64_t done, std::uint64_t part) {
    const std::uint64_t all = base + std::min(done, part);
    if (done >= part) base += part;
    if (!options_.progress || std::chrono::steady_clock::now() < next) return true;
    next = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    return options_.progress(std::min(all, total_), total_);
  });
  for (const Chosen& one : chosen_) writer.add_stored(one.tensor.name(), one.tensor, options_.recode);
  writer.finalize();
  if (options_.progress) options_.progress(total_, total_);
  report_.tensors = chosen_.size();
}

// Every byte of the output is read back and compared before the first original goes.
void Conversion::delete_originals() {
  const Source written = open(output_, options_.open);
  for (const Chosen& one : chosen_) library::check_same(one.tensor, written.tensor(one.tensor.name()));
  io::sync_file(output_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (whole_[i]) {
      io::remove_file(paths_[i], *inputs_[i].state()->identity);
    } else {
      report_.notes.push_back(paths_[i].string() + ": kept, since not all of it could be read");
    }
  }
}

ConvertReport Conversion::run() {
  check_paths();
  open_inputs();
  select();
  write();
  report_.bytes_out = open(output_, options_.open).stored_size();
  if (options_.delete_originals) delete_originals();
  return std::move(report_);
}

}  // namespace

ConvertReport convert(std::span<const fs::path> inputs, const fs::path& output, const ConvertOptions& options) {
  return Conversion(inputs, output, options).run();
}

}  // namespace zt
