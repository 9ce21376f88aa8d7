#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "model/recipe.h"
#include "run/progress.h"
#include "write/output.h"
#include "write/part_writer.h"

namespace zt::write {

// The place and the digest text of a stored part.
struct StoredPart {
  model::Recipe recipe;
  std::string digest;
};

// A part that is being stored, of bytes that come one after another. One owner; it must not outlive what made it.
class PartStream {
 public:
  virtual ~PartStream() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  virtual StoredPart end() = 0;
  // Gives up the part: its bytes are no part of the file.
  virtual void drop() = 0;
};

// Stores parts one after another in a file. Writes around each member of an archive what the archive needs. `share`:
// does not store a raw part again if the file has the same bytes already. It finds them by digest and length, and
// compares every byte.
class PartLayout {
 public:
  PartLayout(Output& output, std::uint64_t alignment, bool share, unsigned threads)
      : output_(output), alignment_(alignment), share_(share), parts_(output, threads) {}
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter);
  // Stores a part whose bytes come one after another; nothing else is stored until it ends. Null for a member of an
  // archive, which begins with its length.
  std::unique_ptr<PartStream> stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                     run::Meter& meter);
  // After the last part: gives back all memory.
  void free_buffers() noexcept {
    parts_.free_buffers();
    stored_.clear();
  }

 private:
  class Stream;
  const StoredPart* find_same(const StoredPart& part);
  StoredPart finish(StoredPart part, const WrittenPart& written, std::uint64_t length);

  Output& output_;
  std::uint64_t alignment_;
  bool share_;
  PartWriter parts_;
  std::multimap<std::pair<std::string, std::uint64_t>, StoredPart> stored_;  // parts to share, by digest and length
};

// Upper bound of the stored length of a part with `decoded` decoded bytes.
std::uint64_t stored_bound(std::uint64_t decoded, const PartOptions& options);

}  // namespace zt::write
