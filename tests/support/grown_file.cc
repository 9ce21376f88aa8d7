#include "grown_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <utility>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "container/zt12/zt12.h"
#include "hash/xxh3.h"
#include "io/file.h"
#include "model/catalog.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"

namespace zt::test {
namespace {

using Buffer = std::vector<std::byte>;
using container::zt12::kEncoder;
using grow::Tail;

constexpr std::string_view kMagic2("\x89ZT2\r\n\x1a\n", 8);

// The region of each tensor, in either generation.
using Places = std::map<std::string, Region>;

std::uint64_t alignment(Tail tail) { return tail == Tail::footer ? 4096 : 64; }

model::Catalog catalog_of(const Places& places) {
  model::Catalog catalog;
  for (const auto& [name, place] : places) {
    const std::uint64_t shape[] = {place.length};
    catalog.add_tensor(name, shape, "dense", {});
    const model::Recipe recipe{.offset = place.offset, .stored_length = place.length, .decoded_length = place.length};
    catalog.add_part("data", DType::u8, recipe, "").storage = catalog.intern("u8");
  }
  return catalog;
}

Buffer manifest_of(Tail tail, const Places& places) {
  if (tail == Tail::manifest_size) return kEncoder.manifest(catalog_of(places));
  std::ostringstream lines;
  for (const auto& [name, place] : places) lines << name << ' ' << place.offset << ' ' << place.length << '\n';
  const std::string text = lines.str();
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

Buffer footer_of(Tail tail, std::uint64_t offset, const Buffer& manifest) {
  if (tail == Tail::manifest_size) return kEncoder.footer(offset, manifest);
  Buffer footer(40);
  endian::store_le<std::uint64_t>(footer.data(), offset);
  endian::store_le<std::uint64_t>(footer.data() + 8, manifest.size());
  endian::store_le<std::uint64_t>(footer.data() + 16, hash::xxh3(manifest));
  endian::store_le<std::uint32_t>(footer.data() + 24, 2);
  std::ranges::copy(as_bytes(kMagic2), footer.begin() + 32);
  return footer;
}

Buffer read(const ByteStore& store, std::uint64_t offset, std::uint64_t length) {
  if (length > store.size() || offset > store.size() - length) throw Error(Code::malformed, "", "out of bounds");
  Buffer bytes(static_cast<std::size_t>(length));
  store.read_at(offset, bytes);
  return bytes;
}

Places read_lines(const ByteStore& store) {
  if (store.size() < 48) throw Error(Code::malformed, "", "too small");
  const Buffer footer = read(store, store.size() - 40, 40);
  if (as_text(std::span(footer).subspan(32)) != kMagic2) throw Error(Code::malformed, "", "no magic at the end");
  const auto offset = endian::load_le<std::uint64_t>(footer.data());
  const auto manifest = read(store, offset, endian::load_le<std::uint64_t>(footer.data() + 8));
  if (offset % 4096 != 0) throw Error(Code::malformed, "", "manifest is not aligned");
  if (hash::xxh3(manifest) != endian::load_le<std::uint64_t>(footer.data() + 16)) {
    throw Error(Code::malformed, "", "manifest has another hash");
  }
  Places places;
  std::istringstream lines{std::string(as_text(manifest))};
  std::string name;
  Region place{};
  while (lines >> name >> place.offset >> place.length) places[name] = place;
  return places;
}

Places read_places(Tail tail, const ByteStore& store) {
  if (tail == Tail::footer) return read_lines(store);
  const model::Catalog catalog = container::zt12::decode(store, Limits());
  Places places;
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const model::TensorRow& tensor = catalog.tensor(row);
    if (tensor.fault != model::kNone) throw Error(Code::malformed, "", "a tensor has a fault");
    const model::Recipe& recipe = catalog.parts(tensor)[0].recipe;
    places[std::string(catalog.text(tensor.name))] = {recipe.offset, recipe.stored_length};
  }
  return places;
}

}  // namespace

std::string make_file(Tail tail, const Contents& contents) {
  std::string file(tail == Tail::footer ? kMagic2 : as_text(kEncoder.head()));
  const auto pad = [&] { file.resize((file.size() + alignment(tail) - 1) / alignment(tail) * alignment(tail)); };
  Places places;
  for (const auto& [name, data] : contents) {
    pad();
    places[name] = {file.size(), data.size()};
    file += data;
  }
  if (tail == Tail::footer) pad();
  const Buffer manifest = manifest_of(tail, places);
  const std::uint64_t offset = file.size();
  file += as_text(manifest);
  file += as_text(footer_of(tail, offset, manifest));
  return file;
}

Contents read_contents(Tail tail, const std::filesystem::path& path) {
  return read_contents(tail, *io::File::open(path));
}

Contents read_contents(Tail tail, const ByteStore& store) {
  Contents contents;
  for (const auto& [name, place] : read_places(tail, store)) {
    contents[name] = std::string(as_text(read(store, place.offset, place.length)));
  }
  return contents;
}

grow::Live live_of(Tail tail, const ByteStore& store) {
  const Places places = read_places(tail, store);
  const std::uint64_t item = manifest_of(tail, places).size();
  const std::uint64_t footer = store.size() - (tail == Tail::footer ? 40 : 16);
  const auto first = endian::load_le<std::uint64_t>(read(store, footer, 8).data());
  const std::uint64_t manifest = tail == Tail::footer ? first : footer - first;
  grow::Live live{{manifest, item}, manifest + item};
  for (const auto& [name, place] : places) live.used_end = std::max(live.used_end, place.offset + place.length);
  return live;
}

void append(const std::filesystem::path& path, Tail tail, const grow::GrowthOptions& options, const Contents& added) {
  grow::Growth growth(path, options);
  const auto store = growth.store();
  Places places = read_places(tail, *store);
  growth.begin(tail, live_of(tail, *store));
  for (const auto& [name, data] : added) {
    // Some lengths are known beforehand, and some are not.
    places[name] = {growth.place(alignment(tail), data.size() % 2 == 0 ? data.size() : 0), data.size()};
    for (std::size_t at = 0; at < data.size(); at += 3000)
      growth.write(as_bytes(data).subspan(at).first(std::min<std::size_t>(3000, data.size() - at)));
  }
  const Buffer manifest = manifest_of(tail, places);
  growth.commit(
      manifest, [&](std::uint64_t offset) { return footer_of(tail, offset, manifest); }, std::nullopt, alignment(tail));
}

Contents one() { return {{"a", std::string(100, 'a')}}; }

Contents some() {
  return {{"b", std::string(3000, 'b')}, {"c", ""}, {"d", "d"}, {"e", std::string(7001, 'e')}, {"f", "ff"}};
}

Contents both(Contents first, const Contents& second) {
  first.insert(second.begin(), second.end());
  return first;
}

}  // namespace zt::test
