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

// A whole version of a file: its first `length` bytes and, where its own were lost, a footer behind them.
struct Version {
  std::uint64_t length = 0;
  std::vector<std::byte> footer;
  Source source;         // over exactly these bytes
  bool digested = true;  // every tensor has digests, and they are right; not known of a file that is whole
};

// What ends the file of generation 1.x that a version is, if its manifest lay at `offset`: manifest and footer.
std::vector<std::byte> ending_at(const Version& version, std::uint64_t offset);

// Looks for whole versions in a file whose end may be torn. One search; bounded in time by the size of the file.
class Salvage {
 public:
  Salvage(std::shared_ptr<const ByteStore> store, std::filesystem::path path, const Limits& limits, Progress progress);

  // The file as it stands, if it is whole as far as its index tells.
  std::optional<Version> whole();
  // The last one that ends before the file does, its contents checked.
  std::optional<Version> last();

  // What was found on the way, but is not whole; "" for nothing.
  const std::string& broken() const { return broken_; }
  std::uint64_t broken_end() const { return broken_end_; }

 private:
  using Found = std::function<bool(std::uint64_t offset)>;  // whether the search is over
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
  std::uint64_t budget_;  // bytes that may still be read for footers that turn out to be none
  int checks_left_ = 8;   // of all contents
  std::string broken_;
  std::uint64_t broken_end_ = 0;
};

}  // namespace zt::tools
