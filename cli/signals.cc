#include "signals.h"

#include <csignal>
#include <cstdlib>
#include <initializer_list>

namespace cli {
namespace {

volatile std::sig_atomic_t g_signal = 0;

extern "C" void remember_signal(int signal) { g_signal = signal; }

}  // namespace

void catch_interrupts() noexcept {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old = {};
    // nohup, and background jobs of a shell, start us with some signals ignored.
    if (::sigaction(signal, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) continue;
    struct sigaction ours = {};
    ours.sa_handler = remember_signal;
    ours.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    sigemptyset(&ours.sa_mask);
    ::sigaction(signal, &ours, nullptr);
  }
}

int interrupted() noexcept { return g_signal; }

void end_by(int signal) noexcept {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  std::_Exit(128 + signal);  // reached only if the signal is blocked
}

}  // namespace cli
