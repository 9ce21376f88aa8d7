#include "write/digest_ahead.h"

#include <algorithm>
#include <utility>

namespace zt::write {

DigestAhead::DigestAhead(std::span<const std::byte> bytes, std::function<void(std::span<const std::byte>)> update)
    : bytes_(bytes), update_(std::move(update)) {
  second_.start(1, [this] { run(); });  // if no thread can be started, the writing thread does all of the work
}

DigestAhead::~DigestAhead() {
  {
    const Lock lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  second_.join();
}

// Takes the next piece, without the lock.
void DigestAhead::take_piece(Lock& lock) {
  const auto piece = bytes_.subspan(taken_, std::min(kPiece, bytes_.size() - taken_));
  busy_ = true;
  lock.unlock();
  update_(piece);
  lock.lock();
  busy_ = false;
  taken_ += piece.size();
}

void DigestAhead::run() noexcept {
  Lock lock(mutex_);
  while (!over_ && taken_ < bytes_.size()) {
    if (!has_work()) {
      asleep_ = true;
      changed_.wait(lock);
      asleep_ = false;
      continue;
    }
    try {
      take_piece(lock);
    } catch (...) {
      lock.lock();
      error_ = std::current_exception();
      over_ = true;  // busy_ stays: nobody takes another piece
    }
    if (over_ || passed_ == bytes_.size()) changed_.notify_all();  // finish() may wait for this piece
  }
}

void DigestAhead::passed(std::size_t count) {
  Lock lock(mutex_);
  passed_ = count;
  while (!busy_ && taken_ < passed_) take_piece(lock);
  // The second thread is woken for several pieces at once, because that takes longer than one piece.
  if (asleep_ && taken_ < bytes_.size() && taken_ <= passed_ + kLead / 2) changed_.notify_all();
}

void DigestAhead::finish() {
  Lock lock(mutex_);
  passed_ = bytes_.size();
  while (taken_ < bytes_.size()) {
    if (error_) std::rethrow_exception(error_);
    if (busy_) {
      changed_.wait(lock);
    } else {
      take_piece(lock);
    }
  }
}

}  // namespace zt::write
