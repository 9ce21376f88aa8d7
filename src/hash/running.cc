#include "hash/running.h"

#include "hash/crc.h"

namespace zt::hash {

RunningDigest::RunningDigest(Checksum algorithm) : algorithm_(algorithm) {
  if (algorithm == Checksum::xxh3) xxh3_.emplace();
  if (algorithm == Checksum::sha256) sha_.emplace();
}

void RunningDigest::update(std::span<const std::byte> bytes) {
  if (is_crc(algorithm_)) crc_ = crc_of(algorithm_, bytes, crc_);
  if (xxh3_) xxh3_->update(bytes);
  if (sha_) sha_->update(bytes);
}

Digest RunningDigest::finish() {
  Digest digest{.algorithm = algorithm_, .crc = crc_};
  if (xxh3_) digest.xxh3 = xxh3_->value();
  if (sha_) digest.sha = sha_->finish();
  return digest;
}

}  // namespace zt::hash
