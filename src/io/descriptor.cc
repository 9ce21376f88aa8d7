#include "io/descriptor.h"

#include <algorithm>

#include "io/system.h"

namespace zt::io {

void check_path(const std::filesystem::path& path) {
  // The system's message for an empty path would name nothing.
  if (path.empty()) fail(ENOENT, path, "'': a path must not be empty");
  if (path.native().find('\0') == std::string::npos) return;
  throw Error(Code::usage, "", "the path contains a NUL byte: remove it");
}

std::size_t read_up_to(int file, std::uint64_t offset, std::span<std::byte> out, const std::filesystem::path& path,
                       const char* what) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t wanted = std::min(out.size() - done, kMostAtOnce);
    const ssize_t got = retry([&] { return sys::pread(file, out.data() + done, wanted, offset + done); });
    if (got < 0) fail(errno, path, what);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Descriptor open_regular(const std::filesystem::path& path, struct stat& status) {
  check_path(path);
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  Descriptor file(retry([&] { return ::open(path.c_str(), kFlags); }));
  // The system gives ENXIO for a socket.
  if (!file && errno == ENXIO) fail(EINVAL, path, "not a regular file");
  if (!file) fail(errno, path, "cannot open");
  if (::fstat(file.get(), &status) != 0) fail(errno, path, "cannot read its status");
  if (S_ISDIR(status.st_mode)) fail(EISDIR, path, "cannot open");
  if (!S_ISREG(status.st_mode)) fail(EINVAL, path, "not a regular file");
  return file;
}

}  // namespace zt::io
