#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "io/descriptor.h"

namespace zt::io {

// Where a name lies once links are followed. The folder is held open, so that neither renaming it nor
// changing the working directory moves the place.
struct Target {
  std::filesystem::path asked;  // as the caller gave it: what messages name
  Descriptor folder;
  std::string name;  // of the last component, never a link when it was looked at
};

enum class Folder {
  place,    // may be opened without the right to list it; enough to create, rename and remove
  syncable  // must be readable
};

// Follows links to the file that `path` leads to; the last one may dangle and then names a new file. Throws
// io: ENOENT or EACCES of the folder, ELOOP, EISDIR; usage for what exists and is no regular file.
Target resolve_target(const std::filesystem::path& path, Folder folder);

// The name itself, not followed when it is a link. Throws io: ENOENT or EACCES of the folder, EISDIR; usage
// for a path with a NUL byte.
Target name_target(const std::filesystem::path& path, Folder folder);

// What the name is now, a link counting as a link; empty when there is nothing. Throws io.
std::optional<struct stat> look(const Target& target);

// Throws io with EISDIR for a folder, usage "write.regular" for anything else that is no regular file.
void check_regular(const struct stat& status, const std::filesystem::path& asked);

// The path, and where that is a link, what it leads to, link by link. Ends early where one cannot be followed.
std::vector<std::filesystem::path> names_through_links(const std::filesystem::path& path);

// Makes created, renamed and removed names of the folder last, where the file system has such a call. Needs
// Folder::syncable. Throws io.
void sync_folder(const Target& target);
// Whether this error of a sync means that the file system has none.
bool lacks_sync(int os_error) noexcept;
// Whether this error of a link or a rename means so, and not that what was to be done with it is wrong.
bool lacks_names(int os_error) noexcept;

}  // namespace zt::io
