#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "model/catalog.h"
#include "run/progress.h"
#include "source/owner.h"
#include "write/form.h"
#include "write/target.h"

namespace zt::write {

// A file that is being made: the target that stores its parts, and the catalog that names them. Calls go: begin_tensor,
// store for each part, the tensor's row in the catalog with add_part for each, end_tensor.
struct Draft {
  // Throws usage once a write has failed, or the end was reached.
  void check_open() const;
  // A tensor's parts are about to be stored, of so many bytes in all. Throws usage for a name that the form rules out.
  void begin_tensor(std::string_view name, std::uint64_t bound);
  // Stores one part at the next place. What goes wrong halfway leaves the target unusable.
  StoredPart store(Pieces& pieces, const PartOptions& options);
  // To the tensor that was added to the catalog last.
  void add_part(const StoredPart& part, std::string_view role, DType dtype);
  void end_tensor();

  Form form;  // the target refers to it
  std::unique_ptr<Target> target;
  model::Catalog catalog;  // of a file that grows: the new tensors
  std::unique_ptr<run::Meter> meter = std::make_unique<run::Meter>();
  source::Owner made_by;  // a child has no part in the file
  bool open = true;
  bool broken = false;
};

}  // namespace zt::write
