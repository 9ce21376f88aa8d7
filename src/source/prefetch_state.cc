#include "source/prefetch_state.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/utf8.h"
#include "device/ring.h"
#include "read/frames.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/prefetch_item.h"
#include "source/state.h"

namespace zt::source {
namespace {

constexpr auto kLook = std::chrono::milliseconds(10);  // how often a thread that waits looks at its callback

[[noreturn]] void throw_usage(const std::string& message) { throw Error(Code::usage, "", message); }

}  // namespace

PrefetchState::PrefetchState(std::vector<PrefetchItem> items, const PrefetchOptions& options,
                             std::optional<DeviceTarget> target)
    : options_(options), target_(std::move(target)), unread_(items.size()), left_(items.size()) {
  unsigned asked = options.threads;
  if (asked == 0 && !items.empty()) asked = Access::state(items.front().tensor)->options.threads;
  threads_ = options.in_background ? run::thread_count(asked) : 1;
  // A thread fills one buffer while another one is copied.
  if (target_) threads_ = std::min<unsigned>(threads_, device::kMostSlots / 2);
  plan(std::move(items));
  Lock lock(mutex_);
  place_some(lock, {});
  if (options.in_background) start(threads_);
  try {
    while (place_some(lock, {})) {}
  } catch (...) {
    lock.unlock();
    close();
    throw;
  }
  is_made_ = true;
}

void PrefetchState::plan(std::vector<PrefetchItem> items) {
  order_ = reading_order(items);
  entries_.reserve(items.size());
  for (PrefetchItem& item : items) {
    const std::uint64_t bytes = target_ ? device_bytes(item) : result_bytes(item);
    total_ = checked::add_up(total_, bytes);
    entries_.push_back({.item = std::move(item), .bytes = bytes});
  }
  if (!target_) return;
  if (target_->allocate) {
    std::vector<std::uint64_t> bytes;
    for (Entry& entry : entries_) {
      bytes.push_back(entry.bytes);
      entry.placed = false;
    }
    arenas_.emplace(std::move(bytes), order_, options_.ahead);
  } else {
    for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].place = target_->places.at(i);
  }
}

// A thread more than there are pieces would only wait.
void PrefetchState::start(unsigned threads) {
  std::uint64_t pieces = 0;
  for (const Entry& entry : entries_) pieces += entry.bytes / read::kPieceBytes + 1;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(threads, pieces));
  started_ = entries_.empty() ? 0 : background_.start(count, [this] { work(); });
}

void PrefetchState::check_process() const {
  if (!is_here()) throw_usage("the prefetch belongs to the process that made it: make a new one in this process");
}

void PrefetchState::check_open() const {
  if (broken_) std::rethrow_exception(broken_);
  if (closed_) throw_usage("the prefetch is closed: its items that were not handed out are gone");
}

// Allocates memory on the device for some items, if it is time for that, on the thread of a caller: for the item that it
// takes, else for the next ones.
bool PrefetchState::place_some(Lock& lock, std::optional<std::size_t> taken) {
  if (!arenas_ || placing_ || closed_) return false;
  const auto batch = arenas_->next(taken && !entries_[*taken].placed ? taken : std::nullopt);
  if (!batch) return false;
  placing_ = true;
  try {
    place(*batch, lock);
  } catch (...) {
    if (!lock) lock.lock();
    placing_ = false;
    arrived_.notify_all();
    arenas_->refused(*batch);
    const std::size_t index = batch->items.front();
    if (!is_made_ || index == taken || batch->items.size() != 1 || !arenas_->is_empty()) throw;
    // Nothing that is handed out will give more room. Where it is refused twice, the item fails, and the others go on.
    if (std::exchange(refused_, index) != index) throw;
    arenas_->placed(*batch);
    entries_[index].placed = true;
    entries_[index].failure = std::current_exception();
    held_ += entries_[index].bytes;  // as if it had begun
    complete(index);
    return true;
  }
  if (!lock) lock.lock();
  placing_ = false;
  work_.notify_all();
  arrived_.notify_all();
  return true;
}

void PrefetchState::place(const Arenas::Batch& batch, Lock& lock) {
  DeviceMemory arena;
  std::shared_ptr<const device::Event> ready;
  if (batch.bytes != 0) {
    lock.unlock();
    arena = target_->allocate(batch.bytes);
    if (arena.bytes < batch.bytes) {
      throw_usage("the allocator gave " + std::to_string(arena.bytes) + " bytes on the device: give " +
                  std::to_string(batch.bytes));
    }
    ready = std::make_shared<const device::Event>(target_->context, static_cast<device::StreamHandle>(arena.stream));
    if (closed_) return;  // nobody will have it
    lock.lock();
  }
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    Entry& entry = entries_[batch.items[i]];
    entry.on_device = arena;
    entry.on_device.address += batch.offsets[i];
    entry.on_device.bytes = entry.bytes;
    entry.place = {.address = entry.on_device.address, .bytes = entry.bytes, .ready = ready};
    entry.placed = true;
  }
  arenas_->placed(batch);
}

void PrefetchState::work() noexcept {
  Worker worker;
  Lock lock(mutex_);
  try {
    while (true) {
      land(lock, worker, false);
      if (closed_ || unread_ == 0) break;  // land() let go of the lock
      if (do_some(lock, worker) || land(lock, worker, true)) continue;
      worker.rest();
      work_.wait(lock);
    }
  } catch (...) {  // no memory for the lists of this object: what a reader throws is its item's failure
    broken_ = std::current_exception();
    closed_ = true;
    work_.notify_all();
    arrived_.notify_all();
  }
}

// Begins an item, or does a step. False if there is nothing to do now.
bool PrefetchState::do_some(Lock& lock, Worker& worker) {
  const auto urgent = std::ranges::find_if(urgent_, [&](std::size_t index) { return entries_[index].placed; });
  if (urgent != urgent_.end()) {
    const std::size_t index = *urgent;
    urgent_.erase(urgent);
    if (entries_[index].stage == Stage::waiting) begin(index, lock);
    return true;
  }
  if (!open_.empty()) {
    // A step that may take long first lets go of what is complete.
    const Entry& entry = entries_[open_.front()];
    if (worker.has_under_way() && entry.reader->steps() == 1 && entry.bytes > device::kSlotBytes) return false;
    step(open_.front(), lock, worker);
    return true;
  }
  if (ordered_ == order_.size() || !may_begin(entries_[order_[ordered_]])) return false;
  const std::size_t index = order_[ordered_++];
  if (entries_[index].stage == Stage::waiting) begin(index, lock);
  return true;
}

// Whether there is room for the next item in the order of reading.
bool PrefetchState::may_begin(const Entry& entry) const {
  if (target_) return entry.placed;
  return entry.stage != Stage::waiting || held_ == 0 ||
         (held_ <= options_.ahead && entry.bytes <= options_.ahead - held_);
}

void PrefetchState::begin(std::size_t index, Lock& lock) {
  Entry& entry = entries_[index];
  entry.stage = Stage::reading;
  entry.undone = 1;  // this call
  held_ += entry.bytes;
  lock.unlock();
  std::unique_ptr<ItemReader> reader;
  std::exception_ptr failure;
  try {
    if (target_) {
      reader = std::make_unique<DeviceReader>(entry.item, options_.verify, entry.place, closed_);
    } else {
      reader = std::make_unique<HostReader>(entry.item, options_.verify);
    }
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

void PrefetchState::step(std::size_t index, Lock& lock, Worker& worker) {
  Entry& entry = entries_[index];
  const std::size_t number = entry.next++;
  if (entry.next == entry.reader->steps()) std::erase(open_, index);
  const unsigned threads = slice_threads(entry);
  lock.unlock();
  std::exception_ptr failure;
  try {
    if (target_) worker.prepare(target_->context);
    entry.reader->step(number, worker.hand(), threads, closed_);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (failure) fail(entry, number, std::move(failure));
  if (!worker.remember(index, number)) settle(index, lock);
}

// Settles the steps whose copies have ended; with `wait`, waits for the oldest one. False if there is none.
bool PrefetchState::land(Lock& lock, Worker& worker, bool wait) {
  if (!worker.has_under_way()) return false;
  lock.unlock();
  worker.look(wait);
  lock.lock();
  bool any = false;
  while (auto step = worker.ended()) {
    if (step->failure) fail(entries_[step->item], step->step, std::move(step->failure));
    settle(step->item, lock);
    any = true;
  }
  return any;
}

// A few large slices use all threads: each has those that no other item needs.
unsigned PrefetchState::slice_threads(const Entry& entry) const {
  if (entry.bytes <= run::kWorthThreads) return 1;
  return std::max(1U, static_cast<unsigned>(threads_ / std::min<std::size_t>(unread_, threads_)));
}

// Keeps the failure of the lowest step: steps begin in order, so which one this is does not depend on the threads.
void PrefetchState::fail(Entry& entry, std::size_t step, std::exception_ptr failure) {
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
void PrefetchState::settle(std::size_t index, Lock& lock) {
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

void PrefetchState::complete(std::size_t index) {
  Entry& entry = entries_[index];
  entry.stage = Stage::complete;
  done_ = checked::add_up(done_, entry.bytes);
  if (entry.failure) held_ -= std::exchange(entry.bytes, 0);
  --unread_;
  landed_.push_back(index);
  arrived_.notify_all();
  if (unread_ == 0 || entry.failure) work_.notify_all();
}

// Does some work on a caller's thread, because no other thread does any.
bool PrefetchState::help(Lock& lock) {
  std::unique_ptr<Worker> worker;
  if (helpers_.empty()) {
    worker = std::make_unique<Worker>();
  } else {
    worker = std::move(helpers_.back());
    helpers_.pop_back();
  }
  ++helping_;
  bool did = do_some(lock, *worker);
  while (land(lock, *worker, true)) did = true;
  worker->rest();
  --helping_;
  helpers_.push_back(std::move(worker));
  return did;
}

// Allocates what it is time for. An error waits for a call that has nothing else to give.
template <class F>
void PrefetchState::place_all(Lock& lock, std::optional<std::size_t> taken, F&& done) {
  try {
    while (place_some(lock, taken)) {}
  } catch (...) {
    if (!done()) throw;
  }
}

// Waits until `done`. If no thread could be started, does the work itself.
template <class F>
void PrefetchState::wait_until(Lock& lock, Telling& telling, std::optional<std::size_t> taken, F&& done) {
  while (true) {
    if (telling.is_on) {
      telling.meter.add(done_ - std::exchange(telling.told, done_));
      lock.unlock();
      telling.meter.poll();
      lock.lock();
    }
    place_all(lock, taken, done);
    if (done()) return;
    check_open();
    if (started_ == 0) {
      if (!help(lock)) arrived_.wait_for(lock, kLook);  // another caller reads the item
    } else if (telling.is_on) {
      arrived_.wait_for(lock, kLook);
    } else {
      arrived_.wait(lock);
    }
  }
}

// The first complete item that nobody has or waits for.
std::optional<std::size_t> PrefetchState::landed() {
  for (; !landed_.empty(); landed_.pop_front()) {
    const Entry& entry = entries_[landed_.front()];
    if (entry.stage == Stage::complete && !entry.claimed) return landed_.front();
  }
  return std::nullopt;
}

PrefetchState::Item PrefetchState::hand_out(std::size_t index) {
  Entry& entry = entries_[index];
  entry.stage = Stage::handed_out;
  held_ -= entry.bytes;
  if (arenas_) arenas_->handed_out(index);
  --left_;
  work_.notify_all();
  if (left_ == 0 || arenas_) arrived_.notify_all();  // who waits may have room now for more on the device
  return {.index = index,
          .memory = std::move(entry.memory),
          .on_device = std::exchange(entry.on_device, {}),
          .failure = std::move(entry.failure)};
}

std::optional<PrefetchState::Item> PrefetchState::next(const Progress& progress) {
  check_process();
  Telling telling(progress, total_);
  Lock lock(mutex_);
  return next(lock, telling);
}

std::optional<PrefetchState::Item> PrefetchState::next(Lock& lock, Telling& telling) {
  std::optional<std::size_t> found;
  wait_until(lock, telling, {}, [&] { return left_ == 0 || (!closed_ && (found = landed())); });
  if (left_ == 0) return std::nullopt;
  return hand_out(*found);
}

std::vector<DeviceMemory> PrefetchState::read_all(const Progress& progress) {
  std::vector<DeviceMemory> memory(entries_.size());
  Telling telling(progress, total_);
  Lock lock(mutex_);
  while (auto item = next(lock, telling)) {
    if (item->failure) std::rethrow_exception(item->failure);
    memory[item->index] = std::move(item->on_device);
  }
  lock.unlock();
  telling.meter.finish();
  return memory;
}

std::optional<PrefetchState::Item> PrefetchState::try_next() {
  check_process();
  Lock lock(mutex_);
  if (left_ != 0) check_open();
  std::optional<std::size_t> found;
  place_all(lock, {}, [&] { return (found = landed()).has_value(); });
  found = landed();
  if (!found) return std::nullopt;
  return hand_out(*found);
}

PrefetchState::Item PrefetchState::take(std::size_t index, const Progress& progress) {
  check_process();
  Telling telling(progress, total_);
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
    wait_until(lock, telling, index, [&] { return !closed_ && entry.stage == Stage::complete; });
  } catch (...) {
    if (!lock) lock.lock();  // the callback threw
    entry.claimed = false;
    if (entry.stage == Stage::waiting) std::erase(urgent_, index);  // it is read when its turn comes
    if (entry.stage == Stage::complete) landed_.push_back(index);
    arrived_.notify_all();
    throw;
  }
  return hand_out(index);
}

void PrefetchState::end(std::unique_ptr<PrefetchState> state) {
  if (state->is_here()) {
    state->close();
  } else {
    static_cast<void>(state.release());
  }
}

std::size_t PrefetchState::left() {
  check_process();
  const Lock lock(mutex_);
  return left_;
}

void PrefetchState::close() {
  if (!is_here()) return;
  {
    const Lock lock(mutex_);
    closed_ = true;
    work_.notify_all();
    arrived_.notify_all();
  }
  const std::lock_guard alone(closing_);
  background_.join();
  // What owns memory may run any code when it lets go of it: not under the lock.
  std::vector<Memory> memory;
  std::vector<DeviceMemory> on_device;
  std::vector<std::unique_ptr<ItemReader>> readers;
  std::vector<std::exception_ptr> failures;
  const Lock lock(mutex_);
  for (Entry& entry : entries_) {
    memory.push_back(std::exchange(entry.memory, {}));
    failures.push_back(std::exchange(entry.failure, {}));
    if (helping_ != 0) continue;                 // a caller is still in the reader, and in its memory
    readers.push_back(std::move(entry.reader));  // half-read
    on_device.push_back(std::exchange(entry.on_device, {}));
  }
}

}  // namespace zt::source
