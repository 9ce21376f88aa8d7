#include "ztensor/bytes.h"

#include <string>

#include "base/checked.h"
#include "ztensor/error.h"

namespace zt {

Bytes Bytes::slice(std::uint64_t offset, std::uint64_t length) const {
  if (!checked::within(offset, length, view_.size())) {
    throw Error(Code::usage, "",
                "bytes " + std::to_string(offset) + " + " + std::to_string(length) + " run past the end at " +
                    std::to_string(view_.size()));
  }
  return {owner_, view_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length))};
}

void Bytes::check_view(std::size_t size, std::size_t alignment) const {
  if (view_.size() % size != 0) {
    throw Error(Code::usage, "",
                std::to_string(view_.size()) + " bytes are not a whole number of elements of " + std::to_string(size) +
                    " bytes");
  }
  if (!view_.empty() && reinterpret_cast<std::uintptr_t>(view_.data()) % alignment != 0) {
    throw Error(Code::usage, "", "the bytes are not aligned to " + std::to_string(alignment) + ": read a copy");
  }
  if (std::endian::native == std::endian::big && size > 1) {
    throw Error(Code::unsupported, "", "elements are little-endian and this host is not: read a copy");
  }
}

}  // namespace zt
