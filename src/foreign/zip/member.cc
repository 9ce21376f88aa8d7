#include "foreign/zip/member.h"

#include <string>

#include "base/blocks.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "hash/crc32.h"
#include "hash/digest.h"
#include "ztensor/error.h"

namespace zt::foreign::zip {
namespace {

std::string file(const Member& member) { return "the file " + in_quotes(member.name) + " of the archive "; }

void check_member(const Member& member, std::uint64_t most) {
  if (member.obstacle != Obstacle::none) {
    const model::Fault fault = fault_of(member);
    throw Error(fault.code, fault.rule, fault.message);
  }
  if (member.length > most) {
    throw Error(
        Code::limit, "zip.member.limit",
        file(member) + "has " + std::to_string(member.length) + " bytes, over the limit of " + std::to_string(most));
  }
}

// Decodes all stored bytes, which must fill `out` exactly.
void inflate(const ByteStore& store, const Member& member, std::span<std::byte> out) {
  const auto decoder = codec::row_of(Codec::deflate).part_decoder();
  const auto fail = [&](const std::string& message) {
    throw Error(Code::malformed, "zip.member.length", file(member) + message);
  };
  for_each_block(store, {member.offset, member.stored_length}, [&](std::uint64_t, std::span<const std::byte> stored) {
    while (!stored.empty()) {
      const auto [used, made] = decoder->decode(stored, out);
      if (used == 0 && made == 0) fail("decodes to more than " + count_text(member.length, "byte"));
      stored = stored.subspan(used);
      out = out.subspan(made);
    }
    return true;
  });
  while (!out.empty()) {  // what the decoder still holds
    const std::size_t made = decoder->decode({}, out).made;
    if (made == 0) break;
    out = out.subspan(made);
  }
  if (!out.empty()) fail("decodes to fewer than " + count_text(member.length, "byte"));
  std::byte more{};
  if (!decoder->at_end() && decoder->decode({}, std::span(&more, 1)).made != 0) {
    fail("decodes to more than " + count_text(member.length, "byte"));
  }
  if (!decoder->at_end()) fail("is cut short");
}

bool has_crc(const Member& member) { return member.crc != 0 || member.method == kDeflated; }

}  // namespace

std::string digest_of(const Member& member) {
  return has_crc(member) ? hash::format_digest({.algorithm = Checksum::crc32, .crc = member.crc}) : "";
}

std::vector<std::byte> read_member(const ByteStore& store, const Member& member, std::uint64_t most) {
  check_member(member, most);
  std::vector<std::byte> bytes(static_cast<std::size_t>(member.length));
  if (member.method == kDeflated) {
    inflate(store, member, bytes);
  } else {
    store.read_at(member.offset, bytes);
  }
  if (has_crc(member) && hash::crc32(bytes) != member.crc) {
    throw Error(Code::mismatch, "zip.member.crc", file(member) + "does not have the checksum that the archive states");
  }
  return bytes;
}

}  // namespace zt::foreign::zip
