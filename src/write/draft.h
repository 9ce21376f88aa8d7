#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "run/progress.h"
#include "source/owner.h"
#include "write/form.h"
#include "write/target.h"

namespace zt::write {

// A file that is being made: the target stores its parts, the catalog names them. Order of calls: begin_tensor, store
// for each part, add the tensor's row to the catalog, add_part for each part, end_tensor.
struct Draft {
  // Throws usage if a write has failed, or after the end.
  void check_open() const;
  // Announces the parts of a tensor; `bound` limits their bytes. `plain`: the tensor is dense, and has one part. Throws
  // usage for a name that the form does not allow, which changes nothing. The file is unusable from here to end_tensor(),
  // so after any other exception it stays so.
  void begin_tensor(std::string_view name, std::span<const std::uint64_t> shape, std::uint64_t bound, bool plain);
  // Stores one part, of elements of `dtype`, at the next place.
  StoredPart store(Pieces& pieces, DType dtype, const PartOptions& options);
  // Adds a part to the last tensor of the catalog.
  void add_part(const StoredPart& part, std::string_view role, DType dtype);
  void end_tensor();

  Form form;  // the target refers to it
  std::unique_ptr<Target> target;
  model::Catalog catalog;  // of a file that grows: only the new tensors
  std::unique_ptr<run::Meter> meter = std::make_unique<run::Meter>();
  source::Owner made_by;             // a forked child must not write to the file
  std::string member;                // the name of the tensor between begin_tensor() and end_tensor()
  std::vector<std::uint64_t> shape;  // its shape
  bool plain = false;                // whether it is dense, with one part
  std::string streamed;              // the name of the tensor whose stream is open; "": none is
  std::uint64_t stream = 0;          // the number of the last stream, so that an old one of the same name is no match
  bool open = true;
  bool broken = false;
};

}  // namespace zt::write
