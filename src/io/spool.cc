#include "io/spool.h"

#include <string>

#include "base/checked.h"
#include "io/system.h"

namespace zt::io {
namespace {

const std::filesystem::path kPlace = "a temporary file";

}  // namespace

Spool::Spool() {
  std::filesystem::path name;
  file_ = Descriptor(os::open_temporary(name));
  if (!file_) fail(errno, name, "cannot create a temporary file");
}

void Spool::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t done =
        retry([&] { return os::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(position_)); });
    if (done <= 0) fail(done < 0 ? errno : EIO, kPlace, "cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    position_ += static_cast<std::uint64_t>(done);
  }
}

std::uint64_t Spool::place(std::uint64_t alignment, std::uint64_t) {
  position_ = checked::round_up(position_, alignment);
  return position_;
}

void Spool::reserve(std::uint64_t position, std::uint64_t bytes) noexcept {
  sys::reserve(file_.get(), position, bytes);
}

void Spool::read_back(std::uint64_t offset, std::span<std::byte> out) const {
  if (read_up_to(file_.get(), offset, out, kPlace, "cannot read back") < out.size()) {
    fail(EIO, kPlace, "cannot read back");
  }
}

}  // namespace zt::io
