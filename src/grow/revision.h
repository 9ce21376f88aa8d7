#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "grow/growth.h"
#include "io/writable.h"
#include "model/encoder.h"
#include "ztensor/options.h"
#include "ztensor/source.h"

namespace zt::grow {

// The current version of a file. `former`: the regions of former manifests.
Live live_version(const ByteStore& store, const model::Catalog& catalog, std::span<const Region> former);

// Throws unsupported "write.shard" if a shard of the file is the file itself: it would change under its own root.
void check_no_own_shard(const std::filesystem::path& path, const model::Catalog& catalog);

// The result of a commit.
struct Committed {
  std::uint64_t size = 0;         // of the file
  std::uint64_t reclaimable = 0;  // bytes that compact() would free; 0 if compact() would refuse the file
};

// A file that grows in place: its current version, its lock, and the edits for its next manifest. One owner.
class Revision {
 public:
  // Throws io (EWOULDBLOCK: another writer has the lock), usage (options with another format or alignment than the
  // file's), unsupported (a file that cannot grow), and what open() throws.
  Revision(const std::filesystem::path& path, const WriterOptions& options);

  const model::Encoder& encoder() const { return *encoder_; }
  const Source& current() const { return current_; }
  std::uint64_t alignment() const { return alignment_; }
  model::ManifestEdit& edit() { return edit_; }

  // Whether the current version has the tensor, and it was not removed.
  bool has(std::string_view name) const;
  // Removes a tensor of the current version. Throws not_found.
  void remove(std::string_view name);

  // The file, for an Output. This object must outlive it.
  std::unique_ptr<io::WritableFile> file();
  // Publishes the new version: the new tensors, and the changes in edit(). Throws usage if a tensor that stays is stored
  // as a delta over a removed one.
  Committed commit(const model::Catalog& added, const Limits& limits);
  void abort() noexcept { growth_->abort(); }

 private:
  void read_present(const WriterOptions& options);
  void check_entries() const;
  std::optional<Region> place_manifest(std::uint64_t size);
  std::uint64_t packed_size(const model::Catalog& added, Region manifest) const;

  std::filesystem::path path_;
  std::unique_ptr<Growth> growth_;
  Source current_;
  const model::Encoder* encoder_ = nullptr;
  std::uint64_t alignment_ = 0;
  std::vector<std::byte> manifest_;  // of the current version
  std::vector<Region> reusable_;     // of former manifests, which no reader needs any more
  model::ManifestEdit edit_;
};

}  // namespace zt::grow
