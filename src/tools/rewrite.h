#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "grow/packing.h"
#include "model/encoder.h"
#include "run/progress.h"
#include "ztensor/byte_store.h"
#include "ztensor/source.h"

namespace zt::tools {

// Writes a file of a format that grows anew, without bytes that no tensor uses. Stored bytes move unchanged. In the
// manifest only the offsets change.
class Rewrite {
 public:
  // Plans the rewrite. `source` must be whole, and has no path of its own if its store must not be mapped. `removed`:
  // tensors to leave out. Bases that no tensor needs any more are left out too. Throws usage if a remaining tensor is a
  // delta over one of `removed`, unsupported "write.grow" for another format, "compact.unreadable" if a remaining
  // tensor cannot be read.
  Rewrite(const Source& source, std::set<std::string, std::less<>> removed, const Limits& limits);

  std::uint64_t size() const { return size_; }        // of the new file
  std::uint64_t tensors() const { return tensors_; }  // of the new file
  std::uint64_t work() const;                         // bytes to copy and to read back, as publish() counts them

  struct Target {
    std::filesystem::path path;
    bool create_new = false;
    bool durable = false;
  };
  // Writes the file, reads it back, compares it with the source (deltas by their stored bytes, without their bases), and puts it in place. Calls `last` right before
  // putting it in place. Returns a line "path: note" for each trait of a replaced file that the new file could not
  // keep.
  std::vector<std::string> publish(const Target& target, run::Meter& meter, const std::function<void()>& last) const;

 private:
  void check_readable();
  std::vector<Tensor> kept() const;
  void plan(std::span<const std::byte> manifest);
  void check(const std::shared_ptr<const ByteStore>& written, const std::string& name, run::Meter& meter) const;

  const Source source_;
  std::set<std::string, std::less<>> removed_;
  Limits limits_;
  const model::Encoder* encoder_;
  std::optional<grow::Packing> packing_;  // set by plan()
  std::vector<std::byte> manifest_;       // of the new file
  std::uint64_t size_ = 0;
  std::uint64_t tensors_ = 0;
};

}  // namespace zt::tools
