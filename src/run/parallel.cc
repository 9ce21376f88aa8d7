#include "run/parallel.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "run/cores.h"
#include "ztensor/error.h"

namespace zt::run {
namespace {

constinit std::atomic<Hook*> current{nullptr};

constexpr auto kGlance = std::chrono::milliseconds(10);  // how often the waiting caller looks at the meter

// The items of one call, and the error of the lowest one that failed.
class Items {
 public:
  Items(std::size_t count, const Work& work) : count_(count), work_(work) {}

  // Does the next item. False if there is none.
  bool do_one() noexcept {
    const auto index = claim();
    if (!index) return false;
    try {
      work_(*index);
    } catch (...) {
      fail(*index, std::current_exception());
    }
    return true;
  }
  void do_all() noexcept {
    while (do_one()) {}
  }

  void stop() noexcept {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  void rethrow() {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }
  bool exhausted() noexcept {
    const std::lock_guard lock(mutex_);
    return stopped_ || next_ == count_;
  }

 private:
  std::optional<std::size_t> claim() noexcept {
    const std::lock_guard lock(mutex_);
    if (stopped_ || next_ == count_) return std::nullopt;
    return next_++;
  }

  // Items start in order. So all items below a failed one have started, and will end: the error that is kept does not
  // depend on the speed of the threads.
  void fail(std::size_t index, std::exception_ptr error) noexcept {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (error_ && index > failed_) return;
    failed_ = index;
    error_ = std::move(error);
  }

  const std::size_t count_;
  const Work& work_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  bool stopped_ = false;
  std::size_t failed_ = 0;
  std::exception_ptr error_;  // of item failed_
};

// The threads besides the caller. The destructor joins them.
class Helpers {
 public:
  explicit Helpers(Items& items) : items_(items) {}
  ~Helpers() {
    items_.stop();
    for (std::thread& thread : threads_) thread.join();
  }
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  void start(std::size_t count) {
    try {
      while (threads_.size() < count && !items_.exhausted()) threads_.emplace_back([this] { run(); });
    } catch (const std::system_error&) {  // EAGAIN: the caller and the threads that started do the work
    } catch (const std::bad_alloc&) {}
  }

  // Polls the meter until the last thread is done.
  void wait(Meter& meter) {
    std::unique_lock lock(mutex_);
    while (ended_ != threads_.size()) {
      done_.wait_for(lock, kGlance);
      lock.unlock();
      meter.poll();
      lock.lock();
    }
  }

 private:
  void run() noexcept {
    items_.do_all();
    const std::lock_guard lock(mutex_);
    ++ended_;
    done_.notify_one();
  }

  Items& items_;
  std::vector<std::thread> threads_;  // only the caller touches it
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t ended_ = 0;
};

[[noreturn]] void refuse(const std::string& what) {
  throw Error(Code::usage, "", what + ": expected a whole number from 1 to " + std::to_string(kMostThreads));
}

// Empty if the variable is unset or empty.
std::optional<unsigned> wanted_by_environment() {
  const char* text = std::getenv("ZTENSOR_THREADS");
  if (text == nullptr || *text == '\0') return std::nullopt;
  const std::string_view digits = text;
  unsigned threads = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), threads);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || threads == 0 || threads > kMostThreads) {
    refuse("the environment variable ZTENSOR_THREADS is " + in_quotes(digits));
  }
  return threads;
}

}  // namespace

unsigned thread_count(unsigned requested) {
  if (requested > kMostThreads) refuse("threads is " + std::to_string(requested));
  if (requested != 0) return requested;
  if (const auto wanted = wanted_by_environment()) return *wanted;
  // We ask once: it takes a dozen files, and a quota hardly ever changes while a process runs. There is no lock: a lock
  // that a thread holds at a fork stays locked for ever in the child.
  static std::atomic<unsigned> quota = 0;
  if (quota == 0) {
    const auto cores = quota_cores("/proc/self/cgroup", "/sys/fs/cgroup");
    quota = std::max(1u, cores.value_or(std::numeric_limits<unsigned>::max()));
  }
  return std::min({kMostThreads, affinity_cores(), quota.load()});
}

void parallel_for(std::size_t count, std::uint64_t bytes, unsigned threads, Meter& meter, const Work& work,
                  const std::function<void()>& first) {
  Hook* const hook = current.load(std::memory_order_acquire);
  const std::uint64_t worth_threads = hook == nullptr ? kWorthThreads : hook->worth_threads();
  const std::size_t most = bytes > worth_threads ? std::min<std::size_t>(threads, count) : 1;
  const Work hooked = hook == nullptr ? Work() : hook->around(work, most);
  Items items(count, hook == nullptr ? work : hooked);
  {
    Helpers helpers(items);
    if (most > 1) helpers.start(most - 1);
    if (first) first();
    while (items.do_one()) meter.poll();
    helpers.wait(meter);
  }
  items.rethrow();
}

void set_hook(Hook* hook) noexcept { current.store(hook, std::memory_order_release); }

}  // namespace zt::run
