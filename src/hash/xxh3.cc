#include "hash/xxh3.h"

#define XXH_INLINE_ALL  // NOLINT(readability-identifier-naming): xxHash defines this name
#include <xxhash.h>

namespace zt::hash {

struct Xxh3::State {
  XXH3_state_t stream;
};

Xxh3::Xxh3() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->stream); }
Xxh3::~Xxh3() = default;
Xxh3::Xxh3(Xxh3&&) noexcept = default;
Xxh3& Xxh3::operator=(Xxh3&&) noexcept = default;

void Xxh3::update(std::span<const std::byte> bytes) { XXH3_64bits_update(&state_->stream, bytes.data(), bytes.size()); }
std::uint64_t Xxh3::value() const { return XXH3_64bits_digest(&state_->stream); }

std::uint64_t xxh3(std::span<const std::byte> bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace zt::hash
