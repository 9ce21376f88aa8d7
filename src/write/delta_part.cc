#include "write/delta_part.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/utf8.h"
#include "codec/delta.h"
#include "codec/zstd.h"
#include "hash/digest.h"
#include "hash/xxh3.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/delta_bases.h"
#include "source/hidden.h"
#include "source/part_bytes.h"
#include "write/array_pieces.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

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

std::string xxh3_text(std::uint64_t value) {
  hash::Digest digest;
  digest.algorithm = Checksum::xxh3;
  digest.xxh3 = value;
  return hash::format_digest(digest);
}

// A piece in work.
struct DeltaSlot {
  std::vector<std::byte> base, next, stored;
  std::uint32_t content = 0;
  std::unique_ptr<codec::DeltaEncoder> encoder;
};

// Those of the user, and what a reader must know of the delta. spec/delta.md §5
Value noted_attributes(const Value& attributes, const DeltaPlace& place, const model::Encoder& encoder, DType dtype,
                       std::string_view digest) {
  Value base = Value::map();
  if (!place.label.empty()) base.set("file", place.label);
  base.set("name", place.name);  // so that the tensor may get a second name
  Value note = Value::map();
  note.set("base", std::move(base));
  if (encoder.holds.digests != model::Digests::decoded) {  // the manifest of generation 2 says both itself
    const std::string_view logical = encoder.logical(dtype);
    note.set("dtype", Value(logical.empty() ? encoder.storage(dtype) : logical));
    if (!digest.empty()) note.set("digest", Value(digest));
  }
  Value all = attributes.is_null() ? Value::map() : attributes;
  all.set(source::kDeltaKey, std::move(note));
  return all;
}

}  // namespace

FoundBase find_base(const Source& base, std::string_view name, DType dtype) {
  auto tensor = base.find(name);
  if (!tensor || tensor->unreadable() || tensor->layout() != "dense" || tensor->parts() != 1) return {};
  const Part part = tensor->part(0);
  if (part.dtype() != dtype) return {};
  const SourceState& state = *Access::state(base);
  const model::PartRow& data = source::row_of(part);
  const std::size_t levels =
      source::located(state, Access::row(*tensor), &data, [&] { return source::levels_of(state, data); });
  if (levels >= source::kMostBases) return {.too_deep = true};
  return {.tensor = std::move(tensor)};
}

MadeDelta make_delta(const Part& base, DType dtype, Pieces& next, codec::DeltaMode kind, unsigned threads,
                     run::Meter& meter) {
  static_assert(read::kPieceBytes == codec::kDeltaPieceBytes);
  const codec::DeltaElements elements = delta_elements(dtype);
  source::PartBytes from(base);
  std::vector<DeltaSlot> slots(kBatchPieces);
  std::vector<codec::FrameSize> rows;
  hash::Xxh3 hash;
  read::Scratch scratch;
  MadeDelta made{.length = next.length(), .differs = from.length() != next.length()};
  std::uint64_t left = next.length(), base_left = from.length();
  for (std::size_t piece = 0; left > 0;) {
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    for (; count < slots.size() && left > 0; ++count, ++piece) {
      DeltaSlot& slot = slots[count];
      slot.next.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, codec::kDeltaPieceBytes)));
      slot.base.resize(static_cast<std::size_t>(std::min<std::uint64_t>(base_left, slot.next.size())));
      next.read(piece, slot.next, scratch);
      from.read(slot.base);
      hash.update(slot.next);
      left -= slot.next.size();
      base_left -= slot.base.size();
      bytes += slot.next.size();
      made.differs = made.differs || slot.base != slot.next;
    }
    run::parallel_for(count, bytes, threads, meter, [&](std::size_t i) {
      DeltaSlot& slot = slots[i];
      if (!slot.encoder) slot.encoder = std::make_unique<codec::DeltaEncoder>(elements, kind);
      slot.content = slot.encoder->encode(slot.base, slot.next, slot.stored);
      meter.add(slot.next.size());
    });
    for (const DeltaSlot& slot : std::span(slots).first(count)) {
      rows.push_back({static_cast<std::uint32_t>(slot.stored.size()), slot.content});
      made.stored.insert(made.stored.end(), slot.stored.begin(), slot.stored.end());
    }
    if (made.stored.size() > made.length) return made;  // not worth it, however it goes on
  }
  next.finish();
  if (base_left == 0) from.finish();
  made.hash = hash.value();
  const std::vector<std::byte> table = codec::encode_seek_table(rows);
  made.stored.insert(made.stored.end(), table.begin(), table.end());
  return made;
}

std::string digest_of(const MadeDelta& made, const Form& form) {
  return form.options.checksum == Checksum::none ? std::string() : xxh3_text(made.hash);
}

void add_delta(Draft& draft, std::string_view name, std::span<const std::uint64_t> shape, DType dtype,
               const Value& attributes, const DeltaPlace& place, std::span<const std::byte> stored,
               std::uint64_t length, std::string_view digest) {
  const model::Encoder& encoder = *draft.form.encoder;
  const bool over_decoded = encoder.holds.digests == model::Digests::decoded;
  ArrayPieces pieces(ArrayView{.dtype = DType::u8, .shape = {stored.size()}, .data = stored.data()});
  PartOptions part = draft.form.part_options({.encoding = Encoding::raw()});
  if (over_decoded) part.checksum = Checksum::none;
  const std::vector<std::byte> encoded =
      draft.form.attributes_of(noted_attributes(attributes, place, encoder, dtype, digest), false);
  constexpr std::uint64_t kEntry = 4096;  // about what the index takes; nothing hangs on it without shards
  draft.begin_tensor(name, shape, stored.size() + kEntry, true);
  StoredPart made = draft.store(pieces, DType::u8, part);
  if (over_decoded) made.digest = digest;
  made.recipe.coding = model::Coding::delta(model::element_form(dtype));
  made.recipe.decoded_length = length;
  draft.catalog.add_tensor(name, shape, "dense", encoded);
  draft.add_part(made, "data", dtype);
  draft.end_tensor();
}

std::pair<std::string, std::string> base_attribute(const DeltaBase& base) {
  if (base.id.empty() || base.id.find(' ') != std::string::npos) {
    throw Error(Code::usage, "", "the base of deltas has no id: make it with delta_base()");
  }
  const std::string& hint = base.hint;
  if (!source::is_hint(hint)) {
    throw Error(Code::usage, "", "the hint " + in_quotes(hint) + " is a path: give the name of a file");
  }
  return {std::string(source::kBaseKey) + std::string(kBaseLabel), base.id + (hint.empty() ? "" : " " + hint)};
}

void check_has_deltas(const Form& form) {
  if (form.encoder->has_codec(Codec::delta) && !form.canonical && form.options.max_shard_size == 0) return;
  throw Error(Code::usage, "", "only files of format 1.2 and 2 have deltas, and neither canonical files nor shards do");
}

}  // namespace zt::write
