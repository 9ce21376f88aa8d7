#include "io/file.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "base/checked.h"
#include "io/descriptor.h"
#include "io/system.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

[[noreturn]] void fail_cut(const std::filesystem::path& path, std::uint64_t size, std::uint64_t now) {
  throw Error::system(0, utf8_of(path),
                      "the file was cut while it was open: it had " + std::to_string(size) + " bytes and now ends at " +
                          std::to_string(now));
}

os::Status status_of(int descriptor, const std::filesystem::path& path) {
  os::Status status;
  if (!os::status_of(descriptor, status)) fail(errno, path, "cannot read the status of the file");
  return status;
}

Bytes map_pages(int descriptor, std::uint64_t length, Mapping mapping, const std::filesystem::path& path) {
  if (length > std::numeric_limits<std::size_t>::max()) fail(EFBIG, path, "cannot map");
  const auto size = static_cast<std::size_t>(length);
  void* const pages = os::map(descriptor, size, mapping == Mapping::shared);
  if (pages == nullptr) fail(errno, path, "cannot map");
  std::shared_ptr<const void> owner(pages, [size](void* start) { os::unmap(start, size); });
  return {std::move(owner), {static_cast<const std::byte*>(pages), size}};
}

}  // namespace

std::shared_ptr<const File> File::open(const std::filesystem::path& path) {
  os::Status status;
  Descriptor file = open_regular(path, status);
  return take(file, status, path);
}

std::shared_ptr<const File> File::share(int descriptor) {
  Descriptor file(os::duplicate(descriptor));
  os::Status status;
  if (!file || !os::status_of(file.get(), status)) fail(errno, "", "cannot use the open file");
  if (status.kind != os::Kind::regular) fail(EINVAL, "", "not a regular file");
  return take(file, status, "");
}

std::shared_ptr<const File> File::take(Descriptor& file, const os::Status& status, const std::filesystem::path& path) {
  std::unique_ptr<const File> opened(new File(file.get(), status.size, status.modified, status.identity, path));
  file.release();
  return opened;
}

File::File(int descriptor, std::uint64_t size, std::int64_t modified, Identity identity, std::filesystem::path path)
    : descriptor_(descriptor), size_(size), modified_(modified), identity_(identity), path_(std::move(path)) {}

File::~File() {
  for (const auto& mapped : mappings_) delete mapped.load();
  os::close(descriptor_);
}

std::uint64_t File::size_now() const { return status_of(descriptor_, path_).size; }

bool File::is_remote() const noexcept {
  constexpr std::uint32_t kRemote[] = {
      0x6969,      // NFS
      0x517B,      // SMB
      0xFF534D42,  // CIFS
      0xFE534D42,  // SMB 2
      0x65735546,  // FUSE: sshfs, s3fs, gcsfuse, Drive, ...
      0x01021997,  // 9P
      0x5346414F,  // AFS
      0x6B414653,  // AFS of the kernel
      0x73757245,  // Coda
      0x00C36400,  // Ceph
      0x0BD00BD0,  // Lustre
      0x47504653,  // GPFS
      0x19830326,  // BeeGFS
      0x20030528,  // OrangeFS
      0x786F4256,  // a shared folder of VirtualBox
  };
  return std::ranges::find(kRemote, sys::file_system(descriptor_)) != std::end(kRemote);
}

bool File::was_changed() const {
  const os::Status status = status_of(descriptor_, path_);
  return status.size != size_ || status.modified != modified_;
}

void File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (!checked::within(offset, out.size(), size_)) {
    throw Error::system(0, utf8_of(path_),
                        "bytes " + std::to_string(offset) + " + " + std::to_string(out.size()) +
                            " run past the end at " + std::to_string(size_));
  }
  if (read_up_to(descriptor_, offset, out, path_, "cannot read") < out.size()) {
    fail_cut(path_, size_, status_of(descriptor_, path_).size);
  }
}

Bytes File::map(Mapping mapping) const {
  if (size_ == 0) return {};
  // Touching pages past the end is SIGBUS. So we refuse a file that was cut, even if we have mapped it already.
  const std::uint64_t now = status_of(descriptor_, path_).size;
  if (now < size_) fail_cut(path_, size_, now);
  std::atomic<const Bytes*>& kept = mappings_[static_cast<std::size_t>(mapping)];
  const Bytes* pages = kept.load();
  if (pages == nullptr) {
    auto made = std::make_unique<const Bytes>(mapped(mapping));
    if (kept.compare_exchange_strong(pages, made.get())) pages = made.release();  // else another thread was first
  }
  return *pages;
}

void File::release(std::uint64_t offset, std::uint64_t length) const {
  if (!checked::within(offset, length, size_)) return;
  static const auto page = std::uint64_t{os::page_size()};
  const std::uint64_t first = (offset + page - 1) / page * page;
  const std::uint64_t last = (offset + length) / page * page;
  if (first >= last) return;
  for (std::size_t i = 0; i < kMappings; ++i) {
    const Bytes* const pages = mappings_[i].load();
    if (pages == nullptr) continue;
    const bool may_be_written = static_cast<Mapping>(i) == Mapping::copy_on_write;
    auto* const start = const_cast<std::byte*>(pages->view().data()) + first;
    os::forget(start, static_cast<std::size_t>(last - first), may_be_written);
  }
}

Bytes File::mapped(Mapping mapping) const {
  try {
    return map_pages(descriptor_, size_, mapping, path_);
  } catch (const Error&) {
    // Some systems count private pages that nobody has written to (strict overcommit, RLIMIT_DATA), and have no room
    // for a large file. The shared mapping needs no room.
    if (mapping != Mapping::shielded) throw;
  }
  return map(Mapping::shared);
}

}  // namespace zt::io
