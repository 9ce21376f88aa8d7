#include "ztensor/byte_store.h"

#include <cstring>
#include <string>

#include "base/checked.h"
#include "ztensor/error.h"

namespace zt {

Bytes ByteStore::map(Mapping) const {
  throw Error(Code::unsupported, "", "these bytes are not in memory: read a copy");
}

void ByteStore::read_many(std::span<const ReadAt> reads) const {
  for (const ReadAt& read : reads) read_at(read.offset, read.out);
}

void ByteStore::release(std::uint64_t, std::uint64_t) const {}

std::uint64_t ByteStore::request_cost() const { return std::uint64_t{64} << 10; }

MemoryStore::MemoryStore(std::vector<std::byte> bytes) {
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  bytes_ = Bytes(owner, *owner);
}

void MemoryStore::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (!checked::within(offset, out.size(), size())) {
    throw Error(Code::io, "",
                "bytes " + std::to_string(offset) + " + " + std::to_string(out.size()) + " run past the end at " +
                    std::to_string(size()));
  }
  if (!out.empty()) std::memcpy(out.data(), bytes_.view().data() + offset, out.size());
}

Bytes MemoryStore::map(Mapping mapping) const {
  if (mapping != Mapping::copy_on_write) return bytes_;
  throw Error(Code::unsupported, "", "a buffer has no copy-on-write mapping: read a copy");
}

}  // namespace zt
