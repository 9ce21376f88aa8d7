#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "model/catalog.h"

namespace zt::source {

// The contents of a bool part.
enum class Bools : std::uint8_t {
  unread,
  clean,  // only 0 and 1
  other,
};

// The order of the entries of a sparse tensor.
enum class Entries : std::uint8_t {
  unread,
  sorted,    // and each cell occurs once
  unsorted,  // and each cell occurs once
  twice,     // a cell occurs more than once
};

// What reading has told about the elements of a source, so that nobody must read them again: a conversion asks before
// it writes, and the Writer asks again. It does not hold for a file that has changed: see SourceState::contents_of. Any
// thread.
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
  std::unique_ptr<std::atomic<Bools>[]> bools_;      // one for each part
  std::unique_ptr<std::atomic<Entries>[]> entries_;  // one for each tensor
};

}  // namespace zt::source
