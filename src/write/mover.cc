#include "write/mover.h"

#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "codec/codecs.h"
#include "read/frames.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/hidden.h"
#include "write/array_pieces.h"
#include "write/attributes.h"
#include "write/content.h"
#include "write/layouts.h"
#include "write/losses.h"
#include "write/shard_target.h"
#include "write/stored_pieces.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

// Whether the stored bytes are exactly frames and a seek table, as generation 2 needs them.
bool is_seekable(const SourceState& from, const model::PartRow& part) {
  // The manifest of generation 2 says so. That of 1.2 does not, and byte planes are taken for it until they are read.
  if (part.recipe.coding.framing == model::Framing::seekable && from.catalog.decoded_digests) return true;
  const bool has_frames = codec::row_of(part.recipe.coding.codec).has_frames;
  if (!has_frames || part.recipe.decoded_length == model::kUnknownLength) return false;
  try {
    read::require_frames(from.store_of(part.recipe.file), part.recipe);
    return true;
  } catch (const Error& error) {
    if (error.code() != Code::malformed) throw;
    return false;
  }
}

}  // namespace

void Mover::move(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode) {
  const auto& from = Access::state(tensor);
  if (source_ != from) {
    source_ = from;
    moved_.clear();
  }
  const std::string_view layout = tensor.layout();
  // Between 1.1 and 1.2, and within 2, indices stay as they are. 1.0 has only 64-bit indices.
  const bool other = source::find_encoder(from->catalog.format) != form().encoder;
  const bool sorts = form().options.lossy && layout == "sparse_csr" && holds().sorted_sparse;
  if (is_sparse(layout) && (sorts || (other && needs_wide(tensor, *form().encoder)))) {
    move_sparse(name, tensor, recode);
  } else {
    move_parts(name, tensor, recode);
  }
  draft_.end_tensor();
}

void Mover::move_parts(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode) {
  const SourceState& from = *source_;
  const std::uint32_t row = Access::row(tensor);
  std::vector<const model::PartRow*> parts;
  std::uint64_t bound = 0;
  for (const model::PartRow& part : from.catalog.parts(from.catalog.tensor(row))) {
    if (!is_kept(tensor.layout(), from.catalog.word(part.role), *form().encoder)) continue;
    parts.push_back(&part);
    const std::uint64_t decoded = part.recipe.decoded_length == model::kUnknownLength ? 0 : part.recipe.decoded_length;
    bound = checked::add_up(bound, std::max(part.recipe.stored_length, decoded));
  }
  if (holds().sorted_parts) {
    std::ranges::sort(parts, {}, [&](const model::PartRow* part) { return from.catalog.word(part->role); });
  }
  std::uint64_t texts = name.size() + tensor.layout().size() + tensor.attributes_cbor().size();
  for (const model::PartRow* part : parts) texts += from.catalog.word(part->role).size();
  bound = checked::add_up(bound, shard_overhead(form(), parts.size(), tensor.shape().size(), texts));
  draft_.begin_tensor(name, tensor.shape(), bound, tensor.layout() == "dense" && parts.size() == 1);
  std::vector<StoredPart> stored;
  for (const model::PartRow* part : parts) {
    source::located(from, row, part, [&] { stored.push_back(store_part(tensor, *part, recode)); });
  }
  add_row(name, tensor);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    draft_.add_part(stored[i], from.catalog.word(parts[i]->role), *stored_dtype(parts[i]->dtype, *form().encoder));
  }
}

// Moves a sparse tensor whose indices must be widened or sorted.
void Mover::move_sparse(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode) {
  SparseParts parts = read_sparse(tensor);
  if (form().options.lossy && holds().sorted_sparse) sort_entries(parts);
  std::vector<PartView> views = parts.views();
  std::uint64_t texts = name.size() + tensor.layout().size() + tensor.attributes_cbor().size();
  for (const PartView& view : views) texts += view.role.size();
  const std::uint64_t overhead = shard_overhead(form(), views.size(), tensor.shape().size(), texts);
  draft_.begin_tensor(name, tensor.shape(),
                      checked::add_up(stored_bound(parts.bytes(), options_of({}, recode)), overhead), false);
  if (holds().sorted_parts) std::ranges::sort(views, {}, &PartView::role);
  std::vector<StoredPart> stored;
  source::located(*source_, Access::row(tensor), nullptr, [&] {
    for (const PartView& view : views) {
      ArrayPieces pieces(view.array);
      const std::string_view digest = source_->catalog.text(source::row_of(tensor.part(view.role)).digest);
      stored.push_back(draft_.store(pieces, view.array.dtype, options_of(digest, recode)));
    }
  });
  add_row(name, tensor);
  for (std::size_t i = 0; i < views.size(); ++i) {
    draft_.add_part(stored[i], views[i].role, *stored_dtype(views[i].array.dtype, *form().encoder));
  }
}

// Adds the row of a stored tensor, with those of its attributes that the format can hold.
void Mover::add_row(std::string_view name, const Tensor& tensor) {
  const bool plain = !holds().deterministic_attributes && holds().tensor_attributes;
  const std::vector<std::byte> attributes = source::without_delta(tensor.attributes_cbor());
  if (plain || attributes.empty()) {
    draft_.catalog.add_tensor(name, tensor.shape(), tensor.layout(), attributes);
    return;
  }
  const Value kept = reduced_attributes(Value::parse(attributes, source::kAnyDepth), *form().encoder, false);
  draft_.catalog.add_tensor(name, tensor.shape(), tensor.layout(), form().attributes_of(kept, false));
}

// The dtype that the format stores a part as.
DType Mover::dtype_of(const model::PartRow& part) const { return *stored_dtype(part.dtype, *form().encoder); }

// Whether bytes of the part other than 0 and 1 become 1.
bool Mover::cleans(const model::PartRow& part) const { return form().options.lossy && part.dtype == DType::boolean; }

// Whether the format of the new file has no place for planes of such a tensor.
bool Mover::is_misplaced(model::Coding coding) const {
  return coding.codec == Codec::planes && holds().planes_of_dense && !draft_.plain;
}

MovePlan Mover::plan_of(const model::PartRow& part, std::optional<Encoding> recode) const {
  const MovedPart moved{.foreign = source::is_foreign(source_->catalog.format),
                        .decoded_digests = source_->catalog.decoded_digests,
                        .coding = part.recipe.coding,
                        .whole = part.recipe.view == model::kWhole && part.recipe.swap == 0,
                        .changed = cleans(part) || is_misplaced(part.recipe.coding) || part.recipe.coding.is_delta(),
                        .digest = source_->catalog.text(part.digest),
                        .is_seekable = [&] { return is_seekable(*source_, part); }};
  return plan_move(moved, form(), recode);
}

// How to store a part anew whose digest was `digest`. A sha256 over the same kind of bytes stays a sha256, as it does if
// the stored bytes move: the writer of the source chose it.
PartOptions Mover::options_of(std::string_view digest, std::optional<Encoding> recode) const {
  PartOptions wanted = form().part_options();
  if (recode) wanted.encoding = *recode;
  const bool same_rule = source_->catalog.decoded_digests == (holds().digests == model::Digests::decoded);
  const bool strong = digest.starts_with("sha256:") && same_rule && holds().sha256 && !form().canonical;
  if (strong && !form().options.checksum) wanted.checksum = Checksum::sha256;
  return wanted;
}

// The stored part of the same bytes, if another tensor has brought it already. Empty otherwise.
std::optional<StoredPart> Mover::find_tied(const Tensor& tensor, const model::PartRow& part, const Range& range,
                                           bool as_is) {
  if (form().options.whole_shards || !holds().shared_parts) return std::nullopt;
  const auto known = moved_.find(range);
  if (known == moved_.end()) return std::nullopt;
  StoredPart stored = known->second.part;
  const model::Catalog& catalog = source_->catalog;
  const std::string_view digest = catalog.text(part.digest);
  const model::PartRow& twin = *known->second.from;
  if (digest == catalog.text(twin.digest) && part.recipe.decoded_length == twin.recipe.decoded_length) return stored;
  tensor.part(catalog.word(part.role)).check();  // the same bytes, but with another digest or length: check them
  const bool same_rule = catalog.decoded_digests == (holds().digests == model::Digests::decoded);
  if (as_is && !form().options.checksum && same_rule) stored.digest = digest;
  return stored;
}

StoredPart Mover::store_part(const Tensor& tensor, const model::PartRow& part, std::optional<Encoding> recode) {
  const model::Recipe& recipe = part.recipe;
  PartOptions wanted = options_of(source_->catalog.text(part.digest), recode);
  const bool planes = wanted.encoding.codec() == Codec::planes || recipe.coding.codec == Codec::planes;
  const Range range{recipe.file,           recipe.offset,
                    recipe.stored_length,  recipe.coding,
                    recipe.view,           recipe.swap,
                    cleans(part),          planes ? model::element_form(dtype_of(part)) : ElementForm::bytes1,
                    planes && draft_.plain};
  const MovePlan plan = plan_of(part, recode);
  if (auto tied = find_tied(tensor, part, range, plan.as_is)) return *std::move(tied);
  // A compressed part stays compressed, even if it must be encoded anew.
  const bool may_compress = !form().canonical && form().encoder->has_codec(recipe.coding.codec);
  if (!recode && may_compress && wanted.encoding.is_raw()) wanted.encoding = codec::row_of(recipe.coding.codec).usual;
  StoredPart stored = plan.as_is ? store_moved(part, plan) : store_decoded(part, wanted);
  if (recipe.stored_length > 0 && !recipe.coding.is_delta()) moved_.insert_or_assign(range, Moved{stored, &part});
  return stored;
}

StoredPart Mover::store_moved(const model::PartRow& part, const MovePlan& plan) {
  // In 1.x the digest is over the stored bytes. Reading them as a raw part checks the digest, and moves them unchanged.
  model::Recipe seen = part.recipe;
  seen.coding = model::Coding::raw;
  seen.decoded_length = seen.stored_length;
  read::PartSource bytes = source_->part_source(part, seen);
  if (source_->catalog.decoded_digests && !part.recipe.coding.is_raw())
    bytes.digest = {};  // it is over the decoded bytes, and checked below
  StoredPieces pieces(bytes);
  if (plan.check_decoded) decoded_digest_of(*source_, part, Checksum::xxh3);
  const bool hashes = plan.digest == MovedDigest::hash;
  StoredPart stored = draft_.store(pieces, dtype_of(part),
                                   {.checksum = hashes ? plan.checksum : Checksum::none,
                                    .digest_decoded = holds().digests == model::Digests::decoded,
                                    .archive = form().encoder->archive});
  stored.recipe.coding = part.recipe.coding;
  stored.recipe.decoded_length = part.recipe.decoded_length;
  if (plan.digest == MovedDigest::keep) stored.digest = source_->catalog.text(part.digest);
  if (plan.digest == MovedDigest::decode) stored.digest = decoded_digest_of(*source_, part, plan.checksum);
  return stored;
}

StoredPart Mover::store_decoded(const model::PartRow& part, const PartOptions& options) {
  const model::Recipe recipe = source_->measured(part);
  if (cleans(part)) {
    BoolPieces pieces(source_->part_source(part, recipe));
    return draft_.store(pieces, dtype_of(part), options);
  }
  StoredPieces pieces(source_->part_source(part, recipe));
  return draft_.store(pieces, dtype_of(part), options);
}

}  // namespace zt::write
