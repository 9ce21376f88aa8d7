#include "model/catalog.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <random>

#include "base/endian.h"
#include "base/utf8.h"

namespace zt::model {
namespace {

// Differs from process to process. So no file can be made that puts all its names in one place of the index.
std::uint64_t process_seed() {
  // A static with an initializer would not do: if a thread initializes it during a fork, the child waits for that
  // thread for ever.
  static std::atomic<std::uint64_t> chosen = 0;
  std::uint64_t seed = chosen.load();
  if (seed != 0) return seed;
  std::random_device device;
  const std::uint64_t random = (std::uint64_t{device()} << 32) | device() | 1U;
  return chosen.compare_exchange_strong(seed, random) ? random : seed;
}

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

constexpr std::size_t kLeastIndex = 16;

// The low bits choose the place.
std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

// A keyed multiply-and-fold over words of eight bytes.
std::uint64_t Catalog::hash(std::string_view name) const {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;
  std::uint64_t state = seed_ ^ (name.size() * kOdd);
  while (name.size() >= 8) {
    state = fold(state ^ endian::load_le<std::uint64_t>(as_bytes(name).data()), kOdd ^ seed_);
    name.remove_prefix(8);
  }
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < name.size(); ++i) word |= std::uint64_t{static_cast<std::uint8_t>(name[i])} << (8 * i);
  return fold(fold(state ^ word, kOdd ^ seed_), kOdd);
}

Catalog::Catalog() : seed_(process_seed()) {}

Text Catalog::keep(std::string_view text) {
  constexpr std::size_t kMost = 0xFFFFFFFF;
  if (text.size() > kMost - texts_.size()) {
    throw Error(Code::limit, "catalog.size", "names, digests and attributes take more than 4 GiB");
  }
  const Text kept{static_cast<std::uint32_t>(texts_.size()), static_cast<std::uint32_t>(text.size())};
  texts_ += text;
  return kept;
}

void Catalog::expect(std::uint64_t tensors, std::size_t index_bytes) {
  constexpr std::size_t kLeastEntry = 48;  // hardly any valid entry is shorter
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(tensors, index_bytes / kLeastEntry));
  tensors_.reserve(count);
  parts_.reserve(count);
  dimensions_.reserve(2 * count);
  texts_.reserve(index_bytes / 2);
  make_index(std::bit_ceil(std::max(kLeastIndex, count + count / 3 + 1)));
}

void Catalog::make_index(std::size_t size) {
  std::vector<Slot> index(size);
  const std::size_t mask = index.size() - 1;
  for (std::uint32_t row = 0; row < tensors_.size(); ++row) {
    const std::uint64_t name_hash = hash(text(tensors_[row].name));
    std::size_t at = name_hash & mask;
    while (index[at].row != kNone) at = (at + 1) & mask;
    index[at] = {row, tag_of(name_hash)};
  }
  index_ = std::move(index);
}

std::size_t Catalog::place(std::string_view name, std::uint64_t hash) const {
  const std::size_t mask = index_.size() - 1;
  const auto is_here = [&](Slot slot) { return slot.tag == tag_of(hash) && text(tensors_[slot.row].name) == name; };
  std::size_t at = hash & mask;
  while (index_[at].row != kNone && !is_here(index_[at])) at = (at + 1) & mask;
  return at;
}

std::optional<std::uint32_t> Catalog::find(std::string_view name) const {
  if (index_.empty()) return std::nullopt;
  const std::uint32_t row = index_[place(name, hash(name))].row;
  if (row == kNone) return std::nullopt;
  return row;
}

bool Catalog::add_tensor(std::string_view name, std::span<const std::uint64_t> shape, std::string_view layout,
                         std::span<const std::byte> attribute_map) {
  if ((tensors_.size() + 1) * 4 > index_.size() * 3) make_index(std::max(kLeastIndex, index_.size() * 2));
  const std::uint64_t name_hash = hash(name);
  __builtin_prefetch(&index_[name_hash & (index_.size() - 1)]);  // names lie anywhere: it comes while the row is made
  if (tensors_.size() + 1 >= kNone || dimensions_.size() + shape.size() >= kNone || shape.size() > 255) {
    throw Error(Code::limit, "catalog.size", "the file has more tensors or dimensions than a catalog can hold");
  }
  TensorRow row;
  row.name = keep(name);
  row.attributes = keep(as_text(attribute_map));
  row.dimensions = static_cast<std::uint32_t>(dimensions_.size());
  row.rank = static_cast<std::uint8_t>(shape.size());
  row.parts = static_cast<std::uint32_t>(parts_.size());
  row.layout = intern(layout);
  const std::size_t at = place(name, name_hash);
  if (index_[at].row != kNone) {
    texts_.resize(row.name.at);
    return false;
  }
  dimensions_.insert(dimensions_.end(), shape.begin(), shape.end());
  index_[at] = {static_cast<std::uint32_t>(tensors_.size()), tag_of(name_hash)};
  tensors_.push_back(row);
  return true;
}

void Catalog::hide(std::span<const std::uint32_t> rows) {
  if (rows.empty()) return;
  std::vector<TensorRow> shown;
  shown.reserve(tensors_.size());
  std::vector<TensorRow> hidden;
  std::size_t next = 0;
  for (std::uint32_t row = 0; row < tensors_.size(); ++row) {
    const bool hides = next < rows.size() && rows[next] == row;
    if (hides) ++next;
    (hides ? hidden : shown).push_back(tensors_[row]);
  }
  hidden_ = static_cast<std::uint32_t>(hidden.size());
  shown.insert(shown.end(), hidden.begin(), hidden.end());
  tensors_ = std::move(shown);
  make_index(index_.size());
}

PartRow& Catalog::add_part(std::string_view role, DType dtype, const Recipe& recipe, std::string_view digest) {
  if (parts_.size() + 1 >= kNone) {
    throw Error(Code::limit, "catalog.size", "the file has more parts than a catalog can hold");
  }
  PartRow row;
  row.recipe = recipe;
  row.digest = keep(digest);
  row.role = intern(role);
  row.dtype = dtype;
  parts_.push_back(row);
  ++tensors_.back().part_count;
  return parts_.back();
}

void Catalog::add_copy(std::string_view name, std::uint32_t row) {
  const TensorRow original = tensors_[row];
  const std::vector<std::uint64_t> shape_copy(shape(original).begin(), shape(original).end());
  add_tensor(name, shape_copy, word(original.layout), {});
  tensors_.back().attributes = original.attributes;
  for (std::uint32_t i = 0; i < original.part_count; ++i) {
    const PartRow part = parts_[original.parts + i];
    parts_.push_back(part);
  }
  tensors_.back().part_count = original.part_count;
}

// A file of very many broken entries mostly has the same fault again and again: such a fault is kept once.
std::uint32_t Catalog::keep(Fault fault) {
  if (faults_.empty() || !(faults_.back() == fault)) faults_.push_back(std::move(fault));
  return static_cast<std::uint32_t>(faults_.size() - 1);
}

void Catalog::fault_tensor(Fault fault) {
  if (tensors_.back().fault == kNone) tensors_.back().fault = keep(std::move(fault));
}

void Catalog::fault_part(Fault fault) {
  if (parts_.back().fault == kNone) parts_.back().fault = keep(std::move(fault));
}

void Catalog::fault_entry(std::uint32_t row, Fault fault) {
  TensorRow& tensor = tensors_[row];
  const std::uint32_t kept = keep(std::move(fault));
  if (tensor.fault == kNone) tensor.fault = kept;
  for (PartRow& part : std::span(parts_).subspan(tensor.parts, tensor.part_count)) {
    if (part.fault == kNone) part.fault = kept;
  }
}

void Catalog::shrink() {
  tensors_.shrink_to_fit();
  parts_.shrink_to_fit();
  dimensions_.shrink_to_fit();
  texts_.shrink_to_fit();
  views_.shrink_to_fit();
  owned_.shrink_to_fit();
}

std::optional<std::uint32_t> Catalog::find_part(const TensorRow& tensor, std::string_view role) const {
  for (std::uint32_t row = tensor.parts; row < tensor.parts + tensor.part_count; ++row) {
    if (word(parts_[row].role) == role) return row;
  }
  return std::nullopt;
}

std::uint32_t Catalog::add_view(const View& view) {
  if (views_.size() + 1 >= kNone || dimensions_.size() + 2 * view.shape.size() >= kNone) {
    throw Error(Code::limit, "catalog.size", "the file has more parts than a catalog can hold");
  }
  views_.push_back({.blob_length = view.blob_length,
                    .start = view.start,
                    .axes = static_cast<std::uint32_t>(dimensions_.size()),
                    .element_bytes = view.element_bytes,
                    .rank = static_cast<std::uint32_t>(view.shape.size()),
                    .flip = view.flip});
  dimensions_.insert(dimensions_.end(), view.shape.begin(), view.shape.end());
  for (const std::int64_t stride : view.strides) dimensions_.push_back(static_cast<std::uint64_t>(stride));
  return static_cast<std::uint32_t>(views_.size() - 1);
}

View Catalog::view(std::uint32_t number) const {
  const ViewRow& row = views_[number];
  const std::uint64_t* axes = dimensions_.data() + row.axes;
  // Strides are kept as unsigned numbers of the same width, which C++ lets us read as signed ones.
  return {.blob_length = row.blob_length,
          .start = row.start,
          .shape = {axes, row.rank},
          .strides = {reinterpret_cast<const std::int64_t*>(axes + row.rank), row.rank},
          .element_bytes = row.element_bytes,
          .flip = row.flip};
}

std::uint64_t Catalog::own(std::span<const std::byte> bytes) {
  const std::uint64_t at = owned_.size();
  owned_.insert(owned_.end(), bytes.begin(), bytes.end());
  return at;
}

std::uint32_t Catalog::intern(std::string_view word) {
  if (word.empty()) return 0;
  // "dense", "data" and the names of dtypes, which each tensor repeats, fall on different places.
  const std::size_t mixed =
      2 * (word.size() + static_cast<std::uint8_t>(word[0])) + static_cast<std::uint8_t>(word.back());
  std::uint32_t& recent = recent_words_[mixed % recent_words_.size()];
  if (words_[recent] != word) recent = find_or_add(word);
  return recent;
}

std::uint32_t Catalog::find_or_add(std::string_view word) {
  const auto found = word_index_.find(word);
  if (found != word_index_.end()) return found->second;
  const auto number = static_cast<std::uint32_t>(words_.size());
  words_.emplace_back(word);
  word_index_.emplace(words_.back(), number);
  return number;
}

}  // namespace zt::model
