// Runs the whole library over a .zt file of generation 2 in memory. Laws: it throws only zt::Error, and map, read and
// slices agree. We correct the hash of the manifest, because hardly any input would pass it. An input that does not end
// like a file is taken for a manifest.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "../tests/support/touch.h"
#include "base/checked.h"
#include "base/utf8.h"
#include "container/zt2/footer.h"
#include "container/zt2/regions.h"
#include "container/zt2/zt2.h"
#include "hash/xxh3.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"
#include "ztensor/source.h"

namespace {

namespace zt2 = zt::container::zt2;
using Bytes = std::vector<std::byte>;

void append(Bytes& file, std::span<const std::byte> bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); }

void append_footer(Bytes& file, zt2::Footer footer) {
  const auto manifest = std::span(file).subspan(static_cast<std::size_t>(footer.manifest_offset),
                                                static_cast<std::size_t>(footer.manifest_length));
  footer.manifest_hash = zt::hash::xxh3(manifest);
  append(file, zt2::encode_footer(footer));
}

// A file with three pages of blobs, then the manifest.
Bytes file_around(std::span<const std::byte> manifest) {
  Bytes file(4 * zt2::kLeastAlignment);
  std::ranges::copy(zt::as_bytes(zt2::kMagic), file.begin());
  append(file, manifest);
  append_footer(file, {.manifest_offset = 4 * zt2::kLeastAlignment, .manifest_length = manifest.size()});
  return file;
}

Bytes file_of(std::span<const std::byte> input) {
  if (input.size() < zt2::kFooterBytes) return file_around(input);
  const auto footer = zt2::parse_footer(input.last<zt2::kFooterBytes>());
  if (!footer) return file_around(input);
  if (!zt::checked::within(footer->manifest_offset, footer->manifest_length, input.size() - zt2::kFooterBytes)) {
    return Bytes(input.begin(), input.end());
  }
  Bytes file(input.begin(), input.end() - zt2::kFooterBytes);
  append_footer(file, *footer);
  return file;
}

// Checks that the regions which a writer may use overlap nothing.
void touch_regions(const zt::ByteStore& store) {
  const zt::Limits limits = zt::test::small_limits();
  const zt2::Ending ending = zt2::read_ending(store, limits);
  const zt::model::Catalog catalog = zt2::decode(store, limits);
  std::uint64_t end = zt2::kHeaderBytes;
  for (const zt::Region& region : zt2::free_regions(ending.manifest, catalog, ending.footer, ending.file_size)) {
    const auto clear = [&](std::uint64_t offset, std::uint64_t length) {
      return length == 0 || offset >= region.offset + region.length || offset + length <= region.offset;
    };
    bool good = region.offset >= end && region.offset + region.length <= ending.file_size - zt2::kFooterBytes;
    good = good && clear(ending.footer.manifest_offset, ending.footer.manifest_length);
    for (std::uint32_t row = 0; row < catalog.part_rows(); ++row) {
      const zt::model::Recipe& recipe = catalog.part(row).recipe;
      good = good && (recipe.file != 0 || clear(recipe.offset, recipe.stored_length));
    }
    if (!good) throw std::logic_error("a free region overlaps something");
    end = region.offset + region.length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto store = std::make_shared<zt::MemoryStore>(file_of(std::as_bytes(std::span(data, size))));
  try {
    touch_regions(*store);
    zt::test::touch(zt::open(store, "input.zt", {.threads = 1, .limits = zt::test::small_limits()}));
  } catch (const zt::Error&) {
    // refused
  }
  return 0;
}
