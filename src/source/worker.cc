#include "source/worker.h"

namespace zt::source {

void Worker::prepare(device::ContextHandle context) {
  if (!hand_.copier || hand_.copier->failure()) hand_.copier = std::make_unique<device::Copier>(context);
}

bool Worker::remember(std::size_t item, std::size_t step) {
  const device::Copier* const copier = hand_.copier.get();
  if (copier == nullptr || copier->sent() == copier->landed()) return false;
  under_way_.push_back({.item = item, .step = step, .copies = copier->sent()});
  return true;
}

void Worker::look(bool wait) noexcept {
  if (under_way_.empty() || hand_.copier->failure()) return;
  try {
    if (wait) {
      hand_.copier->land(under_way_.front().copies);
    } else {
      hand_.copier->poll();
    }
  } catch (...) {}  // the copier remembers it
}

std::optional<Worker::Ended> Worker::ended() {
  if (under_way_.empty()) return std::nullopt;
  const UnderWay oldest = under_way_.front();
  const bool has_landed = oldest.copies <= hand_.copier->landed();
  if (!has_landed && !hand_.copier->failure()) return std::nullopt;
  under_way_.pop_front();
  return Ended{oldest.item, oldest.step, has_landed ? nullptr : hand_.copier->failure()};
}

void Worker::rest() noexcept {
  if (!hand_.copier || !under_way_.empty() || hand_.copier->failure()) return;
  try {
    hand_.copier->rest();
  } catch (...) {}  // the copier remembers it
}

}  // namespace zt::source
