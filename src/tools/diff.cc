#include "ztensor/diff.h"

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/checked.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/state.h"
#include "tools/compare.h"
#include "tools/findings.h"
#include "ztensor/info.h"

namespace zt {
namespace {

using Kind = Difference::Kind;

constexpr std::array<std::string_view, 9> kKinds = {"only_in_a", "only_in_b", "shape",  "layout",  "attribute",
                                                    "part",      "dtype",     "length", "contents"};

// The attributes of a file, without those that tell how it was made.
Value compared_attributes(const Source& source) {
  const Value all = source.attributes();
  Value kept = Value::map();
  if (all.members() == nullptr) return kept;
  Value::Map members;
  for (const auto& member : *all.members()) {
    if (member.first.text() == nullptr || !member.first.text()->starts_with("ztensor.")) members.push_back(member);
  }
  return members;
}

// The result for one tensor of `a`, or for one that only `b` has.
struct Compared {
  std::vector<Difference> differences;
  std::vector<Error> findings;
};

// A pair of parts whose contents are to be compared.
struct Work {
  std::size_t tensor;  // an index into tensors_
  Tensor a;
  tools::PartPair pair;
  std::optional<Difference> difference = {};
  std::optional<Error> finding = {};
};

class Comparison {
 public:
  Comparison(const Source& a, const Source& b, const DiffOptions& options) : a_(a), b_(b), options_(options) {}
  DiffReport run();

 private:
  void compare_tensors();
  void compare_names(const Tensor& a);
  void compare_parts();
  bool enough() const { return options_.first_only && found_.load(std::memory_order_relaxed); }
  DiffReport report();

  const Source& a_;
  const Source& b_;
  const DiffOptions& options_;
  std::vector<Difference> of_file_;
  std::vector<Compared> tensors_;
  std::vector<std::string> names_;  // of tensors_
  std::vector<Work> work_;
  std::atomic<bool> found_ = false;
  std::uint64_t in_both_ = 0;
};

void Comparison::compare_names(const Tensor& a) {
  Compared compared;
  names_.emplace_back(a.name());
  const auto b = b_.find(a.name());
  if (!b) {
    compared.differences.push_back({.kind = Kind::only_in_a, .tensor = names_.back()});
  } else {
    ++in_both_;
    for (const Tensor& tensor : {a, *b}) {
      if (auto error = tensor.unreadable()) compared.findings.push_back(std::move(*error));
    }
    if (compared.findings.empty()) {
      std::vector<tools::PartPair> pairs;
      tools::compare_metadata(a, *b, compared.differences, pairs);
      for (tools::PartPair& pair : pairs) work_.push_back({.tensor = tensors_.size(), .a = a, .pair = std::move(pair)});
    }
  }
  if (!compared.differences.empty()) found_ = true;
  tensors_.push_back(std::move(compared));
}

void Comparison::compare_tensors() {
  tools::compare_attributes(std::nullopt, compared_attributes(a_), compared_attributes(b_), of_file_);
  if (!of_file_.empty()) found_ = true;
  for (std::size_t i = 0; i < a_.size() && !enough(); ++i) compare_names(a_[i]);
  for (std::size_t i = 0; i < b_.size() && !enough(); ++i) {
    const std::string name(b_[i].name());
    if (a_.find(name)) continue;
    names_.push_back(name);
    tensors_.push_back({.differences = {{.kind = Kind::only_in_b, .tensor = name}}, .findings = {}});
    found_ = true;
  }
}

void Comparison::compare_parts() {
  std::uint64_t total = 0;
  for (const Work& work : work_) total = checked::add(total, work.pair.work()).value_or(total);
  run::Meter meter(options_.progress, total);
  const unsigned threads = run::thread_count(Access::state(a_)->options.threads);
  run::parallel_for(work_.size(), total, threads, meter, [&](std::size_t i) {
    Work& work = work_[i];
    if (enough()) return;
    try {
      work.difference = tools::compare_contents(work.a, work.pair, meter);
    } catch (const Error& error) {
      tools::throw_unless_finding(error);
      work.finding = error;
    }
    if (work.difference) found_ = true;
  });
  meter.finish();
}

DiffReport Comparison::report() {
  for (Work& work : work_) {
    Compared& tensor = tensors_[work.tensor];
    if (work.difference) tensor.differences.push_back(std::move(*work.difference));
    if (work.finding) tensor.findings.push_back(std::move(*work.finding));
  }
  DiffReport report{.compared = in_both_, .differences = std::move(of_file_), .findings = {}};
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    for (Difference& difference : tensors_[i].differences) report.differences.push_back(std::move(difference));
    for (Error& error : tensors_[i].findings) report.findings.push_back({names_[i], std::move(error)});
    if (!tensors_[i].findings.empty()) --report.compared;
  }
  return report;
}

DiffReport Comparison::run() {
  compare_tensors();
  if (!enough()) compare_parts();
  return report();
}

std::string json_difference(const Difference& difference) {
  const auto text = [](const std::string& word) { return word.empty() ? "null" : json_quote(word); };
  std::string out = R"({"kind": )" + json_quote(difference_name(difference.kind)) + R"(, "tensor": )" +
                    (difference.tensor ? json_quote(*difference.tensor) : "null") + R"(, "part": )" +
                    text(difference.part) + R"(, "key": )" +
                    (difference.kind == Kind::attribute ? json_quote(difference.key) : "null");
  if (difference.a) out += R"(, "a": )" + json_value(*difference.a);
  if (difference.b) out += R"(, "b": )" + json_value(*difference.b);
  if (const auto& contents = difference.contents) {
    out += R"(, "elements": )" + std::to_string(contents->elements) + R"(, "differing": )" +
           std::to_string(contents->differing) + R"(, "first": )" + std::to_string(contents->first) +
           R"(, "largest": )" + (contents->largest ? json_value(Value(*contents->largest)) : "null");
  }
  return out + "}";
}

}  // namespace

DiffReport diff(const Source& a, const Source& b, const DiffOptions& options) {
  return Comparison(a, b, options).run();
}

std::string_view difference_name(Difference::Kind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)]; }

std::string diff_json(const Source& a, const Source& b, const DiffReport& report) {
  std::string out = R"({"a": )" + json_quote(Access::state(a)->name) + R"(, "b": )" +
                    json_quote(Access::state(b)->name) + R"(, "same": )" + (report.same() ? "true" : "false") +
                    R"(, "compared": )" + std::to_string(report.compared) + R"(, "differences": [)";
  for (std::size_t i = 0; i < report.differences.size(); ++i) {
    out += (i == 0 ? "" : ", ") + json_difference(report.differences[i]);
  }
  out += R"(], "findings": [)";
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const Finding& finding = report.findings[i];
    out += (i == 0 ? "" : ", ") + (R"({"tensor": )" + json_quote(finding.tensor)) + R"(, "error": )" +
           json_quote(finding.error.what()) + "}";
  }
  return out + "]}";
}

}  // namespace zt
