#include "ztensor/prefetch.h"

#include <utility>

#include "source/prefetch_state.h"

namespace zt {
namespace {

Prefetched on_host(source::PrefetchState::Item&& item) {
  return {.index = item.index, .memory = std::move(item.memory), .failure = std::move(item.failure)};
}

std::optional<Prefetched> on_host(std::optional<source::PrefetchState::Item>&& item) {
  return item ? std::optional(on_host(*std::move(item))) : std::nullopt;
}

}  // namespace

Prefetch::Prefetch(std::vector<PrefetchItem> items, const PrefetchOptions& options)
    : state_(std::make_unique<source::PrefetchState>(std::move(items), options)) {}

Prefetch::~Prefetch() { source::PrefetchState::end(std::move(state_)); }

std::optional<Prefetched> Prefetch::next(const Progress& progress) { return on_host(state_->next(progress)); }
std::optional<Prefetched> Prefetch::try_next() { return on_host(state_->try_next()); }
Prefetched Prefetch::take(std::size_t index, const Progress& progress) {
  return on_host(state_->take(index, progress));
}
std::size_t Prefetch::left() const { return state_->left(); }
void Prefetch::close() { state_->close(); }

}  // namespace zt
