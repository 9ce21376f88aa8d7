#include "tools/content_id.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "container/zt2/names.h"
#include "hash/digest.h"
#include "hash/sha256.h"
#include "hash/xxh3.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/indices.h"
#include "source/state.h"
#include "tools/piece_walk.h"
#include "wire/cbor.h"
#include "ztensor/diff.h"

namespace zt {
namespace {

using Members = Value::Map;

// The structure that both digests share: [label, {name: tensor, ...}] in deterministic CBOR, passed piece by piece to
// `take`. `tensor_of` gives the entry of a row.
template <class TensorOf, class Take>
void write_contents(const model::Catalog& catalog, std::string_view label, const TensorOf& tensor_of,
                    const Take& take) {
  const auto name_of = [&](std::uint32_t row) { return catalog.text(catalog.tensor(row).name); };
  std::vector<std::uint32_t> rows(catalog.shown());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::sort(rows, container::zt2::key_less, name_of);
  wire::CborWriter writer;
  writer.array(2);
  writer.text(label);
  writer.map(rows.size());
  take(writer.buffer());
  for (const std::uint32_t row : rows) {
    writer.buffer().clear();
    writer.text(name_of(row));
    // No limit of depth here: parsing has limited the depth of attributes.
    writer.raw(tensor_of(row).encode_sorted(Value::Sorted::any, ~std::uint32_t{0}));
    take(writer.buffer());
  }
}

Value shape_of(const model::Catalog& catalog, const model::TensorRow& tensor) {
  const auto shape = catalog.shape(tensor);
  return Value::Array(shape.begin(), shape.end());
}

std::string sha_text(hash::Sha256& sha) {
  return hash::format_digest({.algorithm = Checksum::sha256, .sha = sha.finish()});
}

// Hashes the decoded bytes, or the indices as 64-bit integers.
std::string hash_part(const Part& part, bool indices, run::Meter& meter) {
  tools::PieceWalk walk(part, indices);
  if (walk.stray() != 0) {
    throw Error(
        Code::malformed, "sparse.index.length",
        "part " + in_quotes(part.role()) + " of " + count_text(walk.length(), "byte") + " ends inside an index");
  }
  hash::Sha256 sha;
  tools::for_each_piece(
      meter, [&](std::span<const std::byte> piece) { sha.update(piece); }, walk);
  return sha_text(sha);
}

struct Job {
  Part part;
  bool indices;
};

class Identity {
 public:
  Identity(const Source& source, const ContentIdOptions& options)
      : source_(source), catalog_(Access::state(source)->catalog), options_(options) {}
  std::string run();

 private:
  void plan();
  void hash_parts();
  Value tensor_of(std::uint32_t row) const;

  const Source& source_;
  const model::Catalog& catalog_;
  const ContentIdOptions& options_;
  std::vector<Job> jobs_;
  std::vector<std::size_t> job_parts_;  // for each job its part, counted over all tensors
  std::vector<std::string> digests_;    // one for each part
};

void Identity::plan() {
  digests_.resize(catalog_.part_rows());
  for (std::uint32_t row = 0; row < catalog_.shown(); ++row) {
    const Tensor tensor = source_[row];
    if (const auto error = tensor.unreadable()) throw *error;
    for (std::size_t i = 0; i < tensor.parts(); ++i) {
      const Part part = tensor.part(i);
      const std::size_t number = catalog_.tensor(row).parts + i;
      const bool indices = source::is_index_part(tensor.layout(), part.role(), part.dtype());
      const auto declared = hash::parse_decoded_digest(part.digest());
      const bool known = catalog_.decoded_digests && declared && declared->algorithm == Checksum::sha256 &&
                         (!indices || part.dtype() == DType::u64);
      if (options_.trust_digests && known) {
        digests_[number] = part.digest();
      } else {
        jobs_.push_back({part, indices});
        job_parts_.push_back(number);
      }
    }
  }
}

void Identity::hash_parts() {
  std::uint64_t total = 0;
  for (const Job& job : jobs_) {
    total = checked::add(total, job.part.length().value_or(job.part.stored_length())).value_or(total);
  }
  run::Meter meter(options_.progress, total);
  const unsigned threads = run::thread_count(Access::state(source_)->options.threads);
  run::parallel_for(jobs_.size(), total, threads, meter, [&](std::size_t i) {
    digests_[job_parts_[i]] = hash_part(jobs_[i].part, jobs_[i].indices, meter);
  });
  meter.finish();
}

Value Identity::tensor_of(std::uint32_t row) const {
  const model::TensorRow& tensor = catalog_.tensor(row);
  const Tensor handle = source_[row];
  Members parts;
  for (std::size_t i = 0; i < handle.parts(); ++i) {
    const Part part = handle.part(i);
    const bool indices = source::is_index_part(handle.layout(), part.role(), part.dtype());
    const DType dtype = indices ? DType::u64 : part.dtype();
    parts.emplace_back(part.role(), Members{{"dtype", dtype_name(dtype)}, {"digest", digests_[tensor.parts + i]}});
  }
  Members entry = {{"shape", shape_of(catalog_, tensor)}, {"layout", handle.layout()}, {"parts", std::move(parts)}};
  Value attributes = handle.attributes();
  const bool some = attributes.members() != nullptr && !attributes.members()->empty();
  if (some) entry.emplace_back("attributes", std::move(attributes));
  return entry;
}

std::string Identity::run() {
  plan();
  hash_parts();
  hash::Sha256 sha;
  write_contents(
      catalog_, "ztensor.id/1", [&](std::uint32_t row) { return tensor_of(row); },
      [&](std::span<const std::byte> bytes) { sha.update(bytes); });
  return sha_text(sha);
}

// The entry of a tensor as generation 2 digests it, in the words of the file.
Value declared_tensor(const model::Catalog& catalog, std::uint32_t row) {
  const model::TensorRow& tensor = catalog.tensor(row);
  const std::string place = "tensor " + in_quotes(catalog.text(tensor.name));
  if (const model::Fault* fault = catalog.fault(tensor.fault)) {
    throw Error(fault->code, fault->rule, place + ": " + fault->message);
  }
  Members parts;
  for (const model::PartRow& part : catalog.parts(tensor)) {
    const std::string_view role = catalog.word(part.role);
    const std::string_view digest = catalog.text(part.digest);
    if (digest.empty()) {
      throw Error(Code::unsupported, "content.digest",
                  place + ": part " + in_quotes(role) + " declares no digest, and the content digest needs one");
    }
    Members entry = {{"dtype", catalog.word(part.storage)}, {"digest", digest}};
    if (const std::string_view logical = catalog.word(part.logical); !logical.empty()) {
      entry.emplace_back("type", logical);
    }
    parts.emplace_back(role, std::move(entry));
  }
  Members entry = {{"shape", shape_of(catalog, tensor)},
                   {"layout", container::zt2::layout_for_file(catalog.word(tensor.layout))},
                   {"parts", std::move(parts)}};
  const std::string_view attributes = catalog.text(tensor.attributes);
  if (!attributes.empty()) entry.emplace_back("attributes", Value::parse(as_bytes(attributes)));
  return entry;
}

[[noreturn]] void refuse_digest() {
  throw Error(Code::unsupported, "content.digest",
              "the file has no content digest: convert it to format 2, whose digests cover decoded bytes");
}

}  // namespace

std::string tools::content_digest(const model::Catalog& catalog, Checksum algorithm) {
  if (algorithm != Checksum::sha256 && algorithm != Checksum::xxh3) {
    throw Error(Code::usage, "",
                "no content digest by " + std::string(checksum_name(algorithm)) + ": choose sha256 or xxh3");
  }
  if (!catalog.decoded_digests) refuse_digest();
  const auto tensor_of = [&](std::uint32_t row) { return declared_tensor(catalog, row); };
  if (algorithm == Checksum::xxh3) {
    hash::Xxh3 xxh3;
    write_contents(catalog, "zt.content/1", tensor_of, [&](std::span<const std::byte> bytes) { xxh3.update(bytes); });
    return hash::format_digest({.algorithm = algorithm, .xxh3 = xxh3.value()});
  }
  hash::Sha256 sha;
  write_contents(catalog, "zt.content/1", tensor_of, [&](std::span<const std::byte> bytes) { sha.update(bytes); });
  return sha_text(sha);
}

std::string content_id(const Source& source, const ContentIdOptions& options) {
  return Identity(source, options).run();
}

std::string content_digest(const Source& source, Checksum algorithm) {
  const model::Catalog& catalog = Access::state(source)->catalog;
  try {
    if (source::is_foreign(catalog.format)) refuse_digest();  // an archive has digests, and those are of another kind
    return tools::content_digest(catalog, algorithm);
  } catch (Error& error) {
    error.enter_file(Access::state(source)->name);
    throw;
  }
}

}  // namespace zt
