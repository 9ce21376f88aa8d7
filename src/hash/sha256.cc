#include "hash/sha256.h"

#include "ztensor/error.h"

#ifdef ZT_HAVE_OPENSSL
#include <openssl/evp.h>
#endif

namespace zt::hash {

#ifdef ZT_HAVE_OPENSSL

namespace {

void check(bool ok) {
  if (!ok) throw Error(Code::internal, "", "OpenSSL failed to compute SHA-256");
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context) throw Error(Code::no_memory, "", "no memory for a SHA-256 context");
  check(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) check(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::array<std::byte, 32> Sha256::finish() {
  std::array<std::byte, 32> sha = {};
  check(EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(sha.data()), nullptr) == 1);
  return sha;
}

#else

struct Sha256::State {};

Sha256::Sha256() { throw Error(Code::unsupported, "", "this build cannot compute SHA-256: build with OpenSSL"); }
void Sha256::update(std::span<const std::byte>) {}  // never called: the constructor throws
std::array<std::byte, 32> Sha256::finish() { return {}; }

#endif

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

}  // namespace zt::hash
