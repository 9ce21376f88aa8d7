#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace zt::hash {

// Computes the 64-bit XXH3, with seed 0, of bytes that are given in pieces.
class Xxh3 {
 public:
  Xxh3();
  ~Xxh3();
  Xxh3(Xxh3&&) noexcept;
  Xxh3& operator=(Xxh3&&) noexcept;
  void update(std::span<const std::byte> bytes);
  std::uint64_t value() const;  // of all bytes so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::uint64_t xxh3(std::span<const std::byte> bytes) noexcept;

}  // namespace zt::hash
