#include "container/shared/trailer.h"

#include <array>
#include <string>

#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::container {
namespace {

constexpr std::uint64_t kMagicBytes = 8;
constexpr std::uint64_t kSizeBytes = 8;

// The last eight bytes of the store, which must have at least eight.
std::uint64_t last_number(const ByteStore& store) {
  std::array<std::byte, kSizeBytes> tail;
  store.read_at(store.size() - kSizeBytes, tail);
  return endian::load_le<std::uint64_t>(tail.data());
}

}  // namespace

bool begins_with(const ByteStore& store, std::string_view magic) {
  if (store.size() < magic.size()) return false;
  std::array<std::byte, kMagicBytes> head;
  store.read_at(0, head);
  return as_text(head) == magic;
}

bool ends_in_size_of_map(const ByteStore& store) {
  const std::uint64_t size = store.size();
  if (size < kMagicBytes + kSizeBytes) return false;
  const std::uint64_t length = last_number(store);  // if these bytes are the magic, the number is larger than any file
  if (length == 0 || length > size - kMagicBytes - kSizeBytes) return false;
  std::array<std::byte, 1> first;
  store.read_at(size - kSizeBytes - length, first);
  return static_cast<unsigned>(first[0]) >> 5 == wire::major::kMap;
}

Region find_index(const ByteStore& store, std::string_view magic, const Limits& limits, const TrailerRules& rules) {
  const std::uint64_t size = store.size();
  if (size < kMagicBytes + kSizeBytes) {
    throw Error(Code::malformed, rules.size, "the file has " + count_text(size, "byte") + ": expected at least 16");
  }
  if (!begins_with(store, magic)) {
    throw Error(Code::malformed, rules.magic, "offset 0: expected " + std::string(magic));
  }
  const std::uint64_t length = last_number(store);
  if (length > size - kMagicBytes - kSizeBytes) {
    throw Error(Code::malformed, rules.bounds,
                "the last eight bytes state an index of " + count_text(length, "byte") + ", but the file has " +
                    std::to_string(size) + ": it was cut short, is unfinished or has bytes behind its end");
  }
  if (length > limits.index_bytes) {
    throw Error(
        Code::limit, rules.limit,
        "the index has " + std::to_string(length) + " bytes, over the limit of " + std::to_string(limits.index_bytes));
  }
  return {size - kSizeBytes - length, length};
}

}  // namespace zt::container
