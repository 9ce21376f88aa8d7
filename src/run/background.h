#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "run/process.h"

namespace zt::run {

// Threads that work beside the thread that made them, until their work returns. They take no signals of the process.
class Background {
 public:
  Background() = default;
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  // Ends all threads as join() does. In a forked child there is nothing to end: it leaves its copy in memory.
  ~Background();

  // Starts up to `count` threads, and returns how many could be started. `work` must not throw.
  std::size_t start(std::size_t count, const std::function<void()>& work);
  // Waits until the work of all threads has returned. For one thread of the process that made this object.
  void join();

 private:
  using Threads = std::vector<std::thread>;

  std::int64_t process_ = process_id();
  std::unique_ptr<Threads> threads_ = std::make_unique<Threads>();
};

}  // namespace zt::run
