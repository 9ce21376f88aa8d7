#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/region.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"

namespace zt::grow {

using Tail = model::Grower::Tail;

// The current version of a file.
struct Live {
  Region manifest;             // its CBOR item; a 1.2 footer may say more bytes
  std::uint64_t used_end = 0;  // the end of its blobs and its manifest
};

// The result of a commit.
struct Grown {
  std::uint64_t manifest = 0;  // its offset
  std::uint64_t size = 0;      // of the file
};

struct GrowthOptions {
  // Sync each step before the next one, so that the file also survives the death of the machine.
  bool durable = false;
  // The farthest place of a 1.2 manifest from the end of the file: readers allocate that much. For tests.
  std::uint64_t hop_limit = std::uint64_t{256} << 20;
};

// Grows one existing file in place. After each system call the file is whole: it has the old version until the decisive
// write of commit(), and the new version from then on (docs/design.md, growing a file). Bytes of the old version are
// neither moved nor overwritten. An object that is destroyed before commit() leaves the file as it was, byte for byte.
// An append takes over the space of an earlier append that was killed. After place(), write() or commit() threw, only
// abort() is allowed. On a system without locks, growing is an io error. The object holds the lock while it lives. One
// owner.
class Growth {
 public:
  // Opens the file for writing and locks it. Throws io: as io::File::open; EWOULDBLOCK at once if another writer has
  // the lock.
  Growth(const std::filesystem::path& path, const GrowthOptions& options);
  ~Growth();
  Growth(Growth&&) noexcept;
  Growth& operator=(Growth&&) noexcept;

  // The locked file, to decode the current version from.
  std::shared_ptr<const ByteStore> store() const;

  // Call it once, before the members below. Throws usage if the file does not end as the live version does.
  void begin(Tail tail, const Live& live);
  // Returns the place of the next part: the first free multiple of `alignment`, a power of two. Makes room for `bound`
  // bytes, which stays in the file: give 0 or little if the length is not known. Throws io; limit if a 1.2 manifest is
  // too large to be moved out of the way.
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound);
  // Reserves room on the disk for bytes that will be written at `position`, if the system can.
  void reserve(std::uint64_t position, std::uint64_t bytes) noexcept;
  // Writes in order from the last place() on, and may go past its bound. Throws io: ENOSPC, EFBIG, EIO, ...
  void write(std::span<const std::byte> bytes);
  // Drops the bytes from `position` on, which must not lie before the last place(). They are overwritten, or stay as
  // padding.
  void rewind(std::uint64_t position);
  // Reads bytes that this append wrote.
  void read_back(std::uint64_t offset, std::span<std::byte> out) const;
  // Writes the manifest, and publishes it by writing `footer(its offset)`, which must be as long as the file's footer.
  // `region` (generation 2): the place of the manifest, a free region of a former manifest or one from place(). Without
  // it the manifest goes to new space, at a multiple of `alignment`. Throws usage if the path now leads to another
  // file. Throws io, after which the file is as it was, except when `durable` cannot sync the last
  // write: then the new version is visible, but may not outlast a crash.
  Grown commit(std::span<const std::byte> manifest,
               const std::function<std::vector<std::byte>(std::uint64_t offset)>& footer, std::optional<Region> region,
               std::uint64_t alignment);
  // Restores the file. Does nothing after commit().
  void abort() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zt::grow
