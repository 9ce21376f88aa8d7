#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "run/background.h"
#include "run/progress.h"
#include "source/arenas.h"
#include "source/device_item.h"
#include "source/item_reader.h"
#include "source/owner.h"
#include "source/worker.h"
#include "ztensor/device.h"
#include "ztensor/prefetch.h"

namespace zt::source {

// Where the items of a prefetch go, if it is a device.
struct DeviceTarget {
  device::ContextHandle context = nullptr;
  DeviceAllocator allocate = {};
  std::vector<DevicePlace> places = {};  // without an allocator: of each item
};

// All items of a Prefetch or DevicePrefetch, and who reads and waits. Threads share it under `mutex_`; only steps of
// readers and the allocator run without it.
class PrefetchState {
 public:
  PrefetchState(std::vector<PrefetchItem> items, const PrefetchOptions& options,
                std::optional<DeviceTarget> target = {});

  // An item that was handed out; `on_device` has no address if the items go to the host.
  struct Item {
    std::size_t index;
    Memory memory;
    DeviceMemory on_device;
    std::exception_ptr failure;
  };

  bool is_here() const noexcept { return owner_.is_this_process(); }
  std::optional<Item> next(const Progress& progress);
  std::optional<Item> try_next();
  Item take(std::size_t index, const Progress& progress);
  // Waits for all items, and gives their memory on the device. Throws the failure that it comes to first.
  std::vector<DeviceMemory> read_all(const Progress& progress);
  std::size_t left();
  void close();  // does nothing in another process
  // Closes and destroys. In another process, whose copy of the lock may be locked for ever, it leaves all in memory.
  static void end(std::unique_ptr<PrefetchState> state);

 private:
  using Lock = std::unique_lock<std::mutex>;

  // waiting -> reading -> complete -> handed_out
  enum class Stage : std::uint8_t { waiting, reading, complete, handed_out };

  struct Entry {
    PrefetchItem item;
    std::uint64_t bytes = 0;  // that count as read and not yet handed out, from `reading` on
    Stage stage = Stage::waiting;
    bool claimed = false;    // a take() waits for it
    bool placed = true;      // false: its memory on the device is not allocated
    std::size_t next = 0;    // the next step
    std::size_t undone = 0;  // steps that have begun or will begin
    std::size_t failed_step = 0;
    std::unique_ptr<ItemReader> reader = {};  // null before and after `reading`
    Memory memory = {};
    DeviceMemory on_device = {};
    DevicePlace place = {};
    std::exception_ptr failure = {};
  };

  // What the callback of a caller was told.
  struct Telling {
    Telling(const Progress& progress, std::uint64_t total)
        : meter(progress, total), is_on(static_cast<bool>(progress)) {}
    run::Meter meter;
    bool is_on;
    std::uint64_t told = 0;
  };

  void plan(std::vector<PrefetchItem> items);
  void start(unsigned threads);
  void check_process() const;
  void check_open() const;

  // Memory on a device.
  bool place_some(Lock& lock, std::optional<std::size_t> taken);
  void place(const Arenas::Batch& batch, Lock& lock);

  // What the threads do.
  void work() noexcept;
  bool do_some(Lock& lock, Worker& worker);
  bool may_begin(const Entry& entry) const;
  void begin(std::size_t index, Lock& lock);
  void step(std::size_t index, Lock& lock, Worker& worker);
  bool land(Lock& lock, Worker& worker, bool wait);
  void settle(std::size_t index, Lock& lock);
  void fail(Entry& entry, std::size_t step, std::exception_ptr failure);
  void complete(std::size_t index);
  unsigned slice_threads(const Entry& entry) const;

  // What the callers do.
  bool help(Lock& lock);
  template <class F>
  void place_all(Lock& lock, std::optional<std::size_t> taken, F&& done);
  template <class F>
  void wait_until(Lock& lock, Telling& telling, std::optional<std::size_t> taken, F&& done);
  std::optional<Item> next(Lock& lock, Telling& telling);
  std::optional<std::size_t> landed();
  Item hand_out(std::size_t index);

  const Owner owner_;
  const PrefetchOptions options_;
  const std::optional<DeviceTarget> target_;
  unsigned threads_ = 1;
  std::optional<Arenas> arenas_;  // if the allocator of the target gives memory
  std::vector<Entry> entries_;
  std::vector<std::size_t> order_;  // of reading
  std::uint64_t total_ = 0;         // bytes of all items

  std::mutex mutex_;
  std::mutex closing_;               // held while threads are joined
  std::condition_variable work_;     // there may be work
  std::condition_variable arrived_;  // an item became complete or was handed out or placed, or everything was closed
  std::atomic<bool> closed_ = false;
  std::exception_ptr broken_ = {};           // why no thread goes on
  std::size_t ordered_ = 0;                  // how many of order_ have begun
  bool placing_ = false;                     // a caller allocates
  std::optional<std::size_t> refused_ = {};  // the last item for which there was no memory though nothing was held
  bool is_made_ = false;                     // the constructor is done
  std::deque<std::size_t> urgent_;           // to begin before those of order_
  std::deque<std::size_t> open_;             // have steps to begin
  std::deque<std::size_t> landed_;           // complete, in the order in which they became so; some were taken since
  std::vector<std::unique_ptr<Worker>> helpers_;  // that callers worked with
  std::uint64_t held_ = 0;                        // bytes of items that are read, or being read
  std::uint64_t done_ = 0;                        // bytes of items that became complete
  std::size_t unread_;                            // items that are not complete
  std::size_t left_;                              // items that are not handed out
  std::size_t started_ = 0;                       // threads
  std::size_t helping_ = 0;                       // callers who do the work of threads
  run::Background background_;                    // the last member: its threads use the others
};

}  // namespace zt::source
