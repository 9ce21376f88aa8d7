#pragma once

#include <cstddef>

// What the command needs of the operating system: platform.cc is for POSIX, platform_windows.cc for Windows.
namespace cli {

// At the start: makes the standard streams safe to use, and errors of what would end the process.
void prepare_process() noexcept;
// The arguments in UTF-8, for as long as the process runs; those of main() where they are that already.
char** utf8_arguments(int& argc, char** argv);

bool has_terminal() noexcept;  // whether standard error is one
std::size_t terminal_columns() noexcept;

}  // namespace cli
