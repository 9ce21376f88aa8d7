#pragma once

#include <filesystem>

#include "io/target.h"

namespace zt::io {

// Throws io for an existing file that the system will not let us replace: a file that is mounted by itself, or a file
// of another user in a sticky folder. Passes if it cannot find out.
void check_replaceable(const Target& target, const os::Status& existing);

// Throws `os_error`, from a step that puts a file in its place. The rule is "write.inplace" if the existing file may be
// written to in place, so that a caller can say how.
[[noreturn]] void fail_replacing(int os_error, const Target& target, const char* what);

// Throws the errors of a Publication that can be found before anything is done: io for a folder that is missing or not
// writable, for a folder in place of a file, for an existing file unless `overwrite` ("write.exists", EEXIST), and for
// a file that cannot be replaced; usage "write.regular" for anything else that is not a regular file.
void check_output(const std::filesystem::path& path, bool overwrite);

}  // namespace zt::io
