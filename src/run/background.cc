#include "run/background.h"

#include <pthread.h>

#include <csignal>
#include <new>
#include <system_error>

namespace zt::run {
namespace {

// A thread inherits the signals that its maker blocks. Signals of the process are for threads of the user: a handler of
// Python, for example, must wake the main thread. A fault of the thread itself cannot be blocked.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) ::sigdelset(&all, fault);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Background::~Background() {
  if (process_ == process_id()) {
    join();
  } else {
    static_cast<void>(threads_.release());  // a thread object that is neither joined nor detached ends the process
  }
}

std::size_t Background::start(std::size_t count, const std::function<void()>& work) {
  const SignalsBlocked blocked;
  std::size_t started = 0;
  try {
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
