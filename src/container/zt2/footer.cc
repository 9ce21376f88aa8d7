#include "container/zt2/footer.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "hash/xxh3.h"
#include "ztensor/error.h"

namespace zt::container::zt2 {
namespace {

[[noreturn]] void malformed(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

}  // namespace

std::optional<Footer> parse_footer(std::span<const std::byte, kFooterBytes> bytes) {
  if (as_text(bytes.subspan<32>()) != kMagic) return std::nullopt;
  return Footer{.manifest_offset = endian::load_le<std::uint64_t>(&bytes[0]),
                .manifest_length = endian::load_le<std::uint64_t>(&bytes[8]),
                .manifest_hash = endian::load_le<std::uint64_t>(&bytes[16]),
                .version = endian::load_le<std::uint32_t>(&bytes[24]),
                .reserved = endian::load_le<std::uint32_t>(&bytes[28])};
}

std::array<std::byte, kFooterBytes> encode_footer(const Footer& footer) {
  std::array<std::byte, kFooterBytes> bytes;
  endian::store_le(&bytes[0], footer.manifest_offset);
  endian::store_le(&bytes[8], footer.manifest_length);
  endian::store_le(&bytes[16], footer.manifest_hash);
  endian::store_le(&bytes[24], footer.version);
  endian::store_le(&bytes[28], footer.reserved);
  std::ranges::copy(as_bytes(kMagic), bytes.begin() + 32);
  return bytes;
}

// zt-2 §2, in the order of its list.
void check_footer(const Footer& footer, std::uint64_t file_size, const Limits& limits) {
  if (footer.version != kVersion) {
    malformed("zt2.footer.version", "the footer's version is " + std::to_string(footer.version) + ": expected 2");
  }
  if (footer.is_data_shard()) {
    if (footer.manifest_offset == 0 && footer.manifest_hash == 0) return;
    malformed("zt2.footer.shard", "the footer states no manifest, but an offset of " +
                                      std::to_string(footer.manifest_offset) +
                                      " or a hash: a data shard has zeros here");
  }
  const auto range = [&] {
    return "manifest at offset " + std::to_string(footer.manifest_offset) + " + length " +
           std::to_string(footer.manifest_length);
  };
  if (footer.manifest_length > kMaxManifestBytes) {
    malformed("zt2.manifest.size", range() + " is longer than " + std::to_string(kMaxManifestBytes));
  }
  if (footer.manifest_length > limits.index_bytes) {
    throw Error(Code::limit, "zt2.manifest.limit",
                range() + " is over the limit of " + std::to_string(limits.index_bytes));
  }
  if (footer.manifest_offset % kLeastAlignment != 0 || footer.manifest_offset < kLeastAlignment) {
    malformed("zt2.manifest.align", range() + ": expected an offset that is a multiple of 4096 and not 0");
  }
  if (!checked::within(footer.manifest_offset, footer.manifest_length, file_size - kFooterBytes)) {
    malformed("zt2.manifest.bounds", range() + " runs past " + std::to_string(file_size - kFooterBytes));
  }
}

// zt-2 §2
Ending read_ending(const ByteStore& store, const Limits& limits) {
  const std::uint64_t size = store.size();
  if (size < kLeastFileBytes) {
    malformed("zt2.size", "the file has " + count_text(size, "byte") + ": expected at least 48");
  }
  std::array<std::byte, kHeaderBytes> head;
  std::array<std::byte, kFooterBytes> tail;
  store.read_at(0, head);
  store.read_at(size - kFooterBytes, tail);
  if (as_text(head) != kMagic) malformed("zt2.header.magic", "offset 0: expected the magic of generation 2");
  const auto footer = parse_footer(tail);
  if (!footer) {
    malformed("zt2.footer.magic", "offset " + std::to_string(size - kHeaderBytes) +
                                      ": expected the magic of generation 2; the file was cut short, is unfinished or "
                                      "has bytes behind its end; see 'ztensor repair'");
  }
  check_footer(*footer, size, limits);
  Ending ending{.file_size = size, .footer = *footer, .manifest = {}};
  // A private copy: another process may write to the file between a check and a use.
  ending.manifest.resize(static_cast<std::size_t>(footer->manifest_length));
  store.read_at(footer->manifest_offset, ending.manifest);
  if (!footer->is_data_shard() && hash::xxh3(ending.manifest) != footer->manifest_hash) {
    throw Error(Code::mismatch, "zt2.manifest.hash", "the manifest does not have the hash that the footer states");
  }
  return ending;
}

}  // namespace zt::container::zt2
