#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/region.h"
#include "run/progress.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"
#include "ztensor/source.h"

namespace zt::tools {

// A whole version of a file: its first `length` bytes and, if its own footer was lost, a new footer after them.
struct Version {
  std::uint64_t length = 0;
  std::vector<std::byte> footer;
  Source source;         // over exactly these bytes
  bool digested = true;  // every tensor has a right digest; not checked for a whole file
};

// The manifest and footer that end a file of generation 1.x with this version, if the manifest lies at `offset`.
std::vector<std::byte> ending_at(const Version& version, std::uint64_t offset);

// Searches a file with a possibly torn end for whole versions. One search; its time is bounded by the size of the file.
class Salvage {
 public:
  Salvage(std::shared_ptr<const ByteStore> store, std::filesystem::path path, const Limits& limits, Progress progress);

  // The file as it is, if its index is whole.
  std::optional<Version> whole();
  // The last version that ends before the file does. Its contents were checked.
  std::optional<Version> last();

  // What was found but is not whole; "" if nothing.
  const std::string& broken() const { return broken_; }
  std::uint64_t broken_end() const { return broken_end_; }

 private:
  using Found = std::function<bool(std::uint64_t offset)>;  // true ends the search
  void scan(std::string_view pattern, std::uint64_t least, const Found& found);
  std::optional<Version> judge(std::uint64_t length, std::vector<std::byte> footer, bool contents);
  std::optional<Region> manifest_before(std::uint64_t end) const;
  bool may_end(std::uint64_t end);
  std::optional<Version> without_footer(std::uint64_t offset);
  void spend(std::uint64_t bytes);

  std::shared_ptr<const ByteStore> store_;
  std::filesystem::path path_;
  Limits limits_;
  Progress progress_;
  bool second_ = false;   // generation 2
  std::uint64_t budget_;  // bytes that may still be read for places that turn out to be no footers
  int checks_left_ = 8;   // of checks of all contents
  std::string broken_;
  std::uint64_t broken_end_ = 0;
};

}  // namespace zt::tools
