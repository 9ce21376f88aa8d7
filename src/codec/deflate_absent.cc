#include "codec/deflate.h"
#include "ztensor/error.h"

// Only the archives of other formats have deflate streams.
namespace zt::codec {

struct InflateDecoder::State {};

InflateDecoder::InflateDecoder() {
  throw Error(Code::unsupported, "format.unread",
              "this build of zTensor cannot decode deflate: use one that was made with ZTENSOR_FOREIGN=ON");
}
InflateDecoder::~InflateDecoder() = default;
InflateDecoder::Step InflateDecoder::decode(std::span<const std::byte> /*stored*/, std::span<std::byte> /*out*/) {
  return {};
}
bool InflateDecoder::at_end() const noexcept { return true; }

}  // namespace zt::codec
