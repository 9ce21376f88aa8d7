#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "ztensor/resolver.h"

namespace zt {

// The ways to lay out shards on disk. Each looks for a file when it is asked to, and holds nothing before that.

// <dir>/<stem>-<shard>.zt beside the file <dir>/<stem>.zt that names it. Throws malformed for a name that is no
// shard's.
ZT_API std::shared_ptr<const Resolver> shards_beside(const std::filesystem::path& root);
// <folder>/blobs/<algorithm>/<hex digits of the digest>.
ZT_API std::shared_ptr<const Resolver> shards_by_content(const std::filesystem::path& folder);
// Any <folder>/*.zt, under whatever name, that has the size and the digest: files of the size are read to the end.
// Finds none whose digest is of an algorithm that we do not know.
ZT_API std::shared_ptr<const Resolver> shards_by_identity(const std::filesystem::path& folder);
// The first of `resolvers` that finds a shard.
ZT_API std::shared_ptr<const Resolver> shards_in_order(std::vector<std::shared_ptr<const Resolver>> resolvers);
// What open() uses for a path, unless it is given another: beside the file, then by content and by identity in its
// folder.
ZT_API std::shared_ptr<const Resolver> shards_of(const std::filesystem::path& root);

}  // namespace zt
