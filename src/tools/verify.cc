#include "ztensor/verify.h"

#include <map>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "hash/digest.h"
#include "read/parts.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/state.h"
#include "tools/canonical_check.h"
#include "tools/findings.h"
#include "write/content.h"

namespace zt {
namespace {

// Throws malformed if a byte of a bool tensor is neither 0 nor 1. zt-1.2 §5
void check_bools(std::uint64_t offset, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (static_cast<unsigned>(bytes[i]) > 1) {
      throw Error(Code::malformed, "content.bool",
                  "element " + std::to_string(offset + i) + " of a bool tensor is " +
                      std::to_string(static_cast<unsigned>(bytes[i])) + ": expected 0 or 1");
    }
  }
}

// Throws malformed if an unused half of the last byte is not zero. `length`: the length of the whole part.
// zt-2 §5
void check_float4_end(std::uint64_t length, std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty() || offset + bytes.size() != length || static_cast<unsigned>(bytes.back()) < 16) return;
  throw Error(Code::malformed, "content.float4", "the unused half of the last byte is not zero");
}

// One call of check().
class Checker {
 public:
  Checker(const Source& source, const Progress& progress)
      : source_(source), state_(*Access::state(source)), progress_(progress) {}
  void add(std::uint32_t row);
  void add_shards() { with_shards_ = true; }
  VerifyReport run();

 private:
  using Rank = std::pair<std::size_t, std::size_t>;  // a part and a piece of it
  void add_part(std::uint32_t row, const model::PartRow& part);
  struct Part {
    std::uint32_t tensor;
    const model::PartRow* row;
    model::Recipe recipe;
  };
  void record(std::uint32_t row, Rank rank, const Error& error);
  bool has_odd_float4(const Part& part) const;
  bool digested(std::uint32_t row) const;
  std::uint64_t total() const;
  read::Job job_of(const Part& part) const;
  void check_parts(run::Meter& meter);
  void check_sparse(std::uint32_t row);
  void check_shards(VerifyReport& report, run::Meter& meter);
  VerifyReport report() const;

  const Source& source_;
  const SourceState& state_;
  const Progress& progress_;
  bool with_shards_ = false;
  std::vector<std::uint32_t> rows_;
  std::vector<Part> parts_;
  // The finding of each tensor. The finding of its earliest piece wins, so the answer is the same each time.
  std::map<std::uint32_t, std::pair<Rank, Error>> found_;
};

void Checker::record(std::uint32_t row, Rank rank, const Error& error) {
  const auto [place, added] = found_.try_emplace(row, rank, error);
  if (!added && rank < place->second.first) place->second = {rank, error};
}

void Checker::add(std::uint32_t row) {
  rows_.push_back(row);
  const model::TensorRow& tensor = state_.catalog.tensor(row);
  if (const model::Fault* fault = state_.catalog.fault(tensor.fault)) {
    record(row, {}, source::fault_error(state_, row, *fault));
    return;
  }
  for (const model::PartRow& part : state_.catalog.parts(tensor)) add_part(row, part);
}

void Checker::add_part(std::uint32_t row, const model::PartRow& part) {
  try {
    source::located(state_, row, &part, [&] {
      state_.part_source(part, part.recipe);  // finds out that a shard or a base is missing
      parts_.push_back({row, &part, state_.measured(part, progress_)});
    });
  } catch (const Error& error) {
    tools::throw_unless_finding(error);
    record(row, {parts_.size(), 0}, error);
  }
}

// Only a dense tensor tells the number of its elements.
bool Checker::has_odd_float4(const Part& part) const {
  const model::TensorRow& tensor = state_.catalog.tensor(part.tensor);
  if (part.row->dtype != DType::f4_e2m1 || state_.catalog.word(tensor.layout) != "dense") return false;
  return checked::elements(state_.catalog.shape(tensor)).value_or(0) % 2 != 0;
}

void Checker::check_sparse(std::uint32_t row) {
  const Tensor tensor = source_[row];
  if (found_.contains(row) || (tensor.layout() != "sparse_csr" && tensor.layout() != "sparse_coo")) return;
  try {
    static_cast<void>(tensor.read_indices(write::count_entries(tensor)));
  } catch (const Error& error) {
    tools::throw_unless_finding(error);
    record(row, {parts_.size(), 0}, error);
  }
}

bool Checker::digested(std::uint32_t row) const {
  for (const model::PartRow& part : state_.catalog.parts(state_.catalog.tensor(row))) {
    const std::string_view text = state_.catalog.text(part.digest);
    const bool decoded = state_.catalog.decoded_digests || part.recipe.coding.is_delta();
    const auto digest = decoded ? hash::parse_decoded_digest(text) : hash::parse_digest(text);
    if (!digest || digest->algorithm == Checksum::none) return false;
  }
  return true;
}

read::Job Checker::job_of(const Part& part) const {
  read::Job job{.part = state_.part_source(*part.row, part.recipe),
                .verify = Verify::always,
                .out = {},
                .visit = [](std::uint64_t, std::span<const std::byte>) {}};
  if (part.row->dtype == DType::boolean) job.visit = check_bools;
  if (has_odd_float4(part)) {
    job.visit = [length = part.recipe.decoded_length](std::uint64_t offset, std::span<const std::byte> bytes) {
      check_float4_end(length, offset, bytes);
    };
  }
  return job;
}

// The bytes to read, of the parts and of the shards.
std::uint64_t Checker::total() const {
  std::uint64_t total = 0;
  for (const Part& part : parts_) total = checked::add(total, part.recipe.decoded_length).value_or(total);
  if (!with_shards_) return total;
  for (const model::FileRow& shard : state_.catalog.files) total = checked::add(total, shard.size).value_or(total);
  return total;
}

// Reads every part with several threads, and records the findings.
void Checker::check_parts(run::Meter& meter) {
  std::vector<read::Job> jobs;
  jobs.reserve(parts_.size());
  for (const Part& part : parts_) jobs.push_back(job_of(part));
  read::carry_out(jobs, run::thread_count(state_.options.threads), meter,
                  [&](std::size_t job, std::size_t piece, Error& error) {
                    error.enter(source::place_of(state_.catalog, parts_[job].tensor, parts_[job].row));
                    error.enter_file(state_.name);
                    tools::throw_unless_finding(error);
                    record(parts_[job].tensor, {job, piece}, error);
                  });
}

// Sorts the tensors by their findings.
VerifyReport Checker::report() const {
  VerifyReport report;
  for (const std::uint32_t row : rows_) {
    const std::string name(source_[row].name());
    const auto finding = found_.find(row);
    if (finding != found_.end()) report.findings.push_back({name, finding->second.second});
    if (state_.catalog.tensor(row).fault != model::kNone) {
      report.unreadable.push_back(name);
    } else if (finding == found_.end()) {
      (digested(row) ? report.checked : report.undigested).push_back(name);
    }
  }
  return report;
}

VerifyReport Checker::run() {
  run::Meter meter(progress_, total());
  check_parts(meter);
  for (const std::uint32_t row : rows_) check_sparse(row);
  VerifyReport done = report();
  if (with_shards_ && state_.shards) check_shards(done, meter);
  meter.finish();
  return done;
}

void Checker::check_shards(VerifyReport& report, run::Meter& meter) {
  const source::Shards& shards = *state_.shards;
  std::vector<std::optional<Error>> wrong(shards.size());
  std::vector<char> digested(shards.size());
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) bytes = checked::add(bytes, shards.row(i).size).value_or(bytes);
  run::parallel_for(shards.size(), bytes, run::thread_count(state_.options.threads), meter, [&](std::size_t i) {
    try {
      digested[i] = shards.check(i, meter) ? 1 : 0;
    } catch (Error& error) {
      error.enter_file(state_.name);
      tools::throw_unless_finding(error);
      wrong[i] = error;
    }
  });
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (wrong[i]) report.findings.push_back({"", *wrong[i]});
    if (digested[i] != 0) report.shards.push_back(shards.row(i).name);
  }
}

}  // namespace

VerifyReport check(const Source& source, const CheckOptions& options) {
  Checker checker(source, options.progress);
  if (options.shards) checker.add_shards();
  const model::Catalog& catalog = Access::state(source)->catalog;
  if (options.names.empty()) {
    for (std::uint32_t row = 0; row < catalog.shown(); ++row) checker.add(row);
  }
  for (const std::string& name : options.names) {
    static_cast<void>(source.tensor(name));  // throws not_found
    checker.add(*catalog.find(name));
  }
  VerifyReport report = checker.run();
  if (options.canonical) {
    for (Finding& finding : tools::find_uncanonical(source, options.progress)) {
      report.findings.push_back(std::move(finding));
    }
  }
  return report;
}

VerifyReport verify(const Source& source, const CheckOptions& options) {
  VerifyReport report = check(source, options);
  for (const Finding& finding : report.findings) {
    const std::optional<Tensor> tensor = source.find(finding.tensor);  // empty: a shard, or the file as a whole
    if (!tensor || !tensor->unreadable()) throw finding.error;
  }
  return report;
}

}  // namespace zt
