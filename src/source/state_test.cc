#include "source/state.h"
#include "source/access.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "child.h"
#include "temp_dir.h"
#include "ztensor/info.h"
#include "ztensor/verify.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

std::string text_of(const Tensor& tensor) {
  const std::vector<std::uint8_t> bytes = tensor.read<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

// A tensor "w" of `recipe`'s length, made by the recipe. `dtype` has one byte an element.
Source source_of(model::Catalog catalog, const model::Recipe& recipe, OpenOptions options = {},
                 DType dtype = DType::u8) {
  catalog.format = "zt-0.1";
  const std::uint64_t shape[] = {recipe.decoded_length};
  catalog.add_tensor("w", shape, "dense", {});
  catalog.add_part("data", dtype, recipe, "");
  return source::make_source(
      {.store = std::make_shared<MemoryStore>(std::vector<std::byte>(8)), .path = {}, .name = "memory"},
      std::move(catalog), options);
}

TEST(SourceState, ReadsAndMapsBytesThatTheCatalogOwns) {
  model::Catalog catalog;
  catalog.own(as_bytes(std::string_view("first")));
  const std::uint64_t at = catalog.own(as_bytes(std::string_view("second")));
  const Source source =
      source_of(std::move(catalog),
                {.offset = at, .stored_length = 6, .decoded_length = 6, .file = model::kOwnedFile, .swap = 0});
  EXPECT_EQ(text_of(source.tensor("w")), "second");
  const Bytes mapped = source.tensor("w").data().map();
  EXPECT_EQ(as_text(mapped.view()), "second");
}

TEST(SourceState, KnowsThatBytesOfTheCatalogAreInNoFile) {
  model::Catalog catalog;
  catalog.own(as_bytes(std::string_view("\0\2", 2)));
  catalog.files.push_back({.name = "another", .size = 0, .kind = model::FileRow::Kind::raw});
  const model::Recipe recipe{.stored_length = 2, .decoded_length = 2, .file = model::kOwnedFile};
  const Source source = source_of(std::move(catalog), recipe, {}, DType::boolean);
  const Part part = source.tensor("w").data();
  EXPECT_EQ(part.shard(), "");
  EXPECT_EQ(part.file_number(), kNoFile);
  EXPECT_EQ(part.location().path, "");
  EXPECT_EQ(part.location().length, 2U);
  EXPECT_NE(info_json(source).find(R"("offset": null, "stored": 2, "digest": null}])"), std::string::npos);
  const VerifyReport report = check(source);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_STREQ(report.findings[0].error.what(),
               "memory: tensor 'w': part 'data': element 1 of a bool tensor is 2: expected 0 or 1");
}

TEST(SourceState, ReadsAnEmptyPartOfACatalogThatOwnsNothing) {
  const Source source = source_of({}, {.file = model::kOwnedFile});
  EXPECT_EQ(text_of(source.tensor("w")), "");
  EXPECT_TRUE(check(source).findings.empty());
}

TEST(SourceState, TakesARawFileAsItIs) {
  class Finds final : public Resolver {
   public:
    std::shared_ptr<const ByteStore> find(const ShardIdentity& file) const override {
      EXPECT_EQ(file.name, "weights.bin");
      const auto bytes = as_bytes(std::string_view("any bytes"));
      return std::make_shared<MemoryStore>(std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
  };
  OpenOptions options;
  options.resolver = std::make_shared<Finds>();
  model::Catalog catalog;
  catalog.files.push_back({.name = "weights.bin", .size = 0, .kind = model::FileRow::Kind::raw});
  const Source source =
      source_of(std::move(catalog), {.offset = 4, .stored_length = 5, .decoded_length = 5, .file = 1}, options);
  EXPECT_EQ(text_of(source.tensor("w")), "bytes");
}

TEST(SourceState, CountsTheBytesOfRawFilesOnce) {
  constexpr auto kRaw = model::FileRow::Kind::raw;
  model::Catalog catalog;
  catalog.files.push_back({.name = "a.bin", .size = 0, .kind = kRaw});
  catalog.files.push_back({.name = "b.bin", .size = 100, .kind = kRaw});  // a file that ends where a tensor ends
  catalog.files.push_back({.name = "b.bin", .size = 0, .kind = kRaw});
  catalog.files.push_back({.name = "shard.zt", .size = 1000});
  const auto add = [&](std::string_view name, std::uint16_t file, std::uint64_t offset, std::uint64_t length) {
    catalog.add_tensor(name, std::array{length}, "dense", {});
    catalog.add_part("data", DType::u8,
                     {.offset = offset, .stored_length = length, .decoded_length = length, .file = file}, "");
  };
  add("first", 1, 10, 20);
  add("same", 1, 10, 20);
  add("overlapping", 1, 25, 10);
  add("apart", 1, 40, 2);
  add("last", 2, 90, 10);
  add("before", 3, 0, 10);
  EXPECT_EQ(source_of(std::move(catalog), {}).shards_size(), 25U + 2U + 100U + 1000U);
}

// One value of a compressed tensor, read by a slice.
float value_at(const Source& source, std::uint64_t at) {
  float value = 0;
  source.tensor("w").read_slice({zt::at(at)}, std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

void write_values(const std::filesystem::path& path, float first) {
  std::vector<float> values(100000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<float>(i);
  Writer writer = Writer::create(path, {.encoding = Encoding::zstd()});
  writer.add("w", {values.size()}, std::span<const float>(values));
  writer.finalize();
}

TEST(SliceCache, IsNotUsedOnceTheFileHasChanged) {
  const test::TempDir dir;
  write_values(dir / "w.zt", 0);
  const Source source = open(dir / "w.zt");
  EXPECT_EQ(value_at(source, 5), 5);
  const auto& state = *Access::state(source);
  EXPECT_NE(state.slice_cache(*state.store), nullptr);
  std::ofstream(dir / "w.zt", std::ios::app) << "grown";
  EXPECT_EQ(state.slice_cache(*state.store), nullptr);
  EXPECT_EQ(value_at(source, 6), 6);
}

TEST(SliceCache, OfOneSourceIsNoOtherSources) {
  ZT_REPLACES_OPEN_FILES();
  const test::TempDir dir;
  write_values(dir / "w.zt", 0);
  const Source before = open(dir / "w.zt");
  EXPECT_EQ(value_at(before, 5), 5);
  write_values(dir / "w.zt", 1000);
  EXPECT_EQ(value_at(open(dir / "w.zt"), 5), 1005);
  EXPECT_EQ(value_at(before, 5), 5) << "it reads the file that it opened";
}

TEST(SliceCache, OfAChildIsNotItsParents) {
  ZT_POSIX_ONLY("fork");
  const test::TempDir dir;
  write_values(dir / "w.zt", 0);
  const Source source = open(dir / "w.zt");
  EXPECT_EQ(value_at(source, 5), 5);
  const auto& state = *Access::state(source);
  const read::SliceCache* const parents = state.slice_cache(*state.store);
  EXPECT_EQ(state.slice_cache(*state.store), parents);
  EXPECT_TRUE(test::in_child([&] {  // another thread of the parent may have had it half changed
    return value_at(source, 6) == 6 && state.slice_cache(*state.store) != parents;
  }));
}

}  // namespace
}  // namespace zt
