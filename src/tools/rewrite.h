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

// A file of a format that grows, written anew without what no tensor uses: stored bytes move as they are, and of the
// manifest only the offsets change.
class Rewrite {
 public:
  // Plans it. `source` has no path of its own where its store is not to be mapped; it must be whole. `removed`: tensors
  // that are left out. Throws unsupported "write.grow" (another format), "compact.unreadable" (a tensor that stays
  // cannot be read).
  Rewrite(const Source& source, std::set<std::string, std::less<>> removed, const Limits& limits);

  std::uint64_t size() const { return size_; }        // of the new file
  std::uint64_t tensors() const { return tensors_; }  // in it
  std::uint64_t work() const;                         // bytes to copy, and to read back, as publish() counts them

  struct Target {
    std::filesystem::path path;
    bool create_new = false;
    bool durable = false;
  };
  // Writes it, reads it back, compares it with the source, and puts it in place. `last`: called right before that.
  // Returns what the new file could not keep of one that it replaces, "path: note", one each.
  std::vector<std::string> publish(const Target& target, run::Meter& meter, const std::function<void()>& last) const;

 private:
  void check_readable();
  void plan(std::span<const std::byte> manifest);
  void check(const std::shared_ptr<const ByteStore>& written, const std::string& name, run::Meter& meter) const;

  const Source source_;
  std::set<std::string, std::less<>> removed_;
  Limits limits_;
  const model::Encoder* encoder_;
  std::optional<grow::Packing> packing_;  // set once it is planned
  std::vector<std::byte> manifest_;       // the new one
  std::uint64_t size_ = 0;
  std::uint64_t tensors_ = 0;
};

}  // namespace zt::tools
