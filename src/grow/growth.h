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

// The version that the file has.
struct Live {
  Region manifest;             // its CBOR item, which may be shorter than a 1.2 footer says
  std::uint64_t used_end = 0;  // the end of its blobs and of its manifest
};

struct GrowthOptions {
  // Each step lasts before the next one: covers the machine's death too, not only the process's.
  bool durable = false;
  // How far a 1.2 manifest may lie from the end of the file: readers allocate that much. For tests.
  std::uint64_t hop_limit = std::uint64_t{256} << 20;
};

// Grows one existing file in place. At each moment, whatever system call is the last, the file is whole: as it was
// until commit() makes its one decisive write, and of the new version from then on (docs/design.md, growing a file).
// Bytes of the former version are neither moved nor overwritten. Dropped before commit(), the file is as it was, byte
// for byte. Where an earlier append was killed, this one takes the place that it had taken.
//
// When place(), write() or commit() throws, the append is over: only abort() is left to call. Where the system has no
// locks, growing is an io error. The lock is held for as long as the object lives. One owner.
class Growth {
 public:
  // Opens for writing and takes the file's lock. Throws io: as io::File::open; EWOULDBLOCK at once if another writer has
  // it.
  Growth(const std::filesystem::path& path, const GrowthOptions& options);
  ~Growth();
  Growth(Growth&&) noexcept;
  Growth& operator=(Growth&&) noexcept;

  // The file as it is under the lock, to decode the current version from.
  std::shared_ptr<const ByteStore> store() const;

  // Once, before the members below. Throws usage if the file's end is not that of such a version.
  void begin(Tail tail, const Live& live);
  // Where the next part goes: the first multiple of `alignment`, a power of two, that is free. Makes room for `bound`
  // bytes; give 0 or little where the length is not known, since what was made room for stays in the file. Throws io;
  // limit where a 1.2 manifest is too large to be moved out of the way.
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound);
  // Takes room on the disk for bytes that are about to be written at `position`, if the system can.
  void reserve(std::uint64_t position, std::uint64_t bytes) noexcept;
  // In order, from the last place() on; may run past its bound. Throws io: ENOSPC, EFBIG, EIO, ...
  void write(std::span<const std::byte> bytes);
  // Forgets what was written from `position` on, which is not below what the last place() gave. Those bytes are written
  // over, or stay as padding.
  void rewind(std::uint64_t position);
  // Bytes that were written.
  void read_back(std::uint64_t offset, std::span<std::byte> out) const;
  // Writes the manifest and publishes it by writing `footer(its offset)`, which is as long as the one that the file
  // has. `region` (generation 2): where the manifest goes, a former manifest's that nobody uses or one from place();
  // otherwise it goes into new space, at a multiple of `alignment`. Gives its offset. Throws usage if the path has come
  // to be another file; io, after which the file is as it was; only where `durable` cannot sync the last write, the new
  // version is there but may not last.
  std::uint64_t commit(std::span<const std::byte> manifest,
                       const std::function<std::vector<std::byte>(std::uint64_t offset)>& footer,
                       std::optional<Region> region, std::uint64_t alignment);
  // The file is as it was. Nothing after commit().
  void abort() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zt::grow
