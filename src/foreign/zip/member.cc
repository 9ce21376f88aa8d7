#include "foreign/zip/member.h"

#include <string>

#include "base/utf8.h"
#include "hash/crc32.h"
#include "ztensor/error.h"

namespace zt::foreign::zip {

std::vector<std::byte> read_member(const ByteStore& store, const Member& member, std::uint64_t most) {
  if (member.obstacle != Obstacle::none) {
    const model::Fault fault = fault_of(member);
    throw Error(fault.code, fault.rule, fault.message);
  }
  if (member.length > most) {
    throw Error(Code::limit, "zip.member.limit",
                "the file " + in_quotes(member.name) + " of the archive has " + std::to_string(member.length) +
                    " bytes, over the limit of " + std::to_string(most));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(member.length));
  if (member.method == kDeflated) {
    throw Error(Code::unsupported, "zip.member.method",
                "the file " + in_quotes(member.name) + " of the archive is compressed: it is not read");
  }
  store.read_at(member.offset, bytes);
  if (hash::crc32(bytes) != member.crc) {
    throw Error(
        Code::mismatch, "zip.member.crc",
        "the file " + in_quotes(member.name) + " of the archive does not have the checksum that the archive states");
  }
  return bytes;
}

}  // namespace zt::foreign::zip
