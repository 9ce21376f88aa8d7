#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "io/os.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::io {

inline constexpr std::size_t kMostAtOnce = std::size_t{1} << 29;  // bytes of a read or write: systems stop at 2 GiB

// Owns a file descriptor, or none. It ignores errors of close(): sync before, if they matter.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset() noexcept {
    if (number_ >= 0) os::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

// Repeats a system call until no signal interrupts it.
template <class Call>
auto retry(Call&& call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

[[noreturn]] inline void fail(int os_error, const std::filesystem::path& path, const char* what) {
  throw Error::system(os_error, utf8_of(path), what);
}

[[noreturn]] inline void fail_with(Code code, const std::filesystem::path& path, std::string message) {
  Error error(code, "", std::move(message));
  error.enter_file(utf8_of(path));
  throw error;
}

[[noreturn]] inline void fail_usage(const std::filesystem::path& path, std::string message) {
  fail_with(Code::usage, path, std::move(message));
}

// Throws usage for a path with a NUL: the system would end the path there, and use another file. Throws io (ENOENT) for
// an empty path.
void check_path(const std::filesystem::path& path);

// Fills `out` from `offset` on, and returns how many bytes it read: fewer only if the file ends. Throws io with the
// message `what`.
std::size_t read_up_to(int file, std::uint64_t offset, std::span<std::byte> out, const std::filesystem::path& path,
                       const char* what);

// Opens a regular file for reading, and fills `status`. It never blocks on a FIFO, and never makes a terminal the
// controlling one. Throws io: EISDIR for a folder, EINVAL for a FIFO, a socket or a device.
Descriptor open_regular(const std::filesystem::path& path, os::Status& status);

}  // namespace zt::io
