#include "write/digest_ahead.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "run/background.h"

namespace zt::write {

struct DigestThread::State {
  using Lock = std::unique_lock<std::mutex>;

  State() {
    second.start(1, [this] { run(); });  // if no thread can be started, the writing thread does all of the work
  }
  ~State() {
    {
      const Lock lock(mutex);
      over = true;
    }
    changed.notify_all();
    second.join();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  bool has_work() const { return !busy && !error && taken < bytes.size() && taken < passed + DigestAhead::kLead; }
  void take_piece(Lock& lock);
  void wait_for_second(Lock& lock);
  void run() noexcept;

  std::mutex mutex;  // guards all below
  std::condition_variable changed;
  std::span<const std::byte> bytes;
  DigestAhead::Update update;
  std::size_t taken = 0;     // the bytes whose digest is taken
  std::size_t passed = 0;    // the bytes that are written
  bool busy = false;         // a thread is in `update`
  bool asleep = false;       // the second thread waits for work
  bool awaited = false;      // the writing thread waits for the second one
  bool over = false;         // the second thread shall end
  std::exception_ptr error;  // what `update` threw
  run::Background second;    // the last member: its thread uses the others
};

// Takes the next piece, without the lock.
void DigestThread::State::take_piece(Lock& lock) {
  const auto piece = bytes.subspan(taken, std::min(DigestAhead::kPiece, bytes.size() - taken));
  busy = true;
  lock.unlock();
  std::exception_ptr thrown;
  try {
    update(piece);
  } catch (...) {
    thrown = std::current_exception();
  }
  lock.lock();
  busy = false;
  error = thrown;
  taken += piece.size();
}

void DigestThread::State::wait_for_second(Lock& lock) {
  awaited = true;
  while (busy) changed.wait(lock);
  awaited = false;
}

void DigestThread::State::run() noexcept {
  Lock lock(mutex);
  while (!over) {
    if (has_work()) {
      take_piece(lock);
      if (awaited) changed.notify_all();
    } else {
      asleep = true;
      changed.wait(lock);
      asleep = false;
    }
  }
}

DigestThread::State& DigestThread::state() {
  if (!state_) state_.reset(new State);
  return *state_;
}

void DigestThread::Free::operator()(State* state) const noexcept { delete state; }

void DigestThread::end() noexcept {
  if (process_ == run::process_id()) {
    state_.reset();
  } else {
    static_cast<void>(state_.release());
  }
}

DigestAhead::DigestAhead(DigestThread& thread, std::span<const std::byte> bytes, Update update)
    : state_(thread.state()) {
  const DigestThread::State::Lock lock(state_.mutex);
  state_.bytes = bytes;
  state_.update = std::move(update);
  state_.taken = 0;
  state_.passed = 0;
  state_.error = nullptr;
  state_.changed.notify_all();
}

DigestAhead::~DigestAhead() {
  DigestThread::State::Lock lock(state_.mutex);
  state_.wait_for_second(lock);
  state_.bytes = {};
  state_.update = nullptr;
}

void DigestAhead::passed(std::size_t count) {
  DigestThread::State::Lock lock(state_.mutex);
  state_.passed = count;
  while (!state_.busy && !state_.error && state_.taken < count) state_.take_piece(lock);
  // The second thread is woken for several pieces at once, because that takes longer than one piece.
  if (state_.asleep && state_.taken <= count + kLead / 2 && state_.has_work()) state_.changed.notify_all();
}

void DigestAhead::finish() {
  DigestThread::State::Lock lock(state_.mutex);
  state_.passed = state_.bytes.size();
  while (!state_.error && state_.taken < state_.bytes.size()) {
    if (state_.busy) {
      state_.wait_for_second(lock);
    } else {
      state_.take_piece(lock);
    }
  }
  if (state_.error) std::rethrow_exception(state_.error);
}

}  // namespace zt::write
