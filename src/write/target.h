#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "run/progress.h"
#include "write/form.h"
#include "write/part_layout.h"
#include "ztensor/byte_store.h"

namespace zt::write {

// Where the parts of a Writer's tensors go, and how they become a file: one kind for each way. Calls go: begin_tensor,
// store for each part, end_tensor; at the end finish, then publish. A target whose store or finish threw can only be
// given up. One owner.
class Target {
 public:
  virtual ~Target() = default;

  // The parts of one tensor follow, of about so many bytes in all.
  virtual void begin_tensor(std::string_view name, std::uint64_t bound);
  virtual StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) = 0;
  // Row `row` of the catalog is the tensor whose parts were stored last.
  virtual void end_tensor(const model::Catalog& catalog, std::uint32_t row);

  // A second name for row `row`, a tensor that was stored. It is added to the catalog after this.
  virtual void add_copy(const model::Catalog& catalog, std::uint32_t row, std::string_view name);

  // Takes note of which tensors will come, with the lengths of their parts, before the first does. Gives the order in
  // which they are best stored, as rows, and the target that goes on where another is better; null: this one does.
  struct Planned {
    std::vector<std::uint32_t> order;
    std::unique_ptr<Target> target;
  };
  virtual Planned plan(const model::Catalog& tensors);

  // Everything is written but not yet visible, except in a sink, and in a file that grows, which publish() changes.
  // `notes`: what files could not keep of those that they replace, a line each.
  virtual void finish(model::Catalog& catalog) = 0;
  virtual void publish(std::vector<std::string>& notes) = 0;
  // Nothing is written any more.
  virtual void abort() noexcept = 0;
  // Bytes written so far; after publish(), of all files.
  virtual std::uint64_t size() const = 0;
  virtual std::uint64_t reclaimable() const { return 0; }  // after publish(): what compact() would give back

  // What a file that grows has from before. A new file has nothing: these find nothing, or throw usage.
  virtual bool grows() const { return false; }
  virtual bool has(std::string_view name) const;       // a tensor that stays
  virtual bool is_alias(std::string_view name) const;  // a new name of such a one
  // Both throw not_found where there is no such tensor.
  virtual void add_alias(std::string_view name, std::string_view existing);
  virtual void remove(std::string_view name);
  virtual void set_tensor_attributes(std::string_view name, const Value& attributes);
  // Of the file: as the catalog has them, too. Throws usage where they are written already.
  virtual void set_attributes(std::vector<std::byte> attributes);
};

// The targets of new files. They refer to `form`.
std::unique_ptr<Target> new_target(const Form& form, const std::filesystem::path& path);
std::unique_ptr<Target> new_target(const Form& form, std::unique_ptr<ByteSink> sink);

// Adds a tensor of one catalog, with its parts, to another.
void copy_tensor(const model::Catalog& from, std::uint32_t row, model::Catalog& to);

}  // namespace zt::write
