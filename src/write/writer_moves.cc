// Tensors of other sources: moved as they are stored where both formats agree on that, else decoded and stored anew.

#include <algorithm>

#include "base/checked.h"
#include "base/utf8.h"
#include "read/frames.h"
#include "write/admission.h"
#include "write/content.h"
#include "write/references.h"
#include "write/writer_state.h"

namespace zt {
namespace {

bool is_sparse(std::string_view layout) { return layout == "sparse_csr" || layout == "sparse_coo"; }

// Whether zstd frames and a seek table are all that is stored, as generation 2 wants it.
bool is_seekable(const SourceState& from, const model::PartRow& part) {
  if (part.recipe.coding != model::Coding::zstd) return part.recipe.coding == model::Coding::seekable;
  if (part.recipe.decoded_length == model::kUnknownLength) return false;
  try {
    read::require_frames(from.store_of(part.recipe.file), part.recipe);
    return true;
  } catch (const Error& error) {
    if (error.code() != Code::malformed) throw;
    return false;
  }
}

// Whether the stored bytes of a part mean the same in the other format.
bool moves(const SourceState& from, const model::PartRow& part, const model::Encoder& encoder) {
  if (part.recipe.view != model::kWhole) return false;
  if (part.recipe.coding == model::Coding::raw) return true;
  return !encoder.decoded_digests || is_seekable(from, part);
}

}  // namespace

// Which shards a file of references names: each file once.
std::uint16_t Writer::State::add_shard(const SourceState& from, std::uint16_t file) {
  const auto [known, added] =
      referenced.try_emplace({&from, file}, static_cast<std::uint16_t>(catalog.shards.size() + 1));
  if (!added) return known->second;
  model::ShardRow row = write::shard_of(from, file, path);
  const auto same = [&](const model::ShardRow& one) { return one.size == row.size && one.digest == row.digest; };
  const auto twin = std::ranges::find_if(catalog.shards, same);
  if (twin != catalog.shards.end()) {
    known->second = static_cast<std::uint16_t>(twin - catalog.shards.begin() + 1);
    return known->second;
  }
  const auto taken = [&](const model::ShardRow& one) { return one.name == row.name; };
  const std::string wanted = row.name.substr(0, 58);
  for (std::size_t i = 2; std::ranges::any_of(catalog.shards, taken); ++i) row.name = wanted + "." + std::to_string(i);
  catalog.shards.push_back(std::move(row));
  return known->second;
}

void Writer::add_reference(std::string_view name, const Tensor& tensor) {
  State& state = *state_;
  state.check_new(name);
  tensor.throw_unreadable();
  if (!state.encoder->holds.strict || state.canonical || state.shards || state.growing || state.path.empty()) {
    throw Error(Code::usage, "",
                "references are for new files of format 2 on disk, not canonical and without shards of their own");
  }
  const SourceState& from = *tensor.state_;
  if (state.references.empty() || state.references.back() != tensor.state_) state.references.push_back(tensor.state_);
  const model::TensorRow& row = from.catalog.tensor(tensor.row_);
  if (from.catalog.format != "zt-2") {
    throw Error(Code::unsupported, "write.reference", "only tensors of files of format 2 can be referenced");
  }
  source::located(from, tensor.row_, nullptr, [&] {
    std::vector<write::Blob> blobs;
    for (const model::PartRow& part : from.catalog.parts(row)) {
      write::Blob blob{part.recipe, std::string(from.catalog.text(part.digest))};
      blob.recipe.file = state.add_shard(from, part.recipe.file);
      blobs.push_back(std::move(blob));
    }
    state.catalog.add_tensor(name, tensor.shape(), tensor.layout(), tensor.attributes_cbor());
    std::size_t i = 0;
    for (const model::PartRow& part : from.catalog.parts(row)) {
      state.add_row(blobs[i++], from.catalog.word(part.role), part.dtype);
    }
  });
}

write::Blob Writer::State::store_moved(const SourceState& from, const model::PartRow& part) {
  // Seen as raw, the stored bytes of 1.x are what the digest is over: it is checked, and they move as they are.
  model::Recipe stored = part.recipe;
  stored.coding = model::Coding::raw;
  stored.decoded_length = stored.stored_length;
  read::PartSource bytes_of = from.part_source(part, stored);
  const std::string_view digest = from.catalog.text(part.digest);
  const bool encoded = part.recipe.coding != model::Coding::raw;
  if (from.catalog.decoded_digests && encoded) bytes_of.digest = {};  // over what is decoded: see below
  write::StoredSource bytes(bytes_of);
  if (encoder->decoded_digests) {
    const bool strong = from.catalog.decoded_digests && digest.starts_with("sha256:") && !canonical;
    const Checksum checksum = options.checksum.value_or(strong ? Checksum::sha256 : Checksum::xxh3);
    write::Blob blob = store(bytes, {.checksum = encoded ? Checksum::none : checksum, .digest_decoded = true});
    blob.recipe.decoded_length = part.recipe.decoded_length;
    if (!encoded) return blob;
    blob.recipe.coding = model::Coding::seekable;
    blob.digest = write::digest_of(from, part, checksum);  // one decode, which checks the digest that it has, too
    return blob;
  }
  // Readers of 1.0 check no other digest than their own.
  const bool foreign = encoder->format == "zt-1.0" && !digest.starts_with("crc32c:0x");
  const bool keeps_digest = !from.catalog.decoded_digests && !options.checksum && !foreign;
  const Checksum checksum = keeps_digest ? Checksum::none : options.checksum.value_or(Checksum::crc32c);
  if (from.catalog.decoded_digests && encoded) write::digest_of(from, part, Checksum::xxh3);
  write::Blob blob = store(bytes, {.checksum = checksum});
  if (encoded) blob.recipe.coding = model::Coding::zstd;
  blob.recipe.decoded_length = part.recipe.decoded_length;
  if (keeps_digest) blob.digest = digest;
  return blob;
}

write::Blob Writer::State::store_decoded(const SourceState& from, const model::PartRow& part,
                                         const write::PartOptions& part_options) {
  const model::Recipe recipe = from.measured(part);
  if (options.lossy && part.dtype == DType::boolean) {
    write::BoolSource bytes(from.part_source(part, recipe));
    return store(bytes, part_options);
  }
  write::StoredSource bytes(from.part_source(part, recipe));
  return store(bytes, part_options);
}

// What the format cannot hold is refused by name, or left out and told.
void Writer::State::give_up_losses(const Tensor& tensor) {
  std::vector<write::Loss> all = write::losses_of(tensor, *encoder);
  const auto more = write::losses_of_content(tensor, *encoder);
  all.insert(all.end(), more.begin(), more.end());
  write::check_losses(all, *encoder, options.lossy);
  for (const write::Loss& loss : all) losses.push_back(std::string(tensor.name()) + ": " + loss.what);
}

// Whether a part is stored as it lies in its source.
bool Writer::State::keeps_stored(const SourceState& from, const model::PartRow& part,
                                 std::optional<Encoding> recode) const {
  const bool raw = part.recipe.coding == model::Coding::raw;
  if (!from.catalog.format.starts_with("zt-") || (canonical && !raw)) return false;
  if (recode && !(recode->is_raw() && raw)) return false;
  if (options.lossy && part.dtype == DType::boolean) return false;  // its bytes may change
  return moves(from, part, *encoder);
}

// The bytes of a part that was stored already, under another name. Empty when it was not.
std::optional<write::Blob> Writer::State::find_tied(const Tensor& tensor, const model::PartRow& part,
                                                    const Range& range, bool as_stored) {
  const auto known = options.whole_shards ? moved.end() : moved.find(range);
  if (known == moved.end()) return std::nullopt;
  write::Blob blob = known->second.blob;
  const SourceState& from = *source;
  const std::string_view digest = from.catalog.text(part.digest);
  const model::PartRow& twin = *known->second.from;
  if (digest == from.catalog.text(twin.digest) && part.recipe.decoded_length == twin.recipe.decoded_length) return blob;
  tensor.part(from.catalog.word(part.role)).check();  // the same bytes, but it says something else of them
  if (as_stored && !options.checksum && from.catalog.decoded_digests == encoder->decoded_digests) blob.digest = digest;
  return blob;
}

write::Blob Writer::State::store_part(const Tensor& tensor, const model::PartRow& part,
                                      std::optional<Encoding> recode) {
  const model::Recipe& recipe = part.recipe;
  const Range range{recipe.file, recipe.offset, recipe.stored_length, recipe.coding, recipe.view};
  const bool as_stored = keeps_stored(*source, part, recode);
  if (auto tied = find_tied(tensor, part, range, as_stored)) return *std::move(tied);
  write::PartOptions wanted = part_options({});
  if (recode) wanted.encoding = *recode;
  // Compressed parts stay so, even where their form has to change.
  if (!recode && !canonical && recipe.coding != model::Coding::raw && wanted.encoding.is_raw()) {
    wanted.encoding = Encoding::zstd();
  }
  write::Blob blob = as_stored ? store_moved(*source, part) : store_decoded(*source, part, wanted);
  if (recipe.stored_length > 0) moved.insert_or_assign(range, Stored{blob, &part});
  return blob;
}

void Writer::State::store_existing(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode) {
  const SourceState& from = *source;
  const model::TensorRow& row = from.catalog.tensor(tensor.row_);
  const std::string_view layout = tensor.layout();
  const bool to_other = from.catalog.format.substr(0, 4) != encoder->format.substr(0, 4) || encoder->format == "zt-1.0";
  const bool sorts = options.lossy && layout == "sparse_csr" && encoder->holds.strict;
  if (is_sparse(layout) && (sorts || (to_other && write::needs_wide(tensor, *encoder)))) {
    return store_sparse(name, tensor, recode);
  }
  std::vector<const model::PartRow*> parts;
  std::uint64_t bound = 0;
  for (const model::PartRow& part : from.catalog.parts(row)) {
    if (!write::is_kept(layout, from.catalog.word(part.role), *encoder)) continue;
    parts.push_back(&part);
    const std::uint64_t decoded = part.recipe.decoded_length == model::kUnknownLength ? 0 : part.recipe.decoded_length;
    bound = checked::add(bound, std::max(part.recipe.stored_length, decoded)).value_or(bound);
  }
  if (encoder->holds.strict) {
    std::ranges::sort(parts, {}, [&](const model::PartRow* part) { return from.catalog.word(part->role); });
  }
  begin_tensor(name, bound);
  std::vector<write::Blob> stored_blobs;
  for (const model::PartRow* part : parts) {
    source::located(from, tensor.row_, part, [&] { stored_blobs.push_back(store_part(tensor, *part, recode)); });
  }
  add_tensor_row(name, tensor);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    add_row(stored_blobs[i], from.catalog.word(parts[i]->role), *write::stored_dtype(parts[i]->dtype, *encoder));
  }
}

// The row of a tensor that was stored, with what the format can hold of its attributes.
void Writer::State::add_tensor_row(std::string_view name, const Tensor& tensor) {
  const bool plain = !encoder->holds.strict && encoder->holds.tensor_attributes;
  if (plain || tensor.attributes_cbor().empty()) {
    catalog.add_tensor(name, tensor.shape(), tensor.layout(), tensor.attributes_cbor());
    return;
  }
  const Value kept = write::reduced_attributes(source::TensorAccess::attributes(tensor), *encoder, false);
  catalog.add_tensor(name, tensor.shape(), tensor.layout(), attributes_of(kept, false));
}

// A sparse tensor whose indices have to be put otherwise: widened, or sorted.
void Writer::State::store_sparse(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode) {
  const SourceState& from = *source;
  write::SparseParts parts = write::read_sparse(tensor);
  if (options.lossy && encoder->holds.strict) write::sort_entries(parts);
  write::PartOptions wanted = part_options({});
  if (recode) wanted.encoding = *recode;
  begin_tensor(name, write::stored_bound(parts.bytes(), wanted));
  std::vector<PartView> views = parts.views();
  if (encoder->holds.strict) std::ranges::sort(views, {}, &PartView::role);
  std::vector<write::Blob> stored_blobs;
  source::located(from, tensor.row_, nullptr, [&] {
    for (const PartView& view : views) {
      write::ArraySource bytes(view.array);
      stored_blobs.push_back(store(bytes, wanted));
    }
  });
  add_tensor_row(name, tensor);
  for (std::size_t i = 0; i < views.size(); ++i) {
    add_row(stored_blobs[i], views[i].role, *write::stored_dtype(views[i].array.dtype, *encoder));
  }
}

void Writer::add_stored(std::string_view name, const Tensor& tensor, std::optional<Encoding> encoding, bool replace) {
  State& state = *state_;
  state.check_open();
  tensor.throw_unreadable();
  source::located(*tensor.state_, tensor.row_, nullptr, [&] {
    write::check_movable(name, state.canonical);
    state.give_up_losses(tensor);
  });
  state.check_new(name, replace);
  if (encoding) state.part_options({.encoding = encoding});  // throws usage where the form of the file rules it out
  if (state.source != tensor.state_) {
    state.source = tensor.state_;
    state.moved.clear();
  }
  state.store_existing(name, tensor, encoding);
  state.end_tensor(name, replace);
}

}  // namespace zt
