#pragma once

#include <string>
#include <string_view>

namespace zt::io {

// A sibling is a file that is about to become `name`. It has a temporary name in the same folder: ".<name>.<16 hex
// digits>.tmp". Its maker holds its flock until it is renamed. So if we can lock a sibling, its maker has died.

// A random name for a sibling. A long `name` is cut, so that the result is not too long for the folder.
std::string sibling_name(int folder, std::string_view name);

// Takes the lock of an open sibling. False if someone else holds it. True if the file system has no locks: then nobody
// removes siblings.
bool lock_sibling(int file) noexcept;
void unlock_sibling(int file) noexcept;

// Removes the siblings of `name` whose lock can be taken. Ignores errors: a sibling that stays does not hinder a save.
void remove_stale_siblings(int folder, std::string_view name);

}  // namespace zt::io
