#include "io/locked_file.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "io/publish.h"
#include "io/system.h"
#include "io/target.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMovedBlock = std::size_t{1} << 20;
constexpr int kMaxOpens = 10;  // a file that is replaced as often as we open it

Descriptor open_writable(const fs::path& path) {
  Descriptor file(os::open(path, O_RDWR | O_NOCTTY | O_NONBLOCK));
  if (!file) fail(errno, path, "cannot open for writing");
  return file;
}

// Two writers at once would destroy the file. So a file system without locks is an error here.
void lock(const Descriptor& file, const fs::path& path) {
  if (retry([&] { return sys::flock(file.get(), LOCK_EX | LOCK_NB); }) == 0) return;
  fail(errno, path, errno == EWOULDBLOCK ? "another writer has locked the file" : "cannot lock");
}

Identity identity_of(const Descriptor& file, const fs::path& path) {
  os::Status status;
  if (!os::status_of(file.get(), status)) fail(errno, path, "cannot read the status of the file");
  return status.identity;
}

}  // namespace

LockedFile::LockedFile(const fs::path& path, bool durable)
    : path_(path), place_(absolute_path(path)), durable_(durable), process_(os::process_id()) {
  open();
  size_ = store_->size();
}

void LockedFile::open() {
  for (int i = 0; i < kMaxOpens; ++i) {
    os::Status looked;
    open_regular(path_, looked);  // refuses devices: opening one for writing may have effects
    file_ = open_writable(path_);
    lock(file_, path_);
    // Before we had the lock, its last owner may have changed or replaced the file.
    store_ = File::open(path_);
    if (store_->identity() == identity_of(file_, path_)) return;
  }
  fail(EBUSY, path_, "the file is replaced again and again: try later");
}

LockedFile::~LockedFile() {
  // Children that were forked meanwhile share the lock. They would keep the next writer from taking it.
  if (is_owner()) sys::flock(file_.get(), LOCK_UN);
}

bool LockedFile::is_owner() const { return process_ == os::process_id(); }

void LockedFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (read_up_to(file_.get(), offset, out, path_, "cannot read") < out.size()) {
    fail(0, path_, "the file was cut while it was open");
  }
}

void LockedFile::reserve(std::uint64_t offset, std::uint64_t length) noexcept {
  sys::reserve(file_.get(), offset, length);
}

void LockedFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t wanted = std::min(bytes.size(), kMostAtOnce);
    const ssize_t done = retry([&] { return sys::pwrite(file_.get(), bytes.data(), wanted, offset); });
    if (done < 0) fail(errno, path_, "cannot write");
    if (done == 0) fail(EIO, path_, "cannot write");  // or the loop would never end
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void LockedFile::copy(std::uint64_t from, std::uint64_t length, std::uint64_t to) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(length, kMovedBlock)));
  for (std::uint64_t done = 0; done < length; done += buffer.size()) {
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(length - done, kMovedBlock)));
    read(from + done, buffer);
    write(to + done, buffer);
  }
}

void LockedFile::sync() {
  if (!durable_) return;
  if (retry([&] { return sys::fdatasync(file_.get()); }) != 0) fail(errno, path_, "cannot sync");
}

void LockedFile::check_written() {
  const int copy = os::duplicate(file_.get());
  if (copy < 0) fail(errno, path_, "cannot write");
  // Linux closes the descriptor even when it reports EINTR, so we never close twice.
  if (os::close(copy) != 0 && errno != EINTR) fail(errno, path_, "cannot write");
}

void LockedFile::check_place() const {
  if (identify(place_) != identity_of(file_, path_))
    fail_usage(path_, "the path leads to another file by now: open it again");
}

void LockedFile::truncate(std::uint64_t size) noexcept {
  retry([&] { return sys::ftruncate(file_.get(), size); });
}

void LockedFile::cut(std::uint64_t size) {
  if (retry([&] { return sys::ftruncate(file_.get(), size); }) != 0) fail(errno, path_, "cannot cut");
}

}  // namespace zt::io
