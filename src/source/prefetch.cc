#include "ztensor/prefetch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/utf8.h"
#include "read/frames.h"
#include "run/background.h"
#include "run/parallel.h"
#include "run/progress.h"
#include "source/access.h"
#include "source/owner.h"
#include "source/prefetch_item.h"
#include "source/state.h"

namespace zt {
namespace {

constexpr auto kLook = std::chrono::milliseconds(10);  // how often a thread that waits looks at its callback

[[noreturn]] void throw_usage(const std::string& message) { throw Error(Code::usage, "", message); }

}  // namespace

// All items, and who reads and waits. Threads share it under `mutex_`; only steps of readers run without it.
class Prefetch::State {
 public:
  State(std::vector<PrefetchItem> items, const PrefetchOptions& options);

  bool is_here() const noexcept { return owner_.is_this_process(); }
  std::optional<Prefetched> next(const Progress& progress);
  std::optional<Prefetched> try_next();
  Prefetched take(std::size_t index, const Progress& progress);
  std::size_t left();
  void close();

 private:
  using Lock = std::unique_lock<std::mutex>;

  // waiting -> reading -> complete -> handed_out
  enum class Stage : std::uint8_t { waiting, reading, complete, handed_out };

  struct Entry {
    PrefetchItem item;
    std::uint64_t bytes = 0;  // that count as read and not yet handed out, from `reading` on
    Stage stage = Stage::waiting;
    bool claimed = false;    // a take() waits for it
    std::size_t next = 0;    // the next step
    std::size_t undone = 0;  // steps that have begun or will begin
    std::size_t failed_step = 0;
    std::unique_ptr<source::ItemReader> reader = {};  // null before and after `reading`
    Memory memory = {};
    std::exception_ptr failure = {};
  };

  void plan(std::vector<PrefetchItem> items);
  void start(unsigned threads);
  void check_process() const;
  void check_open() const;

  // What the threads do.
  void work() noexcept;
  bool do_some(Lock& lock);
  std::optional<std::size_t> to_begin() const;
  void begin(std::size_t index, Lock& lock);
  void step(std::size_t index, Lock& lock);
  void settle(std::size_t index, Lock& lock);
  void fail(Entry& entry, std::size_t step, std::exception_ptr failure);
  void complete(std::size_t index);
  unsigned slice_threads(const Entry& entry) const;

  // What the callers do.
  template <class F>
  void wait_until(Lock& lock, const Progress& progress, F&& done);
  std::optional<std::size_t> landed();
  Prefetched hand_out(std::size_t index);

  const source::Owner owner_;
  const PrefetchOptions options_;
  unsigned threads_ = 1;
  std::vector<Entry> entries_;
  std::vector<std::size_t> order_;  // of reading
  std::uint64_t total_ = 0;         // bytes of all items

  std::mutex mutex_;
  std::mutex closing_;               // held while threads are joined
  std::condition_variable work_;     // there may be work
  std::condition_variable arrived_;  // an item became complete or was handed out, or everything was closed
  std::atomic<bool> closed_ = false;
  std::exception_ptr broken_ = {};  // why no thread goes on
  std::size_t ordered_ = 0;         // how many of order_ have begun
  std::deque<std::size_t> urgent_;  // to begin before those of order_
  std::deque<std::size_t> open_;    // have steps to begin
  std::deque<std::size_t> landed_;  // complete, in the order in which they became so; some were taken since
  std::vector<std::unique_ptr<read::Scratch>> unused_;
  std::uint64_t held_ = 0;      // bytes of items that are read, or being read
  std::uint64_t done_ = 0;      // bytes of items that became complete
  std::size_t unread_;          // items that are not complete
  std::size_t left_;            // items that are not handed out
  std::size_t started_ = 0;     // threads
  run::Background background_;  // the last member: its threads use the others
};

Prefetch::State::State(std::vector<PrefetchItem> items, const PrefetchOptions& options)
    : options_(options), unread_(items.size()), left_(items.size()) {
  unsigned asked = options.threads;
  if (asked == 0 && !items.empty()) asked = Access::state(items.front().tensor)->options.threads;
  threads_ = options.in_background ? run::thread_count(asked) : 1;
  plan(std::move(items));
  if (options.in_background) start(threads_);
}

void Prefetch::State::plan(std::vector<PrefetchItem> items) {
  order_ = source::reading_order(items);
  entries_.reserve(items.size());
  for (PrefetchItem& item : items) {
    const std::uint64_t bytes = source::result_bytes(item);
    total_ = checked::add_up(total_, bytes);
    entries_.push_back({.item = std::move(item), .bytes = bytes});
  }
}

// A thread more than there are pieces would only wait.
void Prefetch::State::start(unsigned threads) {
  std::uint64_t pieces = 0;
  for (const Entry& entry : entries_) pieces += entry.bytes / read::kPieceBytes + 1;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(threads, pieces));
  started_ = entries_.empty() ? 0 : background_.start(count, [this] { work(); });
}

void Prefetch::State::check_process() const {
  if (!is_here()) throw_usage("the prefetch belongs to the process that made it: make a new one in this process");
}

void Prefetch::State::check_open() const {
  if (broken_) std::rethrow_exception(broken_);
  if (closed_) throw_usage("the prefetch is closed: its items that were not handed out are gone");
}

void Prefetch::State::work() noexcept {
  Lock lock(mutex_);
  try {
    while (!closed_ && unread_ != 0) {
      if (!do_some(lock)) work_.wait(lock);
    }
  } catch (...) {  // no memory for the lists of this object: what a reader throws is its item's failure
    broken_ = std::current_exception();
    closed_ = true;
    work_.notify_all();
    arrived_.notify_all();
  }
}

// Begins an item, or does a step. False if there is nothing to do now.
bool Prefetch::State::do_some(Lock& lock) {
  if (urgent_.empty() && !open_.empty()) {
    step(open_.front(), lock);
    return true;
  }
  const auto index = to_begin();
  if (!index) return false;
  if (urgent_.empty()) {
    ++ordered_;
  } else {
    urgent_.pop_front();
  }
  if (entries_[*index].stage == Stage::waiting) begin(*index, lock);
  return true;
}

// The item to begin now; it may have begun already.
std::optional<std::size_t> Prefetch::State::to_begin() const {
  if (!urgent_.empty()) return urgent_.front();
  if (ordered_ == order_.size()) return std::nullopt;
  const Entry& entry = entries_[order_[ordered_]];
  const bool fits =
      entry.stage != Stage::waiting || held_ == 0 || (held_ <= options_.ahead && entry.bytes <= options_.ahead - held_);
  return fits ? std::optional(order_[ordered_]) : std::nullopt;
}

void Prefetch::State::begin(std::size_t index, Lock& lock) {
  Entry& entry = entries_[index];
  entry.stage = Stage::reading;
  entry.undone = 1;  // this call
  held_ += entry.bytes;
  lock.unlock();
  std::unique_ptr<source::ItemReader> reader;
  std::exception_ptr failure;
  try {
    reader = std::make_unique<source::ItemReader>(entry.item, options_.verify);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (failure) {
    fail(entry, 0, std::move(failure));
  } else {
    entry.reader = std::move(reader);
    entry.undone += entry.reader->steps();
    if (entry.reader->steps() != 0) open_.insert(entry.claimed ? open_.begin() : open_.end(), index);
    if (entry.reader->steps() > 1) work_.notify_all();
  }
  settle(index, lock);
}

void Prefetch::State::step(std::size_t index, Lock& lock) {
  Entry& entry = entries_[index];
  const std::size_t number = entry.next++;
  if (entry.next == entry.reader->steps()) std::erase(open_, index);
  const unsigned threads = slice_threads(entry);
  std::unique_ptr<read::Scratch> scratch;
  if (!unused_.empty()) {
    scratch = std::move(unused_.back());
    unused_.pop_back();
  }
  lock.unlock();
  std::exception_ptr failure;
  try {
    if (!scratch) scratch = std::make_unique<read::Scratch>();
    entry.reader->step(number, *scratch, threads, closed_);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (scratch) unused_.push_back(std::move(scratch));
  if (failure) fail(entry, number, std::move(failure));
  settle(index, lock);
}

// A few large slices use all threads: each has those that no other item needs.
unsigned Prefetch::State::slice_threads(const Entry& entry) const {
  if (entry.bytes <= run::kWorthThreads) return 1;
  return std::max(1U, static_cast<unsigned>(threads_ / std::min<std::size_t>(unread_, threads_)));
}

// Keeps the failure of the lowest step: steps begin in order, so which one this is does not depend on the threads.
void Prefetch::State::fail(Entry& entry, std::size_t step, std::exception_ptr failure) {
  if (!entry.failure || step < entry.failed_step) {
    entry.failure = std::move(failure);
    entry.failed_step = step;
  }
  if (!entry.reader || entry.next == entry.reader->steps()) return;
  entry.undone -= entry.reader->steps() - entry.next;
  entry.next = entry.reader->steps();
  std::erase_if(open_, [&](std::size_t index) { return &entries_[index] == &entry; });
}

// One thing that `undone` counts is done. The thread that does the last one ends the item.
void Prefetch::State::settle(std::size_t index, Lock& lock) {
  Entry& entry = entries_[index];
  if (--entry.undone != 0) return;
  if (!entry.failure && !closed_) {
    lock.unlock();
    std::exception_ptr failure;
    try {
      entry.reader->finish();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    entry.failure = std::move(failure);
  }
  if (!entry.failure) entry.memory = entry.reader->take_memory();
  entry.reader.reset();
  complete(index);
}

void Prefetch::State::complete(std::size_t index) {
  Entry& entry = entries_[index];
  entry.stage = Stage::complete;
  done_ = checked::add_up(done_, entry.bytes);
  if (entry.failure) held_ -= std::exchange(entry.bytes, 0);
  --unread_;
  landed_.push_back(index);
  arrived_.notify_all();
  if (unread_ == 0 || entry.failure) work_.notify_all();
}

// Waits until `done`. If no thread could be started, does the work itself.
template <class F>
void Prefetch::State::wait_until(Lock& lock, const Progress& progress, F&& done) {
  run::Meter meter(progress, total_);
  std::uint64_t counted = 0;
  while (!done()) {
    check_open();
    if (started_ == 0) {
      if (!do_some(lock)) arrived_.wait_for(lock, kLook);  // another caller reads the item
    } else if (progress) {
      arrived_.wait_for(lock, kLook);
    } else {
      arrived_.wait(lock);
    }
    if (!progress) continue;
    meter.add(done_ - std::exchange(counted, done_));
    lock.unlock();
    meter.poll();
    lock.lock();
  }
}

// The first complete item that nobody has or waits for.
std::optional<std::size_t> Prefetch::State::landed() {
  for (; !landed_.empty(); landed_.pop_front()) {
    const Entry& entry = entries_[landed_.front()];
    if (entry.stage == Stage::complete && !entry.claimed) return landed_.front();
  }
  return std::nullopt;
}

Prefetched Prefetch::State::hand_out(std::size_t index) {
  Entry& entry = entries_[index];
  entry.stage = Stage::handed_out;
  held_ -= entry.bytes;
  --left_;
  work_.notify_all();
  if (left_ == 0) arrived_.notify_all();
  return {.index = index, .memory = std::move(entry.memory), .failure = std::move(entry.failure)};
}

std::optional<Prefetched> Prefetch::State::next(const Progress& progress) {
  check_process();
  Lock lock(mutex_);
  std::optional<std::size_t> found;
  wait_until(lock, progress, [&] { return left_ == 0 || (!closed_ && (found = landed())); });
  if (left_ == 0) return std::nullopt;
  return hand_out(*found);
}

std::optional<Prefetched> Prefetch::State::try_next() {
  check_process();
  const Lock lock(mutex_);
  if (left_ != 0) check_open();
  const auto found = landed();
  if (!found) return std::nullopt;
  return hand_out(*found);
}

Prefetched Prefetch::State::take(std::size_t index, const Progress& progress) {
  check_process();
  Lock lock(mutex_);
  check_open();
  if (index >= entries_.size()) {
    throw Error(Code::not_found, "",
                "no item has index " + std::to_string(index) + ": there are " + std::to_string(entries_.size()));
  }
  Entry& entry = entries_[index];
  const std::string which = "tensor " + in_quotes(entry.item.tensor.name());
  if (entry.stage == Stage::handed_out) throw_usage(which + " was handed out already: take each item once");
  if (entry.claimed) throw_usage(which + " is taken by another thread, which waits for it: take each item once");
  entry.claimed = true;
  if (entry.stage == Stage::waiting) {
    urgent_.push_back(index);
  } else if (std::erase(open_, index) != 0) {
    open_.push_front(index);
  }
  work_.notify_all();
  try {
    wait_until(lock, progress, [&] { return !closed_ && entry.stage == Stage::complete; });
  } catch (...) {
    if (!lock) lock.lock();  // the callback threw
    entry.claimed = false;
    if (entry.stage == Stage::complete) landed_.push_back(index);
    arrived_.notify_all();
    throw;
  }
  return hand_out(index);
}

std::size_t Prefetch::State::left() {
  check_process();
  const Lock lock(mutex_);
  return left_;
}

void Prefetch::State::close() {
  {
    const Lock lock(mutex_);
    closed_ = true;
    work_.notify_all();
    arrived_.notify_all();
  }
  const std::lock_guard alone(closing_);
  background_.join();
  const Lock lock(mutex_);
  for (Entry& entry : entries_) {
    if (started_ != 0) entry.reader.reset();  // half-read; where callers read, one may still be in it
    entry.memory = {};
    entry.failure = {};
  }
}

Prefetch::Prefetch(std::vector<PrefetchItem> items, const PrefetchOptions& options)
    : state_(std::make_unique<State>(std::move(items), options)) {}

// The child's copy of the lock may be locked for ever, so the child leaves everything in memory.
Prefetch::~Prefetch() {
  if (!state_->is_here()) {
    static_cast<void>(state_.release());
  } else {
    state_->close();
  }
}

std::optional<Prefetched> Prefetch::next(const Progress& progress) { return state_->next(progress); }
std::optional<Prefetched> Prefetch::try_next() { return state_->try_next(); }
Prefetched Prefetch::take(std::size_t index, const Progress& progress) { return state_->take(index, progress); }
std::size_t Prefetch::left() const { return state_->left(); }

void Prefetch::close() {
  if (state_->is_here()) state_->close();
}

}  // namespace zt
