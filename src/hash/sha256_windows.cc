#include <windows.h>

#include <bcrypt.h>

#include <algorithm>

#include "hash/sha256.h"
#include "ztensor/error.h"

// Windows has SHA-256 itself.
namespace zt::hash {
namespace {

void check(NTSTATUS status) {
  if (status < 0) throw Error(Code::internal, "", "Windows failed to compute SHA-256");
}

BCRYPT_ALG_HANDLE algorithm() {
  static const BCRYPT_ALG_HANDLE opened = [] {
    BCRYPT_ALG_HANDLE handle = nullptr;
    check(::BCryptOpenAlgorithmProvider(&handle, BCRYPT_SHA256_ALGORITHM, nullptr, 0));
    return handle;
  }();
  return opened;
}

}  // namespace

struct Sha256::State {
  BCRYPT_HASH_HANDLE hash = nullptr;
  State() { check(::BCryptCreateHash(algorithm(), &hash, nullptr, 0, nullptr, 0, 0)); }
  ~State() { ::BCryptDestroyHash(hash); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}

void Sha256::update(std::span<const std::byte> bytes) {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // its lengths have 32 bits
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kMost));
    auto* const start = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(piece.data()));
    check(::BCryptHashData(state_->hash, start, static_cast<ULONG>(piece.size()), 0));
    bytes = bytes.subspan(piece.size());
  }
}

std::array<std::byte, 32> Sha256::finish() {
  std::array<std::byte, 32> sha = {};
  check(::BCryptFinishHash(state_->hash, reinterpret_cast<unsigned char*>(sha.data()), sha.size(), 0));
  return sha;
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

}  // namespace zt::hash
