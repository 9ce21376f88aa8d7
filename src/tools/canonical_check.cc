#include "tools/canonical_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <numeric>
#include <utility>

#include "base/blocks.h"
#include "base/checked.h"
#include "base/utf8.h"
#include "container/zt2/footer.h"
#include "container/zt2/zt2.h"
#include "hash/digest.h"
#include "run/progress.h"
#include "source/access.h"
#include "source/state.h"
#include "wire/normal_form.h"

namespace zt::tools {
namespace {

namespace zt2 = container::zt2;

constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;

// One check: builds the catalog that the canonical writer would have made of the same tensors, and compares the file
// with it.
class CanonicalCheck {
 public:
  CanonicalCheck(const Source& source, const Progress& progress)
      : source_(source), state_(*Access::state(source)), meter_(progress, state_.store->size()) {}
  std::vector<Finding> run();

 private:
  void find(std::string_view tensor, const char* rule, std::string message) {
    Error error(Code::malformed, rule, "not canonical: " + std::move(message));
    if (!tensor.empty()) error.enter("tensor " + in_quotes(tensor));
    error.enter_file(state_.name);
    found_.push_back({std::string(tensor), std::move(error)});
  }
  void check_names();
  void add_tensor(std::uint32_t row);
  void add_part(std::string_view tensor, const model::PartRow& part);
  std::uint64_t place(std::string_view tensor, const model::PartRow& part);
  bool same_bytes(const model::Recipe& a, const model::Recipe& b);
  void check_gaps();
  void check_zeros(std::uint64_t from, std::uint64_t to);
  void check_end();

  const Source& source_;
  const SourceState& state_;
  run::Meter meter_;
  model::Catalog canonical_;  // the catalog that the canonical writer would have made
  std::uint64_t next_ = zt2::kHeaderBytes;
  using Content = std::pair<std::string_view, std::uint64_t>;  // digest and length
  std::multimap<Content, const model::Recipe*> placed_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> extents_;  // the places of the parts, in order of the parts
  std::vector<Finding> found_;
};

// zt-2 §11
void CanonicalCheck::check_names() {
  for (const Tensor tensor : source_) {
    if (!wire::is_nfc(tensor.name())) find(tensor.name(), "canonical.name", "the name is not in normal form NFC");
  }
  const Value attributes = source_.attributes();
  if (attributes.members() == nullptr) return;
  for (const auto& [key, value] : *attributes.members()) {
    if (key.text() != nullptr && !wire::is_nfc(*key.text())) {
      find("", "canonical.name", "attribute " + in_quotes(*key.text()) + " is not in normal form NFC");
    }
  }
}

bool CanonicalCheck::same_bytes(const model::Recipe& a, const model::Recipe& b) {
  std::vector<std::byte> left;
  std::vector<std::byte> right;
  for (std::uint64_t at = 0; at < a.stored_length; at += left.size()) {
    left.resize(static_cast<std::size_t>(std::min(kChunk, a.stored_length - at)));
    right.resize(left.size());
    state_.store->read_at(a.offset + at, left);
    state_.store->read_at(b.offset + at, right);
    meter_.poll();
    if (std::memcmp(left.data(), right.data(), left.size()) != 0) return false;
  }
  return true;
}

// Where the canonical writer puts a part: at the place of an earlier part with the same bytes, or after all parts so
// far. zt-2 §11
std::uint64_t CanonicalCheck::place(std::string_view tensor, const model::PartRow& part) {
  const model::Recipe& recipe = part.recipe;
  const Content content(state_.catalog.text(part.digest), recipe.stored_length);
  if (recipe.stored_length != 0) {
    const auto [first, last] = placed_.equal_range(content);
    for (auto twin = first; twin != last; ++twin) {
      if (twin->second->offset == recipe.offset) return recipe.offset;
      if (!same_bytes(*twin->second, recipe)) continue;
      find(tensor, "canonical.shared",
           "part " + in_quotes(state_.catalog.word(part.role)) +
               " repeats the bytes of an earlier part, and must share them");
      return twin->second->offset;
    }
  }
  const std::uint64_t at = checked::round_up(next_, zt2::kCanonicalAlignment);
  if (at != recipe.offset) {
    find(tensor, "canonical.place",
         "part " + in_quotes(state_.catalog.word(part.role)) + " is at " + std::to_string(recipe.offset) + ", not at " +
             std::to_string(at));
  }
  next_ = at + recipe.stored_length;
  extents_.emplace_back(recipe.offset, recipe.stored_length);
  placed_.emplace(content, &recipe);
  return at;
}

// zt-2 §11
void CanonicalCheck::add_part(std::string_view tensor, const model::PartRow& part) {
  const model::Catalog& catalog = state_.catalog;
  const std::string role = "part " + in_quotes(catalog.word(part.role));
  const std::string_view digest = catalog.text(part.digest);
  if (part.recipe.file != 0) find(tensor, "canonical.shards", role + " is in another file");
  if (!part.recipe.coding.is_raw()) find(tensor, "canonical.encoding", role + " is encoded");
  const auto parsed = hash::parse_decoded_digest(digest);
  if (!parsed || parsed->algorithm != Checksum::xxh3) find(tensor, "canonical.digest", role + " has no xxh3 digest");
  if (!wire::is_nfc(catalog.word(part.role))) find(tensor, "canonical.name", role + " is not in normal form NFC");
  model::Recipe recipe = part.recipe;
  recipe.offset = place(tensor, part);
  model::PartRow& added = canonical_.add_part(catalog.word(part.role), part.dtype, recipe, digest);
  added.storage = canonical_.intern(catalog.word(part.storage));
  added.logical = canonical_.intern(catalog.word(part.logical));
}

void CanonicalCheck::add_tensor(std::uint32_t row) {
  const model::Catalog& catalog = state_.catalog;
  const model::TensorRow& tensor = catalog.tensor(row);
  const std::string_view name = catalog.text(tensor.name);
  std::string_view attributes = catalog.text(tensor.attributes);
  if (attributes == "\xA0") attributes = {};  // an empty map is not stored
  canonical_.add_tensor(name, catalog.shape(tensor), catalog.word(tensor.layout), as_bytes(attributes));
  std::vector<const model::PartRow*> parts;
  for (const model::PartRow& part : catalog.parts(tensor)) parts.push_back(&part);
  std::ranges::sort(parts, {}, [&](const model::PartRow* part) { return catalog.word(part->role); });
  for (const model::PartRow* part : parts) add_part(name, *part);
}

// zt-2 §11
void CanonicalCheck::check_zeros(std::uint64_t from, std::uint64_t to) {
  if (from >= to) return;
  for_each_block(*state_.store, {from, to - from}, [&](std::uint64_t at, std::span<const std::byte> block) {
    const auto odd = std::ranges::find_if(block, [](std::byte byte) { return byte != std::byte{0}; });
    if (odd == block.end()) return true;
    find("", "canonical.padding",
         "byte " + std::to_string(at + static_cast<std::uint64_t>(odd - block.begin())) + " is not zero");
    return false;
  });
}

void CanonicalCheck::check_gaps() {
  std::ranges::sort(extents_);
  const std::uint64_t manifest = state_.catalog.manifest.offset;
  std::uint64_t end = zt2::kHeaderBytes;
  for (const auto& [offset, length] : extents_) {
    if (offset > end) check_zeros(end, std::min(offset, manifest));
    end = std::max(end, offset + length);
    meter_.poll();
  }
  if (manifest > end) check_zeros(end, manifest);
}

// Checks that the manifest follows the parts, has the canonical bytes, and is followed by the footer that ends the
// file.
// zt-2 §11
void CanonicalCheck::check_end() {
  const Region live = state_.catalog.manifest;
  const std::uint64_t at = checked::round_up(next_, zt2::kCanonicalAlignment);
  if (live.offset != at) {
    find("", "canonical.place", "the manifest is at " + std::to_string(live.offset) + ", not at " + std::to_string(at));
  }
  std::vector<std::byte> manifest(static_cast<std::size_t>(live.length));
  state_.store->read_at(live.offset, manifest);
  if (found_.empty() && zt2::kEncoder.manifest(canonical_) != manifest) {
    find("", "canonical.manifest", "the manifest differs from the canonical one: it has unknown keys or empty maps");
  }
  std::vector<std::byte> footer(zt2::kFooterBytes);
  state_.store->read_at(state_.store->size() - footer.size(), footer);
  const bool follows = live.offset + live.length + zt2::kFooterBytes == state_.store->size();
  if (!follows || zt2::kEncoder.footer(live.offset, manifest) != footer) {
    find("", "canonical.footer", "the footer does not follow the manifest, or its reserved bytes are not zero");
  }
}

// zt-2 §11
std::vector<Finding> CanonicalCheck::run() {
  if (state_.catalog.format != "zt-2") {
    find("", "canonical.format", "the format is " + state_.catalog.format + ": only zt-2 has a canonical form");
    return std::move(found_);
  }
  if (!state_.catalog.files.empty()) {
    find("", "canonical.shards", "the file has shards");
    return std::move(found_);
  }
  check_names();
  canonical_.attributes = state_.catalog.attributes;
  std::vector<std::uint32_t> rows(state_.catalog.shown());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::sort(rows, {}, [&](std::uint32_t row) { return state_.catalog.text(state_.catalog.tensor(row).name); });
  for (const std::uint32_t row : rows) add_tensor(row);
  check_gaps();
  check_end();
  meter_.finish();
  return std::move(found_);
}

}  // namespace

std::vector<Finding> find_uncanonical(const Source& source, const Progress& progress) {
  return CanonicalCheck(source, progress).run();
}

}  // namespace zt::tools
