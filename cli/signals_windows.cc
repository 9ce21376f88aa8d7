#include <atomic>
#include <csignal>
#include <cstdlib>
#include <initializer_list>

#include "signals.h"

namespace cli {
namespace {

std::atomic<int> g_signal = 0;  // the handler runs on a thread of its own

extern "C" void remember_signal(int signal) { g_signal = signal; }  // the runtime has set SIG_DFL already

}  // namespace

void catch_interrupts() noexcept {
  for (const int signal : {SIGINT, SIGTERM, SIGBREAK}) std::signal(signal, remember_signal);
}

int interrupted() noexcept { return g_signal; }

void end_by(int signal) noexcept { std::_Exit(128 + signal); }

}  // namespace cli
