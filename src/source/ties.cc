#include <algorithm>
#include <memory>
#include <numeric>
#include <unordered_map>

#include "model/encoder.h"
#include "source/formats.h"
#include "source/state.h"

namespace zt {
namespace {

bool is_same_part(const model::PartRow& a, const model::PartRow& b) {
  const model::Recipe& x = a.recipe;
  const model::Recipe& y = b.recipe;
  return a.role == b.role && a.dtype == b.dtype && x.file == y.file && x.offset == y.offset &&
         x.stored_length == y.stored_length && x.decoded_length == y.decoded_length && x.coding == y.coding &&
         x.view == y.view && x.swap == y.swap;
}

bool is_tied(const model::Catalog& catalog, const model::TensorRow& a, const model::TensorRow& b) {
  return a.layout == b.layout && std::ranges::equal(catalog.shape(a), catalog.shape(b)) &&
         std::ranges::equal(catalog.parts(a), catalog.parts(b), is_same_part);
}

std::uint64_t key_of(const model::Catalog& catalog, const model::TensorRow& tensor, const model::PartRow& part) {
  std::uint64_t key = 0;
  const auto add = [&key](std::uint64_t number) {
    key = (key ^ number) * 0x9E3779B97F4A7C15U;
    key ^= key >> 32U;
  };
  const model::Recipe& recipe = part.recipe;
  for (const std::uint64_t number : {recipe.offset, std::uint64_t{recipe.file}, std::uint64_t{recipe.view},
                                     std::uint64_t{tensor.layout}, static_cast<std::uint64_t>(part.dtype)}) {
    add(number);
  }
  for (const std::uint64_t size : catalog.shape(tensor)) add(size);
  return key;
}

// Finds them by the place and the form of the first part. If two that differ have one key, the second one counts as not
// tied.
std::vector<std::size_t> ties_of(const model::Catalog& catalog) {
  std::vector<std::size_t> firsts(catalog.shown());
  std::unordered_map<std::uint64_t, std::size_t> at_key;
  at_key.reserve(catalog.shown());
  for (std::size_t row = 0; row < catalog.shown(); ++row) {
    firsts[row] = row;
    const model::TensorRow& tensor = catalog.tensor(static_cast<std::uint32_t>(row));
    const auto parts = catalog.parts(tensor);
    if (tensor.fault != model::kNone || parts.empty() || parts[0].recipe.stored_length == 0) continue;
    if (parts[0].recipe.coding.is_delta()) continue;  // its bytes may be those of another, over another base
    const auto [known, is_new] = at_key.try_emplace(key_of(catalog, tensor, parts[0]), row);
    if (!is_new && is_tied(catalog, catalog.tensor(static_cast<std::uint32_t>(known->second)), tensor)) {
      firsts[row] = known->second;
    }
  }
  return firsts;
}

std::vector<std::size_t> no_ties(std::size_t tensors) {
  std::vector<std::size_t> own(tensors);
  std::iota(own.begin(), own.end(), std::size_t{0});
  return own;
}

}  // namespace

bool Source::shares_equal_bytes() const {
  const model::Encoder* encoder = source::find_encoder(format());
  return encoder != nullptr && encoder->holds.equal_parts_once;
}

std::span<const std::size_t> Source::ties() const {
  const std::vector<std::size_t>* ties = state_->ties.load();
  if (ties == nullptr) {
    auto made = std::make_unique<const std::vector<std::size_t>>(shares_equal_bytes() ? no_ties(size())
                                                                                      : ties_of(state_->catalog));
    if (state_->ties.compare_exchange_strong(ties, made.get())) ties = made.release();  // else another thread was first
  }
  return *ties;
}

}  // namespace zt
