#include "write/canonical.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

namespace zt::write {
namespace {

constexpr std::uint64_t kChunk = std::uint64_t{4} << 20;

void copy(Output& from, std::uint64_t offset, std::uint64_t length, Output& to, std::vector<std::byte>& buffer) {
  while (length > 0) {
    buffer.resize(static_cast<std::size_t>(std::min(length, kChunk)));
    from.read_back(offset, buffer);
    to.write(buffer);
    offset += buffer.size();
    length -= buffer.size();
  }
}

}  // namespace

void write_in_order(model::Catalog& catalog, Output& from, Output& to, std::uint64_t alignment) {
  std::vector<std::uint32_t> tensors(catalog.size());
  std::iota(tensors.begin(), tensors.end(), 0U);
  std::ranges::sort(tensors, {}, [&](std::uint32_t row) { return catalog.text(catalog.tensor(row).name); });
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> placed;  // old offset and length -> new offset
  std::vector<std::byte> buffer;
  std::vector<std::uint32_t> parts;
  for (const std::uint32_t row : tensors) {
    const model::TensorRow& tensor = catalog.tensor(row);
    parts.resize(tensor.part_count);
    std::iota(parts.begin(), parts.end(), tensor.parts);
    std::ranges::sort(parts, {}, [&](std::uint32_t part) { return catalog.word(catalog.part(part).role); });
    for (const std::uint32_t part : parts) {
      const model::Recipe& recipe = catalog.part(part).recipe;
      const std::pair key(recipe.offset, recipe.stored_length);
      auto found = placed.find(key);
      if (found == placed.end() || recipe.stored_length == 0) {
        const std::uint64_t at = to.place(alignment, recipe.stored_length);
        to.expect(recipe.stored_length);
        copy(from, recipe.offset, recipe.stored_length, to, buffer);
        found = placed.insert_or_assign(key, at).first;
      }
      catalog.set_place(part, 0, found->second);
    }
  }
}

}  // namespace zt::write
