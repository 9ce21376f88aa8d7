#pragma once

#include <string>
#include <string_view>

namespace zt::io {

// A sibling is the temporary name of a file that is about to become `name`: ".<name>.<16 hex digits>.tmp", in
// the same folder. Its maker holds flock on it for as long as it has that name, so one that can be locked was
// left behind by a process that died.

// A random one. A long name is cut so that the sibling's fits into what the folder allows.
std::string sibling_name(int folder, std::string_view name);

// Takes the lock of an open sibling. False when someone else holds it. True where the file system has no
// locks: nobody can remove it there either.
bool lock_sibling(int file) noexcept;
void unlock_sibling(int file) noexcept;

// Removes the siblings of `name` whose lock can be taken. What cannot be removed stays, silently: it does not
// stand in the way of a save.
void remove_stale_siblings(int folder, std::string_view name);

}  // namespace zt::io
