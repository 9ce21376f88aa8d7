#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "model/recipe.h"
#include "run/progress.h"
#include "write/output.h"
#include "write/part_writer.h"

namespace zt::write {

// Where a part was stored.
struct StoredPart {
  model::Recipe recipe;
  std::string digest;
};

// Lays parts into a file one after another. Where it may share, a raw part whose bytes are there already is not stored
// again: found by digest and length, and compared byte by byte.
class PartLayout {
 public:
  PartLayout(Output& output, std::uint64_t alignment, bool share, unsigned threads)
      : output_(output), alignment_(alignment), share_(share), parts_(output, threads) {}
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter);
  std::uint64_t alignment() const { return alignment_; }

 private:
  const StoredPart* find_same(const StoredPart& part);

  Output& output_;
  std::uint64_t alignment_;
  bool share_;
  PartWriter parts_;
  std::multimap<std::pair<std::string, std::uint64_t>, StoredPart> stored_;  // by digest and length, what may be shared
};

// Upper bound of what a part of that many decoded bytes takes.
std::uint64_t stored_bound(std::uint64_t decoded, const PartOptions& options);

}  // namespace zt::write
