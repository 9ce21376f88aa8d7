#include "ztensor/tensor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "container/zt12/zt12.h"
#include "errors.h"
#include "model/encoder.h"
#include "temp_dir.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

// A store of zeros, except for its first and last bytes, of any size.
class HollowStore final : public ByteStore {
 public:
  HollowStore(std::vector<std::byte> head, std::uint64_t hollow, std::vector<std::byte> tail)
      : head_(std::move(head)), tail_at_(hollow), tail_(std::move(tail)) {}
  std::uint64_t size() const override { return tail_at_ + tail_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    std::fill(out.begin(), out.end(), std::byte{0});
    if (offset < head_.size()) std::memcpy(out.data(), head_.data() + offset, std::min(out.size(), head_.size()));
    if (offset >= tail_at_) std::memcpy(out.data(), tail_.data() + (offset - tail_at_), out.size());
  }

 private:
  std::vector<std::byte> head_;
  std::uint64_t tail_at_;
  std::vector<std::byte> tail_;
};

TEST(Tensor, RefusesPartsWhoseBytesTogetherPass64Bits) {
  namespace zt12 = container::zt12;
  constexpr std::uint64_t kStored = std::uint64_t{1} << 48;  // each part decodes to 2^63 bytes at most
  model::Catalog catalog;
  catalog.add_tensor("w", {}, "acme", {});
  for (const std::string_view role : {"a", "b"}) {
    model::PartRow& part = catalog.add_part(
        role, DType::u8,
        {.offset = 64, .stored_length = kStored, .decoded_length = kStored << 15, .coding = model::Coding::zstd}, "");
    part.storage = catalog.intern("u8");
  }
  std::vector<std::byte> tail = zt12::kEncoder.manifest(catalog);
  const std::vector<std::byte> footer = zt12::kEncoder.footer(kStored + 64, tail);
  tail.insert(tail.end(), footer.begin(), footer.end());
  const auto store = std::make_shared<HollowStore>(zt12::kEncoder.head(), kStored + 64, tail);
  const Tensor tensor = open(store, "hollow.zt").tensor("w");
  ASSERT_FALSE(tensor.unreadable()) << tensor.unreadable()->what();
  EXPECT_EQ(tensor.part("a").length(), std::uint64_t{1} << 63);
  try {
    (void)tensor.nbytes();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::malformed);
    EXPECT_STREQ(error.rule(), "tensor.size");
  }
}

TEST(Tensor, MapsElementsOfItsOwnTypeAlone) {
  const test::TempDir folder;
  const std::vector<std::int32_t> ids = {1, -2, 3};
  {
    Writer writer = Writer::create(folder.path() / "ids.zt");
    writer.add("ids", {3}, std::span<const std::int32_t>(ids));
    writer.finalize();
  }
  const Tensor tensor = open(folder.path() / "ids.zt").tensor("ids");
  const View<std::int32_t> view = tensor.map<std::int32_t>();
  EXPECT_TRUE(std::equal(view.begin(), view.end(), ids.begin(), ids.end()));
  EXPECT_EQ(view.size(), 3U);
  EXPECT_EQ(view[1], -2);
  EXPECT_EQ(test::code_of([&] { (void)tensor.map<float>(); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { (void)tensor.map<std::uint32_t>(); }), Code::usage);
}

TEST(Tensor, SaysWhereItLiesAndWhetherItCanBeMapped) {
  const test::TempDir folder;
  const std::filesystem::path path = folder.path() / "a.zt";
  const std::vector<float> values(100'000);
  {
    Writer writer = Writer::create(path);
    writer.add("raw", {values.size()}, values);
    writer.add("packed", {values.size()}, values, {.encoding = Encoding::zstd()});
    writer.finalize();
  }
  const Source source = open(path);
  const Tensor raw = source.tensor("raw");
  EXPECT_EQ(source[raw.index()].name(), "raw");
  EXPECT_EQ(source[source.tensor("packed").index()].name(), "packed");
  const Location location = raw.data().location();
  EXPECT_EQ(location.path, path);
  EXPECT_EQ(location.offset, raw.data().offset());
  EXPECT_EQ(location.length, values.size() * sizeof(float));
  EXPECT_TRUE(raw.data().mappable());
  EXPECT_FALSE(source.tensor("packed").data().mappable());
  const Source read = open(path, {.backend = Backend::read});
  EXPECT_FALSE(read.tensor("raw").data().mappable());
  EXPECT_EQ(test::code_of([&] { (void)read.map_file(0); }), Code::unsupported);
}

}  // namespace
}  // namespace zt
