// The directory of ZIP archives. Laws: it throws only zt::Error; contents lie inside the archive and do not overlap; a
// file is found by its name; and what can be read has the stated length.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/checked.h"
#include "foreign/zip/directory.h"
#include "foreign/zip/member.h"
#include "ztensor/error.h"

namespace {

namespace zip = zt::foreign::zip;

void check(const zt::ByteStore& store, const zip::Directory& directory) {
  std::vector<zt::Region> regions;
  for (const zip::Member& member : directory.members()) {
    if (directory.find(member.name) != &member) std::abort();
    if (!zt::checked::within(member.offset, member.stored_length, store.size())) std::abort();
    if (member.stored_length != 0) regions.push_back({member.offset, member.stored_length});
    try {
      constexpr std::uint64_t kMost = 1 << 20;
      if (zip::read_member(store, member, kMost).size() != member.length) std::abort();
    } catch (const zt::Error&) {}
  }
  std::ranges::sort(regions, {}, &zt::Region::offset);
  for (std::size_t i = 1; i < regions.size(); ++i) {
    if (regions[i - 1].offset + regions[i - 1].length > regions[i].offset) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const zt::MemoryStore store(std::vector<std::byte>(begin, begin + size));
  (void)zip::kind_of(store);  // strange content must throw nothing
  try {
    check(store, zip::Directory(store, {}));
  } catch (const zt::Error&) {}
  return 0;
}
