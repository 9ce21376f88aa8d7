#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "ztensor/resolver.h"

namespace zt {

// Resolvers for the ways to lay out shards on disk. Each looks for a file only when it is asked for one.

// Finds <dir>/<stem>-<shard>.zt beside the file <dir>/<stem>.zt that names it. Its find() throws malformed for a text
// that cannot be the name of a shard.
[[nodiscard]] ZT_API std::shared_ptr<const Resolver> shards_beside(const std::filesystem::path& root);
// Finds <folder>/blobs/<algorithm>/<hex digits of the digest>.
[[nodiscard]] ZT_API std::shared_ptr<const Resolver> shards_by_content(const std::filesystem::path& folder);
// Finds any <folder>/*.zt, under whatever name, that has the size and the digest. Reads files of that size to their
// end. Finds nothing where the digest has an algorithm that this build does not know.
[[nodiscard]] ZT_API std::shared_ptr<const Resolver> shards_by_identity(const std::filesystem::path& folder);
// Asks `resolvers` in turn, until one finds the shard.
[[nodiscard]] ZT_API std::shared_ptr<const Resolver> shards_in_order(
    std::vector<std::shared_ptr<const Resolver>> resolvers);
// What open() uses for a path unless OpenOptions has another: looks beside the file, then by content and by identity in
// its folder.
[[nodiscard]] ZT_API std::shared_ptr<const Resolver> shards_of(const std::filesystem::path& root);

}  // namespace zt
