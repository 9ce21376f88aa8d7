#include "io/descriptor.h"

#include <algorithm>

#include "io/system.h"

namespace zt::io {

void check_path(const std::filesystem::path& path) {
  // The system's message for an empty path would name nothing.
  if (path.empty()) fail(ENOENT, path, "'': a path must not be empty");
  if (path.native().find(std::filesystem::path::value_type{}) == std::filesystem::path::string_type::npos) return;
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

Descriptor open_regular(const std::filesystem::path& path, os::Status& status) {
  check_path(path);
  constexpr int kFlags = O_RDONLY | O_NOCTTY | O_NONBLOCK;
  Descriptor file(os::open(path, kFlags));
  // The system gives ENXIO for a socket.
  if (!file && errno == ENXIO) fail(EINVAL, path, "not a regular file");
  if (!file) fail(errno, path, "cannot open");
  if (!os::status_of(file.get(), status)) fail(errno, path, "cannot read its status");
  if (status.kind == os::Kind::folder) fail(EISDIR, path, "cannot open");
  if (status.kind != os::Kind::regular) fail(EINVAL, path, "not a regular file");
  return file;
}

}  // namespace zt::io
