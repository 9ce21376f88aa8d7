// Converting, recoding and merging keep every tensor as it was.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <string>
#include <vector>

#include "memory_file.h"
#include "random_array.h"
#include "temp_dir.h"

namespace {

namespace fs = std::filesystem;
using zt::test::Random;

// A file of a few random tensors, an alias and a sparse tensor; all names begin with `prefix`.
void make_file(Random& random, const fs::path& path, const std::string& prefix, const zt::Value& attributes) {
  zt::WriterOptions options;
  options.attributes = attributes;
  if (random.chance(50)) options.encoding = zt::Encoding::zstd(1);
  zt::Writer writer = zt::Writer::create(path, options);
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    const std::string name = prefix + std::to_string(i) + random.text(5);
    static constexpr zt::Checksum kAll[] = {zt::Checksum::none, zt::Checksum::crc32c, zt::Checksum::sha256};
    const zt::test::RandomArray array = zt::test::random_array(random, random.dtype(), random.shape(4, 2000));
    zt::AddOptions add{.encoding = {}, .checksum = random.pick(kAll), .attributes = random.attributes()};
    if (random.chance(30)) add.encoding = zt::Encoding::zstd(2);
    writer.add(name, array.view, add);
    if (random.chance(40)) writer.add_alias(name + ".tied", name);
  }
  const float values[] = {1, 2};
  const std::uint64_t coords[] = {0, 1};
  writer.add_coo(prefix, {2}, std::span<const float>(values), coords,
                 {.encoding = {}, .checksum = {}, .attributes = random.attributes()});
  writer.finalize();
}

void expect_same(const zt::Tensor& a, const zt::Tensor& b) {
  SCOPED_TRACE(std::string(a.name()));
  EXPECT_EQ(a.layout(), b.layout());
  EXPECT_TRUE(std::ranges::equal(a.shape(), b.shape()));
  EXPECT_TRUE(std::ranges::equal(a.attributes_cbor(), b.attributes_cbor()));
  ASSERT_EQ(a.parts(), b.parts());
  for (std::size_t i = 0; i < a.parts(); ++i) {
    EXPECT_EQ(a.part(i).role(), b.part(i).role());
    EXPECT_EQ(a.part(i).dtype(), b.part(i).dtype());
    EXPECT_TRUE(a.part(i).read() == b.part(i).read());
  }
}

// Checks that `result` holds exactly the tensors of all inputs, in their order.
void expect_all(const std::vector<fs::path>& inputs, const fs::path& result) {
  const zt::Source found = zt::open(result);
  std::size_t next = 0;
  for (const fs::path& input : inputs) {
    const zt::Source source = zt::open(input);
    for (const zt::Tensor tensor : source) {
      ASSERT_LT(next, found.size());
      EXPECT_EQ(found[next].name(), tensor.name());
      expect_same(tensor, found[next]);
      if (tensor.name().ends_with(".tied") && tensor.part(0).stored_length() > 0) {
        EXPECT_EQ(found[next].part(0).offset(), found[next - 1].part(0).offset()) << "tied tensors came apart";
      }
      ++next;
    }
  }
  EXPECT_EQ(next, found.size());
  const zt::VerifyReport report = zt::check(found);
  EXPECT_TRUE(report.findings.empty()) << report.findings[0].error.what();
}

TEST(Conversion, KeepsEveryTensorWhateverIsRecoded) {
  Random random(31);
  for (int round = 0; round < zt::test::rounds(60); ++round) {
    SCOPED_TRACE(random.name() + ", round " + std::to_string(round));
    const zt::test::TempDir folder;
    zt::Value attributes = random.attributes();
    make_file(random, folder / "in.zt", "a", attributes);
    const std::vector<fs::path> steps = {folder / "in.zt", folder / "kept.zt", folder / "zstd.zt", folder / "raw.zt"};
    const std::optional<zt::Encoding> recodes[] = {{}, zt::Encoding::zstd(3), zt::Encoding::raw()};
    for (std::size_t i = 0; i < 3; ++i) {
      zt::ConvertOptions options;
      options.recode = recodes[i];
      zt::convert(std::vector{steps[i]}, steps[i + 1], options);
      expect_all({folder / "in.zt"}, steps[i + 1]);
      const zt::Value found = zt::open(steps[i + 1]).attributes();
      if (attributes.is_map() && attributes.members()->empty()) attributes = {};
      EXPECT_TRUE(found == attributes);
    }
    for (const zt::Tensor tensor : zt::open(folder / "kept.zt")) {
      const zt::Tensor before = zt::open(folder / "in.zt").tensor(tensor.name());
      EXPECT_EQ(tensor.part(0).digest(), before.part(0).digest());
      EXPECT_EQ(tensor.part(0).encoding(), before.part(0).encoding());
    }
    if (HasFailure()) return;
  }
}

TEST(Conversion, MergesFilesAndKeepsAllOfThem) {
  Random random(32);
  for (int round = 0; round < zt::test::rounds(30); ++round) {
    SCOPED_TRACE(random.name() + ", round " + std::to_string(round));
    const zt::test::TempDir folder;
    std::vector<fs::path> inputs;
    for (const char* name : {"a", "b", "c"}) {
      inputs.push_back(folder / (std::string(name) + ".zt"));
      make_file(random, inputs.back(), name, {});
    }
    const zt::ConvertReport report = zt::convert(inputs, folder / "all.zt");
    expect_all(inputs, folder / "all.zt");
    EXPECT_EQ(report.tensors, zt::open(folder / "all.zt").size());
    EXPECT_EQ(report.bytes_out, fs::file_size(folder / "all.zt"));
    if (HasFailure()) return;
  }
}

}  // namespace
