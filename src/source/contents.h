#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "model/catalog.h"

namespace zt::source {

// What the bytes of a bool part are.
enum class Bools : std::uint8_t {
  unread,
  clean,  // 0 and 1
  other,
};

// How the entries of a sparse tensor lie.
enum class Entries : std::uint8_t {
  unread,
  sorted,    // and no cell is given twice
  unsorted,  // and no cell is given twice
  twice,     // a cell is
};

// What was found out about the elements of a source by reading them, so that nobody has to read them again for it: a
// conversion asks before it writes, and then the Writer asks. It says nothing of a file that was changed since: see
// SourceState::contents_of. Any thread.
class Contents {
 public:
  explicit Contents(const model::Catalog& catalog)
      : bools_(std::make_unique<std::atomic<Bools>[]>(catalog.part_rows())),
        entries_(std::make_unique<std::atomic<Entries>[]>(catalog.size())) {}

  Bools bools(std::size_t part) const { return bools_[part]; }
  void keep(std::size_t part, Bools found) { bools_[part] = found; }
  Entries entries(std::size_t tensor) const { return entries_[tensor]; }
  void keep(std::size_t tensor, Entries found) { entries_[tensor] = found; }

 private:
  std::unique_ptr<std::atomic<Bools>[]> bools_;      // by part
  std::unique_ptr<std::atomic<Entries>[]> entries_;  // by tensor
};

}  // namespace zt::source
