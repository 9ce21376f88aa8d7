#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "grow/growth.h"

namespace zt::test {

// Tensors of bytes, by name.
using Contents = std::map<std::string, std::string>;

// Contents for tests: a tensor "a", and several others.
Contents one();
Contents some();
Contents both(Contents first, const Contents& second);

// A file of generation 1.2, or one with the footer of generation 2 over a manifest of lines "name offset length".
std::string make_file(grow::Tail tail, const Contents& contents);
// The tensors that a reader sees if it opens the file now. Throws zt::Error if the file is not whole.
Contents read_contents(grow::Tail tail, const std::filesystem::path& path);
Contents read_contents(grow::Tail tail, const ByteStore& store);
// Adds or replaces tensors, written in pieces.
void append(const std::filesystem::path& path, grow::Tail tail, const grow::GrowthOptions& options,
            const Contents& added);
// The present version of the file.
grow::Live live_of(grow::Tail tail, const ByteStore& store);

}  // namespace zt::test
