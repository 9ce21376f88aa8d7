#include "run/background.h"

#include <new>
#include <system_error>

#include "run/signals.h"

namespace zt::run {

Background::~Background() {
  if (process_ == process_id()) {
    join();
  } else {
    static_cast<void>(threads_.release());  // a thread object that is neither joined nor detached ends the process
  }
}

std::size_t Background::start(std::size_t count, const std::function<void()>& work) {
  std::size_t started = 0;
  try {
    const SignalsBlocked blocked;
    for (; started < count; ++started) threads_->emplace_back(work);
  } catch (const std::system_error&) {  // EAGAIN: the threads that started do the work
  } catch (const std::bad_alloc&) {}
  return started;
}

void Background::join() {
  for (std::thread& thread : *threads_) thread.join();
  threads_->clear();
}

}  // namespace zt::run
