#pragma once

namespace cli {

// From now on we remember Ctrl-C, SIGTERM and SIGHUP for interrupted(). A second one ends the process at once.
void catch_interrupts() noexcept;
// The signal that came, or 0.
int interrupted() noexcept;
// Ends the process by `signal`, so that a shell sees the signal and ends its loop.
[[noreturn]] void end_by(int signal) noexcept;

}  // namespace cli
