#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace zt::hash {

// Computes the SHA-256 of bytes that are given in pieces. Throws unsupported in builds without OpenSSL.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::span<const std::byte> bytes);
  std::array<std::byte, 32> finish();  // call it once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zt::hash
