#include "hash/sha256.h"

#include "ztensor/error.h"

#ifdef ZT_HAVE_SHA256
// EVP_sha256 is one entry of a table of everything, so a program that links libcrypto.a would get 3.8 MB for one hash.
// OpenSSL calls these functions deprecated, but every release of OpenSSL 3 has them.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(readability-identifier-naming): OpenSSL defines this name
#include <openssl/sha.h>
#endif

namespace zt::hash {

#ifdef ZT_HAVE_SHA256

namespace {

void check(bool ok) {
  if (!ok) throw Error(Code::internal, "", "OpenSSL failed to compute SHA-256");
}

}  // namespace

struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { check(SHA256_Init(&state_->context) == 1); }

void Sha256::update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) check(SHA256_Update(&state_->context, bytes.data(), bytes.size()) == 1);
}

std::array<std::byte, 32> Sha256::finish() {
  std::array<std::byte, 32> sha = {};
  check(SHA256_Final(reinterpret_cast<unsigned char*>(sha.data()), &state_->context) == 1);
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
