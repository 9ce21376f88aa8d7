#include "ztensor/delta.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "codec/delta.h"
#include "codec/zstd.h"
#include "hash/digest.h"
#include "hash/xxh3.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/delta_bases.h"
#include "source/formats.h"
#include "source/hidden.h"
#include "source/part_bytes.h"
#include "tools/base_notes.h"
#include "write/array_pieces.h"
#include "write/losses.h"
#include "write/mover.h"
#include "write/shard_target.h"
#include "ztensor/diff.h"
#include "ztensor/paths.h"

namespace zt {
namespace {

constexpr const char* kLabel = "base";    // of the only base
constexpr std::size_t kBatchPieces = 32;  // pieces in work at once

codec::DeltaElements delta_elements(DType dtype) {
  switch (dtype) {
    case DType::bf16: return codec::kDeltaBf16;
    case DType::f16: return codec::kDeltaF16;
    case DType::f32: return codec::kDeltaF32;
    case DType::f64: return codec::kDeltaF64;
    case DType::f8_e4m3fn: return codec::kDeltaF8E4M3;
    case DType::f8_e5m2: return codec::kDeltaF8E5M2;
    default: return codec::delta_bits(model::element_form(dtype));
  }
}

// The stored bytes of a part, and the XXH3-64 of what it decodes to.
struct MadeDelta {
  std::vector<std::byte> stored;
  std::uint64_t hash = 0;
  bool differs = false;
};

class DeltaFile {
 public:
  DeltaFile(const Source& base, const Source& next, const std::filesystem::path& path, const DeltaOptions& options);
  DeltaFileReport run();

 private:
  void check_no_input(const std::filesystem::path& path) const;
  // The tensor to store `tensor` as a delta over, if there is one.
  std::optional<Tensor> base_of(const Tensor& tensor);
  MadeDelta make(const Part& base, const Part& next);
  void add(const Tensor& tensor, const Tensor& base);
  void add_delta(const Tensor& tensor, MadeDelta made);
  Value attributes_of(const Tensor& tensor, std::uint64_t hash) const;
  std::uint64_t total() const;

  Source base_;
  Source next_;
  std::filesystem::path path_;
  const DeltaOptions& options_;
  unsigned threads_;
  run::Meter meter_;
  DeltaFileReport report_;
  std::uint64_t too_deep_ = 0;  // tensors whose base is a delta that is too deep to be a base
  write::Draft draft_;
  write::Mover mover_{draft_};
};

std::uint64_t DeltaFile::total() const {
  std::uint64_t sum = 0;
  for (const Tensor tensor : next_) sum += tensor.nbytes().value_or(0);
  return sum;
}

DeltaFile::DeltaFile(const Source& base, const Source& next, const std::filesystem::path& path,
                     const DeltaOptions& options)
    : base_(base),
      next_(next),
      path_(path),
      options_(options),
      threads_(run::thread_count(options.writer.threads)),
      meter_(options.progress, total()) {
  WriterOptions wanted = options.writer;
  if (!wanted.canonical) wanted.canonical = false;  // what generation 2 would be otherwise
  check_no_input(path);
  io::check_output(path, options.overwrite);
  draft_.form = write::form_of_new(wanted, path, options.overwrite ? WriteMode::replace : WriteMode::create_new);
  if (!draft_.form.encoder->has_codec(Codec::delta) || draft_.form.canonical || options.writer.max_shard_size > 0) {
    throw Error(Code::usage, "",
                "only files of format 1.2 and 2 have deltas, and neither canonical files nor shards do");
  }
  report_.base = content_id(base);
  std::string hint = options.hint;
  if (hint.empty() && base.paths().size() == 1) {
    std::error_code none;  // the name behind links: readers follow none
    const std::filesystem::path real = std::filesystem::canonical(base.paths().front(), none);
    hint = utf8_of((none ? base.paths().front() : real).filename());
  }
  if (hint.find('/') != std::string::npos || hint == "." || hint == "..") {
    throw Error(Code::usage, "", "the hint " + in_quotes(hint) + " is a path: give the name of a file");
  }
  draft_.target = write::new_target(draft_.form, path);
  Value attributes = next.attributes();
  attributes.set(std::string(source::kBaseKey) + kLabel, report_.base + (hint.empty() ? "" : " " + hint));
  std::vector<std::byte> encoded = draft_.form.attributes_of(attributes, true);
  draft_.target->set_attributes(encoded);
  draft_.catalog.attributes = std::move(encoded);
}

void DeltaFile::check_no_input(const std::filesystem::path& path) const {
  const auto target = io::identify(path);
  for (const Source* input : {&base_, &next_}) {
    for (const std::filesystem::path& file : input->paths()) {
      if (target && target == io::identify(file)) {
        throw Error(Code::usage, "", utf8_of(path) + ": the output is also the input " + utf8_of(file));
      }
    }
  }
}

std::optional<Tensor> DeltaFile::base_of(const Tensor& tensor) {
  const auto is_plain = [](const Tensor& one) {
    return !one.unreadable() && one.layout() == "dense" && one.parts() == 1;
  };
  if (!is_plain(tensor) || tensor.elements() == 0) return std::nullopt;
  auto base = base_.find(tensor.name());
  if (!base || !is_plain(*base) || base->dtype() != tensor.dtype()) return std::nullopt;
  const SourceState& state = *Access::state(base_);
  const model::PartRow& data = source::row_of(base->part("data"));
  const auto levels = source::located(state, Access::row(*base), &data, [&] { return source::levels_of(state, data); });
  if (levels >= source::kMostBases) {
    ++too_deep_;
    return std::nullopt;
  }
  return base;
}

// Reads both tensors once, front to back, and encodes some pieces at a time.
MadeDelta DeltaFile::make(const Part& base, const Part& next) {
  const codec::DeltaElements elements = delta_elements(next.dtype());
  const codec::DeltaMode mode = options_.patch ? codec::DeltaMode::patch : codec::DeltaMode::delta;
  source::PartBytes from(base), to(next);
  struct Slot {
    std::vector<std::byte> base, next, stored;
    std::uint32_t content = 0;
    std::unique_ptr<codec::DeltaEncoder> encoder;
  };
  std::vector<Slot> slots(kBatchPieces);
  std::vector<codec::FrameSize> rows;
  MadeDelta made;
  hash::Xxh3 hash;
  made.differs = from.length() != to.length();
  std::uint64_t left = to.length(), base_left = from.length();
  while (left > 0) {
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    for (; count < slots.size() && left > 0; ++count) {
      Slot& slot = slots[count];
      slot.next.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, codec::kDeltaPieceBytes)));
      slot.base.resize(static_cast<std::size_t>(std::min<std::uint64_t>(base_left, slot.next.size())));
      to.read(slot.next);
      from.read(slot.base);
      hash.update(slot.next);
      left -= slot.next.size();
      base_left -= slot.base.size();
      bytes += slot.next.size();
      made.differs = made.differs || slot.base != slot.next;
    }
    run::parallel_for(count, bytes, threads_, meter_, [&](std::size_t i) {
      Slot& slot = slots[i];
      if (!slot.encoder) slot.encoder = std::make_unique<codec::DeltaEncoder>(elements, mode);
      slot.content = slot.encoder->encode(slot.base, slot.next, slot.stored);
      meter_.add(slot.next.size());
    });
    for (const Slot& slot : std::span(slots).first(count)) {
      rows.push_back({static_cast<std::uint32_t>(slot.stored.size()), slot.content});
      made.stored.insert(made.stored.end(), slot.stored.begin(), slot.stored.end());
    }
  }
  to.finish();
  if (base_left == 0) from.finish();
  made.hash = hash.value();
  // Equal tensors have pieces too: without them, a wrong base would go unnoticed.
  const std::vector<std::byte> table = codec::encode_seek_table(rows);
  made.stored.insert(made.stored.end(), table.begin(), table.end());
  return made;
}

// Those of the tensor, and what a reader must know of the delta. spec/delta.md §5
Value DeltaFile::attributes_of(const Tensor& tensor, std::uint64_t hash) const {
  const model::Encoder& encoder = *draft_.form.encoder;
  Value note = Value::map();
  note.set("base", Value(Value::Map{{"file", kLabel}}));
  if (encoder.holds.digests != model::Digests::decoded) {  // the manifest of generation 2 says both itself
    const std::string_view logical = encoder.logical(tensor.dtype());
    note.set("dtype", Value(logical.empty() ? encoder.storage(tensor.dtype()) : logical));
    hash::Digest digest;
    digest.algorithm = Checksum::xxh3;
    digest.xxh3 = hash;
    note.set("digest", Value(hash::format_digest(digest)));
  }
  const std::vector<std::byte> own = source::without_delta(tensor.attributes_cbor());
  Value all = own.empty() ? Value::map() : Value::parse(own, draft_.form.options.limits.depth);
  all.set(source::kDeltaKey, std::move(note));
  return all;
}

void DeltaFile::add_delta(const Tensor& tensor, MadeDelta made) {
  const model::Holds& holds = draft_.form.encoder->holds;
  const bool over_decoded = holds.digests == model::Digests::decoded;
  write::ArrayPieces pieces(ArrayView{.dtype = DType::u8, .shape = {made.stored.size()}, .data = made.stored.data()});
  write::PartOptions part = draft_.form.part_options({.encoding = Encoding::raw()});
  if (over_decoded) part.checksum = Checksum::none;
  draft_.begin_tensor(tensor.name(), tensor.shape(), made.stored.size() + 4096, true);
  write::StoredPart stored = draft_.store(pieces, DType::u8, part);
  if (over_decoded && draft_.form.options.checksum.value_or(Checksum::xxh3) != Checksum::none) {
    hash::Digest digest;
    digest.algorithm = Checksum::xxh3;
    digest.xxh3 = made.hash;
    stored.digest = hash::format_digest(digest);
  }
  stored.recipe.coding = model::Coding::delta(model::element_form(tensor.dtype()));
  stored.recipe.decoded_length = *tensor.nbytes();
  draft_.catalog.add_tensor(tensor.name(), tensor.shape(), "dense",
                            draft_.form.attributes_of(attributes_of(tensor, made.hash), false));
  draft_.add_part(stored, "data", tensor.dtype());
  draft_.end_tensor();
}

void DeltaFile::add(const Tensor& tensor, const Tensor& base) {
  constexpr std::uint64_t kWorth = 33;  // a delta saves at least one byte in so many
  MadeDelta made = make(base.part("data"), tensor.part("data"));
  const std::uint64_t whole = *tensor.nbytes();
  if (made.stored.size() + whole / kWorth > whole) return mover_.move(tensor.name(), tensor, std::nullopt);
  ++report_.deltas;
  report_.same += made.differs ? 0U : 1U;
  add_delta(tensor, std::move(made));
}

DeltaFileReport DeltaFile::run() {
  bool published = false;
  try {
    for (const Tensor tensor : next_) {
      const model::Encoder& encoder = *draft_.form.encoder;
      source::check_readable(tensor);
      write::check_losses(write::losses_of(tensor, encoder), encoder, options_.writer.lossy);
      ++report_.tensors;
      report_.bytes_in += tensor.nbytes().value_or(0);
      if (const auto base = base_of(tensor)) {
        source::located(*Access::state(next_), Access::row(tensor), nullptr, [&] { add(tensor, *base); });
      } else {
        mover_.move(tensor.name(), tensor, std::nullopt);
        meter_.add(tensor.nbytes().value_or(0));
      }
      meter_.poll();
    }
    draft_.target->finish(draft_.catalog);
    draft_.target->publish(report_.notes);
    published = true;
    if (too_deep_ > 0) {
      report_.notes.push_back(utf8_of(path_) + ": " + std::to_string(too_deep_) +
                              " tensors are stored whole: their bases are deltas over deltas, as deep as readers go");
    }
    std::ranges::move(tools::base_notes(path_), std::back_inserter(report_.notes));
  } catch (...) {
    if (!published) draft_.target->abort();
    throw;
  }
  meter_.finish();
  report_.bytes_out = draft_.target->size();
  return report_;
}

}  // namespace

DeltaFileReport write_delta(const Source& base, const Source& next, const std::filesystem::path& path,
                            const DeltaOptions& options) {
  return DeltaFile(base, next, path, options).run();
}

}  // namespace zt
