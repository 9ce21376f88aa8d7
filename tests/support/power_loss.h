#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/system.h"

namespace zt::test {

// Simulates one file after a loss of power: all synced bytes are there, and any part of the other writes, in any order,
// cut at sectors of 512 bytes. Records the writes while it lives. Syncs are not really done.
class PowerLoss final : public io::sys::Hook {
 public:
  explicit PowerLoss(const std::filesystem::path& path);
  ~PowerLoss() override;
  PowerLoss(const PowerLoss&) = delete;
  PowerLoss& operator=(const PowerLoss&) = delete;

  io::sys::Verdict before(const io::sys::Event& event) noexcept override;

  // For each moment of the record, shows `tries` contents that a loss of power may leave: without the writes that were
  // not synced, with all of them, and with random parts of them. `synced`: the number of syncs before this moment.
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
  io::Identity file_;
  std::vector<Change> changes_;
};

}  // namespace zt::test
