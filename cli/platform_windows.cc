#include "platform.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <windows.h>

#include <shellapi.h>

#include "ztensor/paths.h"

namespace cli {

void prepare_process() noexcept {
  // Else every byte 10 that cat writes would get a byte 13 before it.
  ::_setmode(::_fileno(stdout), _O_BINARY);
  ::_setmode(::_fileno(stderr), _O_BINARY);
  static const UINT before = ::GetConsoleOutputCP();
  ::SetConsoleOutputCP(CP_UTF8);
  std::atexit([] { ::SetConsoleOutputCP(before); });
}

// A pattern such as *.zt stays as it is typed.
char** utf8_arguments(int& argc, char**) {
  int count = 0;
  wchar_t** const wide = ::CommandLineToArgvW(::GetCommandLineW(), &count);
  static std::vector<std::string> texts;
  static std::vector<char*> pointers;
  for (int i = 0; i < count; ++i) texts.push_back(zt::utf8_of(wide[i]));
  ::LocalFree(wide);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  argc = count;
  return pointers.data();
}

bool has_terminal() noexcept { return ::_isatty(::_fileno(stderr)) != 0; }

std::size_t terminal_columns() noexcept {
  CONSOLE_SCREEN_BUFFER_INFO console{};
  if (::GetConsoleScreenBufferInfo(::GetStdHandle(STD_ERROR_HANDLE), &console) == 0) return 80;
  return static_cast<std::size_t>(console.srWindow.Right - console.srWindow.Left + 1);
}

}  // namespace cli
