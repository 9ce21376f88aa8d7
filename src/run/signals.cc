#include "run/signals.h"

#include <csignal>
#include <initializer_list>

#include <pthread.h>

namespace zt::run {

struct SignalsBlocked::Mask {
  sigset_t signals;
};

// A thread inherits the signals that its maker blocks. A fault of the thread itself cannot be blocked.
SignalsBlocked::SignalsBlocked() : before_(std::make_unique<Mask>()) {
  sigset_t all;
  ::sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) ::sigdelset(&all, fault);
  ::pthread_sigmask(SIG_BLOCK, &all, &before_->signals);
}

SignalsBlocked::~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_->signals, nullptr); }

}  // namespace zt::run
