#pragma once

#include <filesystem>

#include <sys/stat.h>

#include "io/target.h"

namespace zt::io {

// Throws io for a file that is there and that the system will not let us replace, whatever is written first: one that
// is mounted by itself, or another's in a folder where all may only touch their own. What cannot be known is let pass.
void check_replaceable(const Target& target, const struct stat& existing);

// Throws `os_error` of a step that puts a file in its place. The rule is "write.inplace" where the file that is there
// may be written to all the same, so that a caller can say how.
[[noreturn]] void fail_replacing(int os_error, const Target& target, const char* what);

// Throws what a Publication would, as far as it can be known now, before anything else is done: io for a folder that is
// not there or not to be written to, for a folder in place of a file, "write.exists" (EEXIST) for a file that is there
// unless `overwrite`, and for one that cannot be replaced; usage "write.regular" for what is no regular file.
void check_output(const std::filesystem::path& path, bool overwrite);

}  // namespace zt::io
