#include "io/target.h"

#include <system_error>
#include <utility>

#include "io/system.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 40;  // as many as Linux follows

fs::path follow_links(const fs::path& asked) {
  fs::path at = asked;
  for (int links = 0; links <= kMaxLinks; ++links) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0) {
      if (errno == ENOENT) return at;
      fail(errno, asked, "cannot look it up");
    }
    if (!S_ISLNK(status.st_mode)) return at;
    std::error_code error;
    const fs::path next = fs::read_symlink(at, error);
    if (error) fail(error.value(), asked, "cannot follow the link");
    at = at.parent_path() / next;  // an absolute `next` replaces all of it
  }
  fail(ELOOP, asked, "cannot follow the link");
}

}  // namespace

Target name_target(const fs::path& path, Folder folder) {
  check_path(path);
  if (path.empty()) fail(ENOENT, path, "the path is empty");
  Target target{path, {}, path.filename().native()};
  if (target.name.empty() || target.name == "." || target.name == "..") fail(EISDIR, path, "not a file name");
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int access = folder == Folder::syncable ? O_RDONLY : O_PATH;
  target.folder = Descriptor(retry([&] { return ::open(parent.c_str(), access | O_DIRECTORY | O_CLOEXEC); }));
  if (!target.folder) fail(errno, path, "cannot open its folder");
  return target;
}

Target resolve_target(const fs::path& path, Folder folder) {
  check_path(path);
  // The system goes first: it refuses loops, and links that others planted in a shared folder, which reading
  // them one by one would not.
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) fail(errno, path, "cannot look it up");
  if (exists) check_regular(status, path);
  Target target = name_target(follow_links(path), folder);
  target.asked = path;
  // Links below /proc lead to files that may have no name; their text is no path.
  if (exists && !look(target)) fail(ENOENT, path, "leads to a file without a name");
  return target;
}

std::optional<struct stat> look(const Target& target) {
  struct stat status {};
  if (::fstatat(target.folder.get(), target.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno == ENOENT) return std::nullopt;
  fail(errno, target.asked, "cannot look it up");
}

void check_regular(const struct stat& status, const fs::path& asked) {
  if (S_ISDIR(status.st_mode)) fail(EISDIR, asked, "not a file");
  if (S_ISREG(status.st_mode)) return;
  Error error(Code::usage, "", "not a regular file");
  error.enter_file(asked.native());
  throw error;
}

void sync_folder(const Target& target) {
  if (retry([&] { return sys::fsync(target.folder.get()); }) == 0) return;
  // Some file systems cannot sync a folder and say EINVAL: there is nothing more to ask of them.
  if (errno != EINVAL) fail(errno, target.asked, "cannot sync its folder");
}

}  // namespace zt::io
