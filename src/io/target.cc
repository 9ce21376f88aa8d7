#include "io/target.h"

#include <system_error>
#include <utility>

#include "io/system.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 40;  // as many as Linux follows

// If the text of a link is absolute, it replaces the whole path.
fs::path next_of_link(const fs::path& link, std::error_code& error) {
  const fs::path text = os::text_of_link(link);
  if (text.empty()) error.assign(errno, std::generic_category());
  return link.parent_path() / text;
}

fs::path follow_links(const fs::path& asked) {
  fs::path at = asked;
  for (int links = 0; links <= kMaxLinks; ++links) {
    os::Status status;
    if (!os::link_status_of(at, status)) {
      if (errno == ENOENT) return at;
      fail(errno, asked, "cannot look up the path");
    }
    if (status.kind != os::Kind::link) return at;
    std::error_code error;
    at = next_of_link(at, error);
    if (error) fail(error.value(), asked, "cannot follow the link");
  }
  fail(ELOOP, asked, "cannot follow the link");
}

}  // namespace

std::vector<fs::path> names_through_links(const fs::path& path) {
  std::vector<fs::path> names = {path};
  std::error_code error;
  while (names.size() <= kMaxLinks && is_link(names.back())) {
    const fs::path next = next_of_link(names.back(), error);
    if (error) break;
    names.push_back(next);
  }
  return names;
}

bool is_link(const fs::path& path) noexcept {
  os::Status status;
  return os::link_status_of(path, status) && status.kind == os::Kind::link;
}

fs::path path_without_links(const fs::path& path) {
  fs::path found = os::real_path(path);
  if (found.empty()) fail(errno, path, "cannot follow the link");
  return found;
}

fs::path absolute_path(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path : absolute;
}

Target name_target(const fs::path& path, Folder folder) {
  check_path(path);
  Target target{path, {}, utf8_of(path.filename())};
  if (target.name.empty() || target.name == "." || target.name == "..")
    fail(EISDIR, path, "the path does not end in a file name");
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int access = folder == Folder::syncable ? O_RDONLY : O_PATH;
  target.folder = Descriptor(os::open(parent, access | O_DIRECTORY));
  if (!target.folder) fail(errno, path, "cannot open its folder");
  return target;
}

Target resolve_target(const fs::path& path, Folder folder) {
  check_path(path);
  // We ask the system first: it refuses loops, and links that others planted in a shared folder. Reading the links one
  // by one would not refuse these.
  os::Status status;
  const bool exists = os::status_of(path, status);
  if (!exists && errno != ENOENT) fail(errno, path, "cannot look up the path");
  if (exists) check_regular(status, path);
  Target target = name_target(follow_links(path), folder);
  target.asked = path;
  // Links below /proc may lead to files without a name. The text of such a link is not a path.
  if (exists && !look(target)) fail(ENOENT, path, "the path leads to a file without a name");
  return target;
}

std::optional<os::Status> look(const Target& target) {
  os::Status status;
  if (os::status_at(target.folder.get(), target.name.c_str(), status)) return status;
  if (errno == ENOENT) return std::nullopt;
  fail(errno, target.asked, "cannot look up the path");
}

void check_regular(const os::Status& status, const fs::path& asked) {
  if (status.kind == os::Kind::folder) fail(EISDIR, asked, "not a file");
  if (status.kind == os::Kind::regular) return;
  Error error(Code::usage, "write.regular", "not a regular file");
  error.enter_file(utf8_of(asked));
  throw error;
}

void sync_folder(const Target& target) {
  if (retry([&] { return sys::fsync(target.folder.get()); }) == 0) return;
  // Some file systems cannot sync a folder, and we forgive it.
  if (!lacks_sync(errno)) fail(errno, target.asked, "cannot sync its folder");
}

bool lacks_names(int os_error) noexcept {
  return os_error == ENOSYS || os_error == EOPNOTSUPP || os_error == EINVAL || os_error == EPERM ||
         os_error == EACCES || os_error == EMLINK;
}

bool lacks_sync(int os_error) noexcept { return os_error == EINVAL || os_error == EOPNOTSUPP || os_error == ENOSYS; }

}  // namespace zt::io
