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
  // Sync a new file and the folder too. A file that replaces another is always synced.
  bool durable = false;
  // False: write under a temporary name, as on systems without unnamed files. For tests.
  bool unnamed = true;
};

// A file that gets its name with publish(). Until then it is an unnamed file in the target's folder (docs/design.md,
// saving). If the target is a symlink, the file that it leads to is replaced. The new file keeps the owner, group,
// mode, access list and user attributes of the old file, if the system allows it. An object that is destroyed before
// publish() leaves nothing behind, and the target as it was. One owner.
class Publication final : public WritableFile {
 public:
  // Throws io: ENOENT or EACCES of the folder, EISDIR, ELOOP, EEXIST; usage unless the target is a regular file or new.
  Publication(const std::filesystem::path& target, const PublishOptions& options);
  ~Publication() override;
  Publication(Publication&&) noexcept;
  Publication& operator=(Publication&&) noexcept;

  // Appends. Throws io: ENOSPC, EFBIG, EIO, ...; after this the file cannot be published.
  void write(std::span<const std::byte> bytes) override;
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound) override;
  void reserve(std::uint64_t position, std::uint64_t bytes) noexcept override;
  void read_back(std::uint64_t offset, std::span<std::byte> out) const override;
  void rewind(std::uint64_t position) override;
  // Chooses another name in the target's folder. A file with this name is replaced.
  void rename_target(const std::string& name);
  // The whole file appears under its name. Call it only once, even if it throws. After io the target is as it was,
  // except when `durable` cannot sync the folder: then the new file is in place, but may not outlast a crash. Throws
  // usage if a write has failed, or after an earlier publish().
  void publish();
  // The same under another name in the target's folder, which must be free. False if another file has the name: then it
  // may be called again, with another name.
  bool publish_as(const std::string& name);
  // After publish(): a line for each trait of the replaced file that the new file could not keep.
  const std::vector<std::string>& notes() const;

 private:
  struct State;
  bool try_publish();
  std::unique_ptr<State> state_;
};

// The file that a path leads to, through links; empty if there is none. Throws io for any other error.
std::optional<Identity> identify(const std::filesystem::path& path);
// Syncs a file's data and its folder entry.
void sync_file(const std::filesystem::path& path);
// Removes a regular file if it still is `expected` and is not reached by a link. Throws usage (a link, or another file)
// or io.
void remove_file(const std::filesystem::path& path, const Identity& expected);
// The same, if the file has also not changed since `expected` was opened. Throws usage if it has.
void remove_file(const std::filesystem::path& path, const File& expected);

}  // namespace zt::io
