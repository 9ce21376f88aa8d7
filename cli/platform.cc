#include "platform.h"

#include <csignal>
#include <initializer_list>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cli {

void prepare_process() noexcept {
  // If descriptor 1 is closed, the next file that we open would get this number, and our summary would go into the file.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) != -1) continue;
    // Opened for the wrong direction, so that using it still fails. open() takes the lowest free descriptor, `fd`.
    if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) break;
  }
  // So a file size limit and a closed pipe are errors of write(), and we can clean up.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

char** utf8_arguments(int&, char** argv) { return argv; }

bool has_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

std::size_t terminal_columns() noexcept {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace cli
