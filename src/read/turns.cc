#include "read/turns.h"

namespace zt::read {

void DigestInTurn::bring(std::size_t piece, std::span<const std::byte> bytes) {
  std::unique_lock lock(mutex_);
  waiting_.emplace(piece, bytes);
  if (busy_) return;  // the busy thread looks again before it ends
  busy_ = true;
  for (auto found = waiting_.find(next_); found != waiting_.end(); found = waiting_.find(next_)) {
    const std::span<const std::byte> now = found->second;
    waiting_.erase(found);
    ++next_;
    lock.unlock();
    digest().update(now);
    lock.lock();
  }
  busy_ = false;
}

}  // namespace zt::read
