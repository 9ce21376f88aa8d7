#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/writable.h"
#include "ztensor/byte_store.h"

namespace zt::io {

struct PublishOptions {
  // The target must not exist: EEXIST at once, and again when it is published.
  bool create_new = false;
  // Sync a new file and the folder too; a file that replaces another is synced in any case.
  bool durable = false;
  // False: write under a temporary name at once, as where the system has no unnamed files. For tests.
  bool unnamed = true;
};

// A file that does not exist under its name until publish(): written to an unnamed file in the target's
// folder (docs/design.md, saving). A symlink target is resolved and its file replaced; an existing file's
// owner, group, mode, access list and user attributes are kept where the system lets us. Dropped before publish(),
// nothing is left behind and the target is as it was. One owner.
class Publication final : public WritableFile {
 public:
  // Throws io: ENOENT or EACCES of the folder, EISDIR, ELOOP, EEXIST; usage for a target that is no regular
  // file.
  Publication(const std::filesystem::path& target, const PublishOptions& options);
  ~Publication() override;
  Publication(Publication&&) noexcept;
  Publication& operator=(Publication&&) noexcept;

  // Appends. Throws io: ENOSPC, EFBIG, EIO, ...; the file can then no longer be published.
  void write(std::span<const std::byte> bytes) override;
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound) override;
  void reserve(std::uint64_t position, std::uint64_t bytes) noexcept override;
  void read_back(std::uint64_t offset, std::span<std::byte> out) const override;
  void rewind(std::uint64_t position) override;
  // Gives the file another name in the same folder than the target's. A file of that name is replaced.
  void rename_target(const std::string& name);
  // The file appears under its name, whole. Once: it is over even when it throws. Throws io, after which the
  // target is as it was; only where `durable` cannot sync the folder the new file is in place, but may not
  // outlast a crash. Throws usage after an earlier write or publish that threw, or was done.
  void publish();
  // After publish(): what the new file could not keep of the one that it replaced, a line for each.
  const std::vector<std::string>& notes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The file that a path leads to, through links; empty when there is none. Throws io for other errors than
// absence.
std::optional<Identity> identify(const std::filesystem::path& path);
// Syncs a file's data and its folder entry.
void sync_file(const std::filesystem::path& path);
// Removes a regular file, only if it still is `expected`, unchanged since that was opened, and the name is no link.
// Throws usage (a link, another file by now, or changed) or io.
void remove_file(const std::filesystem::path& path, const File& expected);

}  // namespace zt::io
