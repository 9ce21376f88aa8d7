#pragma once

namespace cli {

// From now on Ctrl-C, SIGTERM and SIGHUP are remembered for interrupted(); a second one ends the process at once.
void catch_interrupts() noexcept;
// The signal that came, or 0.
int interrupted() noexcept;
// Ends the process by `signal`, so that a shell sees that, and its loop ends too.
[[noreturn]] void end_by(int signal) noexcept;

}  // namespace cli
