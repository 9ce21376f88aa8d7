#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "run/process.h"

namespace zt::write {

// A second thread that takes digests. It starts when it is first used, sleeps between uses, and ends with this object:
// to start a thread for each tensor of 16 MiB would cost as much as it saves. One owner.
class DigestThread {
 public:
  DigestThread() = default;
  ~DigestThread() { end(); }
  DigestThread(const DigestThread&) = delete;
  DigestThread& operator=(const DigestThread&) = delete;
  // Ends the thread; it starts again when it is used. In a forked child there is no thread, and perhaps a lock that
  // nobody will give back: the child leaves its copy in memory.
  void end() noexcept;

 private:
  friend class DigestAhead;
  struct State;
  struct Free {
    void operator()(State* state) const noexcept;
  };
  State& state();

  std::int64_t process_ = run::process_id();
  std::unique_ptr<State, Free> state_;
};

// Takes the digest of bytes in memory while the thread that made this object writes them. The second thread goes ahead
// of the writing thread, by a distance at which the bytes still lie in the shared cache when they are written. Where no
// core is idle for the second thread, the writing thread does the work itself, and waits for nobody but at the end.
// One owner. A DigestThread serves one of these at a time.
class DigestAhead {
 public:
  static constexpr std::size_t kPiece = std::size_t{256} << 10;
  static constexpr std::size_t kLead = std::size_t{8} << 20;
  using Update = std::function<void(std::span<const std::byte>)>;

  // `update` gets all of `bytes` in order, in pieces, from either thread, but never from both at once.
  DigestAhead(DigestThread& thread, std::span<const std::byte> bytes, Update update);
  // Waits until the second thread has left `bytes`.
  ~DigestAhead();
  DigestAhead(const DigestAhead&) = delete;
  DigestAhead& operator=(const DigestAhead&) = delete;

  // The first `count` bytes are written, and lie in the cache of this core.
  void passed(std::size_t count);
  // Completes the digest. Throws what `update` threw.
  void finish();

 private:
  DigestThread::State& state_;
};

}  // namespace zt::write
