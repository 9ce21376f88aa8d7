#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "run/progress.h"
#include "write/form.h"
#include "write/part_layout.h"
#include "ztensor/byte_store.h"

namespace zt::write {

// Where the parts of a Writer's tensors go, and how they become a file. Each kind of output has its own target. Order
// of calls: begin_tensor, store for each part, end_tensor; at the end finish, then publish. After store or finish
// threw, only abort() is allowed. One owner.
class Target {
 public:
  virtual ~Target() = default;

  // Announces the parts of one tensor, of about `bound` bytes in all.
  virtual void begin_tensor(std::string_view name, std::uint64_t bound);
  virtual StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) = 0;
  // The same for a part whose bytes come one after another; null if this target needs its length first. Takes the place
  // of begin_tensor and store for a tensor that has this part alone.
  virtual std::unique_ptr<PartStream> stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                             run::Meter& meter);
  // The parts that were stored last are the parts of row `row` of the catalog.
  virtual void end_tensor(const model::Catalog& catalog, std::uint32_t row);

  // A second name for row `row`, a tensor that was stored. The caller adds it to the catalog afterwards.
  virtual void add_copy(const model::Catalog& catalog, std::uint32_t row, std::string_view name);

  // Announces all tensors, with the lengths of their parts, before the first is stored. Returns the rows in the best
  // order, and the target that replaces this one; null if this target goes on.
  struct Planned {
    std::vector<std::uint32_t> order;
    std::unique_ptr<Target> target;
  };
  virtual Planned plan(const model::Catalog& tensors);

  // finish() writes all bytes, and publish() makes them visible. A sink has them at once; a file that grows changes in
  // publish(). `notes`: a line for each trait of a replaced file that the new file could not keep.
  virtual void finish(model::Catalog& catalog) = 0;
  virtual void publish(std::vector<std::string>& notes) = 0;
  // After finish(), for a target that is kept until others are finished: gives back the memory that only store() needs.
  virtual void free_buffers() noexcept {}
  // Ends all writing.
  virtual void abort() noexcept = 0;
  // Bytes written so far; after publish(), the bytes of all files.
  virtual std::uint64_t size() const = 0;
  virtual std::uint64_t reclaimable() const { return 0; }  // after publish(): the bytes that compact() would free

  // What a growing file had before. On a new file these functions find nothing, or throw usage.
  virtual bool grows() const { return false; }
  virtual bool has(std::string_view name) const;       // a tensor that was there before, and stays
  virtual bool is_alias(std::string_view name) const;  // a new name of such a tensor
  // Throw not_found if there is no such tensor.
  virtual void add_alias(std::string_view name, std::string_view existing);
  virtual void remove(std::string_view name);
  virtual void set_tensor_attributes(std::string_view name, const Value& attributes);
  // Sets the attributes of the file. The catalog has the same. Throws usage if they are written already.
  virtual void set_attributes(std::vector<std::byte> attributes);
};

// The targets of new files. They keep a reference to `form`.
std::unique_ptr<Target> new_target(const Form& form, const std::filesystem::path& path);
std::unique_ptr<Target> new_target(const Form& form, std::unique_ptr<ByteSink> sink);

// Adds a tensor of one catalog, with its parts, to another.
void copy_tensor(const model::Catalog& from, std::uint32_t row, model::Catalog& to);

}  // namespace zt::write
