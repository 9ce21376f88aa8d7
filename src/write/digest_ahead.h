#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <span>

#include "run/background.h"

namespace zt::write {

// Takes the digest of bytes in memory while the thread that made this object writes them. A second thread goes ahead of
// the writing thread, by a distance at which the bytes still lie in the shared cache when they are written. Where no
// core is idle for the second thread, the writing thread does the work itself, and waits for nobody but at the end.
// One owner.
class DigestAhead {
 public:
  static constexpr std::size_t kPiece = std::size_t{256} << 10;
  static constexpr std::size_t kLead = std::size_t{8} << 20;

  // `update` gets all of `bytes` in order, in pieces, from either thread, but never from both at once. Both must outlive
  // this object.
  DigestAhead(std::span<const std::byte> bytes, std::function<void(std::span<const std::byte>)> update);
  // Ends the second thread, which has then left `bytes`.
  ~DigestAhead();
  DigestAhead(const DigestAhead&) = delete;
  DigestAhead& operator=(const DigestAhead&) = delete;

  // The first `count` bytes are written, and lie in the cache of this core.
  void passed(std::size_t count);
  // Completes the digest. Throws what `update` threw.
  void finish();

 private:
  using Lock = std::unique_lock<std::mutex>;
  void run() noexcept;
  bool has_work() const { return !busy_ && taken_ < bytes_.size() && taken_ < passed_ + kLead; }
  void take_piece(Lock& lock);

  std::span<const std::byte> bytes_;
  std::function<void(std::span<const std::byte>)> update_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::size_t taken_ = 0;   // the bytes whose digest is taken
  std::size_t passed_ = 0;  // the bytes that are written
  bool busy_ = false;       // a thread is in update_
  bool asleep_ = false;     // the second thread waits for work
  bool over_ = false;
  std::exception_ptr error_;  // of the second thread
  run::Background second_;    // the last member: its thread uses the others
};

}  // namespace zt::write
