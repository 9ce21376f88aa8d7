#include "io/traits.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>

#include <sys/stat.h>
#include <sys/xattr.h>

#include "io/system.h"

namespace zt::io {
namespace {

constexpr mode_t kKept = 0777;
constexpr const char* kAccessList = "system.posix_acl_access";
constexpr int kTries = 5;  // for a value that others make longer meanwhile

// All bytes that `call(buffer, length)` gives; empty, with errno set, if it fails.
template <class Call>
std::optional<std::string> bytes_of(Call&& call) {
  for (int i = 0; i < kTries; ++i) {
    const ssize_t length = call(nullptr, 0);
    if (length < 0) return std::nullopt;
    std::string bytes(static_cast<std::size_t>(length), '\0');
    if (length == 0) return bytes;
    const ssize_t got = call(bytes.data(), bytes.size());
    if (got >= 0) {
      bytes.resize(static_cast<std::size_t>(got));
      return bytes;
    }
    if (errno != ERANGE) return std::nullopt;
  }
  return std::nullopt;
}

// Splits a list of attribute names, each of which ends in a NUL.
std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find('\0'), list.size());
    names.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

mode_t shared_rights(mode_t mode) {
  const mode_t both = (mode >> 3) & mode & 07;
  return both << 3 | both;
}

// Gives one file the traits of another; each method keeps one trait.
class Keeper {
 public:
  Keeper(const Target& target, const os::Status& existing, int file)
      : target_(target),
        existing_(existing),
        file_(file),
        // We use the path, because we may not be allowed to read the file, and opening it would change its access time.
        path_("/proc/self/fd/" + std::to_string(target.folder.get()) + "/" + target.name) {}

  std::vector<std::string> keep() {
    read_names();
    keep_attributes();  // while the new file is still ours
    const bool group = keep_group();
    const bool list = keep_access_list();
    keep_mode(group && list);
    return std::move(notes_);
  }

 private:
  void note(const std::string& what, int os_error) {
    notes_.push_back(what + " could not be kept: " + std::generic_category().message(os_error));
  }

  void read_names() {
    const auto list = bytes_of([&](char* out, std::size_t size) { return ::llistxattr(path_.c_str(), out, size); });
    if (list) names_ = split_names(*list);
    // ENOENT: the file has gone meanwhile, or nothing is mounted at /proc.
    if (!list && errno != ENOTSUP && errno != ENOSYS && errno != ENOENT) note("its extended attributes", errno);
  }

  std::optional<std::string> attribute(const std::string& name) const {
    return bytes_of([&](char* out, std::size_t size) { return ::lgetxattr(path_.c_str(), name.c_str(), out, size); });
  }

  // Copies an attribute of the old file. False, with errno set, if it fails.
  bool copy(const std::string& name) {
    const auto value = attribute(name);
    return value && sys::fsetxattr(file_, name.c_str(), value->data(), value->size()) == 0;
  }

  void keep_attributes() {
    for (const std::string& name : names_) {
      if (name.starts_with("user.") && !copy(name)) note("its attribute " + name, errno);
    }
  }

  // Keeps owner and group. True if the group was kept: only the group matters for the mode.
  bool keep_group() {
    struct stat now {};
    if (::fstat(file_, &now) != 0) fail(errno, target_.asked, "cannot read the status of the file");
    if (now.st_uid == existing_.owner && now.st_gid == existing_.group) return true;
    if (sys::fchown(file_, existing_.owner, existing_.group) == 0) return true;
    const int os_error = errno;
    if (now.st_uid != existing_.owner) note("its owner " + std::to_string(existing_.owner), os_error);
    if (now.st_gid == existing_.group) return true;
    if (now.st_uid != existing_.owner && sys::fchown(file_, kSame, existing_.group) == 0) return true;
    note("its group " + std::to_string(existing_.group), os_error);
    return false;
  }

  // Keeps the list of the old file. If there is none, removes the list that the new file got from its folder, which may
  // let others in. False if the rights of the group, the most that a list grants, must not come from the old file.
  bool keep_access_list() {
    const bool wanted = std::find(names_.begin(), names_.end(), kAccessList) != names_.end();
    if (wanted && copy(kAccessList)) return true;
    if (wanted) note("its access list", errno);
    const auto list = bytes_of([&](char* out, std::size_t size) { return ::flistxattr(file_, out, size); });
    const std::vector<std::string> given = list ? split_names(*list) : std::vector<std::string>();
    const bool inherited = std::find(given.begin(), given.end(), kAccessList) != given.end();
    const bool removed = !inherited || sys::fremovexattr(file_, kAccessList) == 0;
    return removed && !wanted;
  }

  void keep_mode(bool group) {
    struct stat now {};
    if (::fstat(file_, &now) != 0) fail(errno, target_.asked, "cannot read the status of the file");
    const mode_t old = existing_.mode & kKept;
    const mode_t wanted = group ? old : (old & 0700) | shared_rights(old);
    // Some systems refuse to set even the mode that the file already has.
    if ((now.st_mode & 07777) == wanted || sys::fchmod(file_, wanted) == 0) return;
    if ((now.st_mode & ~wanted & 077) != 0) fail(errno, target_.asked, "cannot keep its mode");
    note("its mode", errno);
  }

  static constexpr uid_t kSame = static_cast<uid_t>(-1);
  const Target& target_;
  const os::Status& existing_;
  int file_;
  std::string path_;
  std::vector<std::string> names_;  // the attributes of the old file
  std::vector<std::string> notes_;
};

}  // namespace

mode_t guarded_mode(std::uint32_t replaced) { return 0600 | shared_rights(replaced); }

void guard_traits(const Target&, const Descriptor&) {}

std::vector<std::string> keep_traits(const Target& target, const os::Status& existing, const Descriptor& file) {
  return Keeper(target, existing, file.get()).keep();
}

}  // namespace zt::io
