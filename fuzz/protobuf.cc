// The reader of protobuf's wire form. Laws: it throws only zt::Error, and each field lies in its message, behind the
// field before it.

#include "wire/protobuf.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "ztensor/error.h"

namespace {

constexpr std::size_t kMostLevels = 64;

void walk(zt::wire::ProtoWindow& window, std::uint64_t size) {
  std::vector<zt::wire::ProtoReader> readers = {{window, {0, size}}};
  while (!readers.empty()) {
    zt::wire::ProtoReader& reader = readers.back();
    if (!reader.next()) {
      readers.pop_back();
      continue;
    }
    const zt::wire::ProtoField field = reader.field();
    if (field.type != zt::wire::ProtoType::bytes) continue;
    const std::uint64_t end = field.content.offset + field.content.length;
    if (field.content.offset <= field.at || end < field.content.offset || end > reader.end()) std::abort();
    try {
      zt::wire::ProtoVarints packed(window, field.content);
      while (packed.next()) {}
    } catch (const zt::Error&) {}
    if (readers.size() < kMostLevels) readers.emplace_back(window, field.content);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const zt::MemoryStore store(std::vector<std::byte>(begin, begin + size));
  zt::wire::ProtoWindow window(store, 100'000);
  try {
    walk(window, size);
  } catch (const zt::Error&) {}
  return 0;
}
