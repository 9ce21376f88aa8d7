#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/system.h"

namespace zt::test {

// Plays what may be left of one file when the power goes: all that was synced, and of what was not any part, in any
// order, cut at sectors of 512 bytes. Records for as long as it lives; syncs are not really done.
class PowerLoss final : public io::sys::Hook {
 public:
  explicit PowerLoss(const std::filesystem::path& path);
  ~PowerLoss() override;
  PowerLoss(const PowerLoss&) = delete;
  PowerLoss& operator=(const PowerLoss&) = delete;

  io::sys::Verdict before(const io::sys::Event& event) noexcept override;

  // For each moment of what was recorded, `tries` of the contents that a loss then may leave: with none and with all
  // of what was not synced, and with random parts. `synced`: how many syncs were done by then.
  void each(std::size_t tries, std::uint64_t seed,
            const std::function<void(const std::string& content, std::size_t synced)>& look) const;
  std::size_t syncs() const;

 private:
  struct Change {
    enum class Kind { write, truncate, sync } kind;
    std::uint64_t offset;  // or the new size
    std::string bytes;
  };
  static void apply(const Change& change, std::string& content);

  std::string first_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::vector<Change> changes_;
};

}  // namespace zt::test
