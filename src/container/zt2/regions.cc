#include "container/zt2/regions.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/shared/splice.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::container::zt2 {
namespace {

struct Extent {
  std::uint64_t offset;
  std::uint64_t length;
  std::uint32_t file;
  bool operator<(const Extent& other) const {
    return std::tie(file, offset, length) < std::tie(other.file, other.offset, other.length);
  }
};

// The sorted extents of the manifest and of all blobs that hold bytes, as far as `wanted` accepts them.
template <class F>
std::vector<Extent> extents_of(const model::Catalog& catalog, const Footer& footer, F&& wanted) {
  std::vector<Extent> extents;
  const auto add = [&](const Extent& extent) {
    if (wanted(extent)) extents.push_back(extent);
  };
  add({footer.manifest_offset, footer.manifest_length, 0});
  for (std::uint32_t row = 0; row < catalog.part_rows(); ++row) {
    const model::Recipe& recipe = catalog.part(row).recipe;
    if (recipe.stored_length != 0) add({recipe.offset, recipe.stored_length, recipe.file});
  }
  // Blobs mostly come in a few sorted runs, which merging handles faster than quicksort.
  if (!std::is_sorted(extents.begin(), extents.end())) std::stable_sort(extents.begin(), extents.end());
  return extents;
}

// The name of an extent's owner, for a message.
std::string name_of(const model::Catalog& catalog, const Extent& extent) {
  const std::string range =
      " at offset " + std::to_string(extent.offset) + " + length " + std::to_string(extent.length);
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const model::TensorRow& tensor = catalog.tensor(row);
    for (const model::PartRow& part : catalog.parts(tensor)) {
      const model::Recipe& recipe = part.recipe;
      if (recipe.offset == extent.offset && recipe.stored_length == extent.length && recipe.file == extent.file) {
        return "part " + in_quotes(catalog.word(part.role)) + " of tensor " + in_quotes(catalog.text(tensor.name)) +
               range;
      }
    }
  }
  return "the manifest" + range;
}

// Reads the list without checking its regions.
std::vector<Region> read_list(std::span<const std::byte> manifest, Region objects) {
  using wire::CborKind;
  std::vector<Region> list;
  wire::CborCursor cursor(manifest, {.strict = true, .depth = 33});
  if (cursor.read().kind != CborKind::map) return {};
  while (cursor.more()) {
    const auto at = cursor.rest();
    if (at.empty() || static_cast<unsigned>(at[0]) >> 5 != wire::major::kText) {
      pass_over(cursor);
      pass_over(cursor);
      continue;
    }
    if (as_text(cursor.read().content) != kFreeKey) {
      pass_over(cursor, objects);
      continue;
    }
    if (cursor.read().kind != CborKind::array) return {};
    while (cursor.more()) {
      const wire::CborItem pair = cursor.read();
      if (pair.kind != CborKind::array || pair.number != 2) return {};
      std::array<std::uint64_t, 2> numbers;
      for (std::uint64_t& value : numbers) {
        cursor.more();
        const wire::CborItem item = cursor.read();
        if (item.kind != CborKind::unsigned_integer) return {};
        value = item.number;
      }
      cursor.more();
      list.push_back({numbers[0], numbers[1]});
    }
  }
  return list;
}

}  // namespace

// zt-2 §2
void check_overlap(const model::Catalog& catalog, const Footer& footer) {
  const std::vector<Extent> extents = extents_of(catalog, footer, [](const Extent&) { return true; });
  for (std::size_t i = 1; i < extents.size(); ++i) {
    const Extent& last = extents[i - 1];
    const Extent& next = extents[i];
    // If any sorted extents overlap, two neighbours do. Two equal extents share their bytes on purpose.
    if (last.file != next.file || next.offset >= last.offset + last.length) continue;
    if (last.offset == next.offset && last.length == next.length) continue;
    throw Error(Code::malformed, "zt2.blob.overlap", name_of(catalog, last) + " overlaps " + name_of(catalog, next));
  }
}

std::vector<Region> free_regions(std::span<const std::byte> manifest, const model::Catalog& catalog,
                                 const Footer& footer, std::uint64_t file_size) {
  std::vector<Region> list;
  try {
    list = read_list(manifest, catalog.objects);
  } catch (const Error&) {
    return {};
  }
  if (list.empty()) return {};
  std::ranges::sort(list, {}, &Region::offset);
  // Nearly all blobs are before the first region.
  const std::uint64_t first = list.front().offset;
  const std::vector<Extent> taken = extents_of(catalog, footer, [&](const Extent& extent) {
    return extent.file == 0 && extent.offset + extent.length > first;  // no overflow: opening has checked the extents
  });
  std::vector<Region> free;
  std::uint64_t end = kLeastAlignment;  // where the previous region ends
  auto next = taken.begin();
  std::uint64_t taken_end = 0;  // where the extents end that begin before the region
  for (const Region& region : list) {
    if (region.length == 0 || region.offset % kLeastAlignment != 0 || region.offset < end) continue;
    if (file_size < kFooterBytes || !checked::within(region.offset, region.length, file_size - kFooterBytes)) continue;
    for (; next != taken.end() && next->file == 0 && next->offset < region.offset; ++next) {
      taken_end = std::max(taken_end, next->offset + next->length);
    }
    const bool follower = next != taken.end() && next->file == 0 && next->offset < region.offset + region.length;
    if (taken_end > region.offset || follower) continue;
    free.push_back(region);
    end = region.offset + region.length;
  }
  return free;
}

model::FormerManifests former_manifests(const ByteStore& store, const model::Catalog& catalog,
                                        std::span<const std::byte> manifest) {
  const std::uint64_t size = store.size();
  std::array<std::byte, kFooterBytes> bytes;
  store.read_at(size - kFooterBytes, bytes);
  const Footer present = parse_footer(bytes).value_or(Footer{});
  // The previous version's footer is directly before this one. A reader may have just opened that version.
  std::optional<Footer> before;
  if (size >= kLeastFileBytes + kFooterBytes) {
    store.read_at(size - 2 * kFooterBytes, bytes);
    before = parse_footer(bytes);
  }
  model::FormerManifests former;
  std::vector<Region>& regions = former.regions;
  regions = free_regions(manifest, catalog, Footer{}, size);
  const auto holds = [](const Region& region, const Footer& footer) {
    return region.offset < footer.manifest_offset + footer.manifest_length &&
           footer.manifest_offset < region.offset + region.length;
  };
  if (before) {
    for (const Region& region : regions) {
      if (!holds(region, present) && !holds(region, *before)) former.reusable.push_back(region);
    }
    std::ranges::sort(former.reusable, {}, &Region::length);
  }
  if (std::ranges::none_of(regions, [&](const Region& region) { return holds(region, present); })) {
    regions.push_back({present.manifest_offset, present.manifest_length});
  }
  return former;
}

}  // namespace zt::container::zt2
