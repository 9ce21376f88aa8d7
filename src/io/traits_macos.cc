#include <cerrno>
#include <string>
#include <system_error>

#include <copyfile.h>
#include <sys/stat.h>

#include "io/traits.h"

// Never compiled: nobody here has macOS.
namespace zt::io {

mode_t guarded_mode(std::uint32_t replaced) {
  const mode_t both = static_cast<mode_t>((replaced >> 3) & replaced & 07);
  return 0600 | both << 3 | both;
}

void guard_traits(const Target&, const Descriptor&) {}

std::vector<std::string> keep_traits(const Target& target, const os::Status& existing, const Descriptor& file) {
  std::vector<std::string> notes;
  const auto note = [&](const std::string& what) {
    notes.push_back(what + " could not be kept: " + std::generic_category().message(errno));
  };
  const bool owned = ::fchown(file.get(), existing.owner, existing.group) == 0;
  if (!owned) note("its owner");
  const Descriptor old(os::openat(target.folder.get(), target.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0));
  const bool copied = old && ::fcopyfile(old.get(), file.get(), nullptr, COPYFILE_ACL | COPYFILE_XATTR) == 0;
  if (!copied) note("its access list");
  const mode_t mode = static_cast<mode_t>(existing.mode & 0777);
  const mode_t wanted = owned ? mode : static_cast<mode_t>((mode & 0700) | (guarded_mode(mode) & 077));
  if (::fchmod(file.get(), wanted) != 0) note("its mode");
  return notes;
}

}  // namespace zt::io
