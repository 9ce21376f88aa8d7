#include "hash/crc32.h"

#include "hash/crc_tables.h"

#ifdef ZT_HAVE_ISAL
#include <isa-l/crc.h>
#endif

namespace zt::hash {
namespace {

using Zip = Crc<0xEDB88320>;

}  // namespace

std::uint32_t crc32_portable(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  return Zip::of(bytes, crc);
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
#ifdef ZT_HAVE_ISAL
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
#else
  return crc32_portable(bytes, crc);
#endif
}

std::uint32_t crc32_join(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) noexcept {
  return Zip::join(a, b, length_of_b);
}

}  // namespace zt::hash
