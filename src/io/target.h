#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/descriptor.h"

namespace zt::io {

// The place of a file after links were followed. The folder is held open, so the place stays the same when the folder
// is renamed or the working directory changes.
struct Target {
  std::filesystem::path asked;  // the caller's path; messages name it
  Descriptor folder;
  std::string name;  // the last component; resolve_target() found that it is no link
};

enum class Folder {
  place,    // needs no right to list the folder; enough to create, rename and remove
  syncable  // the folder must be readable
};

// Follows links to the file that `path` leads to. If the last link dangles, it names a new file. Throws io: ENOENT or
// EACCES of the folder, ELOOP, EISDIR; usage if the path leads to something else than a regular file.
Target resolve_target(const std::filesystem::path& path, Folder folder);

// Takes the name itself, and does not follow it if it is a link. Throws io: ENOENT or EACCES of the folder, EISDIR;
// usage for a path with a NUL byte.
Target name_target(const std::filesystem::path& path, Folder folder);

// The status of the name now, without following a link; empty if there is no such name. Throws io.
std::optional<os::Status> look(const Target& target);

// Throws io (EISDIR) for a folder, usage "write.regular" for anything else that is not a regular file.
void check_regular(const os::Status& status, const std::filesystem::path& asked);

// The path and, while the last one is a link, the path that it leads to. Ends early at a link that cannot be followed.
std::vector<std::filesystem::path> names_through_links(const std::filesystem::path& path);

// Whether the path itself is a link. False if there is no such path.
bool is_link(const std::filesystem::path& path) noexcept;
// The path from the root of an existing file or folder, after all links were followed. Throws io.
std::filesystem::path path_without_links(const std::filesystem::path& path);

// The same path from the root, for a path that is used again later: the working directory may change. If there is no
// working directory, the path stays as it is.
std::filesystem::path absolute_path(const std::filesystem::path& path);

// Makes created, renamed and removed names of the folder last, if the file system can. Needs Folder::syncable. Throws
// io.
void sync_folder(const Target& target);
// Whether this error of a sync means that the file system cannot sync.
bool lacks_sync(int os_error) noexcept;
// Whether this error of a link or a rename means that the file system has no such call.
bool lacks_names(int os_error) noexcept;

}  // namespace zt::io
