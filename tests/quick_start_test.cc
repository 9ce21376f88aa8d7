// Runs the C++ quick start of the README, and checks what it says.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <filesystem>
#include <numeric>

#include "temp_dir.h"

namespace {

class QuickStart : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_.path());
  }
  void TearDown() override { std::filesystem::current_path(before_); }

 private:
  zt::test::TempDir folder_;
  std::filesystem::path before_;
};

TEST_F(QuickStart, RunsAsItStandsInTheReadme) {
  std::vector<float> weights(1024 * 768);
  std::iota(weights.begin(), weights.end(), 0.0F);
  std::vector<float> big(512 * 512, 1.0F);
  std::vector<float> values = {1, 2, 3};
  std::vector<std::uint64_t> indices = {5, 0, 99};
  std::vector<std::uint64_t> indptr(101, 3);
  indptr[0] = 0;
  indptr[1] = 1;

  {
    // [quick start]
    zt::Writer out = zt::Writer::create("model.zt");
    out.add("weights", {1024, 768}, weights);
    out.add("big", {512, 512}, big, {.encoding = zt::Encoding::zstd(3), .checksum = zt::Checksum::crc32c});
    out.add_csr("graph", {100, 100}, values, indices, indptr);
    out.finalize();
  }

  zt::Source model = zt::open("model.zt");                      // any format
  zt::View<float> view = model.tensor("weights").map<float>();  // zero-copy; keeps the mapping alive
  std::vector<float> owned = model.tensor("weights").read<float>();
  std::vector<float> rows = model.tensor("big").read_slice<float>({zt::rows(10, 20)});  // decodes what it needs
  zt::Csr<float> graph = model.tensor("graph").read_csr<float>();
  // [/quick start]

  EXPECT_TRUE(std::equal(view.begin(), view.end(), weights.begin(), weights.end()));
  EXPECT_EQ(owned, weights);
  EXPECT_EQ(rows, std::vector<float>(10 * 512, 1.0F));
  EXPECT_EQ(model.tensor("big").read<float>(), big);
  EXPECT_EQ(model.tensor("big").data().encoding(), "zstd");
  EXPECT_LT(model.tensor("big").data().stored_length(), big.size());
  EXPECT_EQ(graph.values, values);
  EXPECT_EQ(graph.indices, indices);
  EXPECT_EQ(graph.indptr, indptr);
  EXPECT_EQ(graph.shape, (std::vector<std::uint64_t>{100, 100}));
}

// The same with spans and bytes.
TEST_F(QuickStart, TakesSpansAndGivesBytes) {
  const std::vector<float> weights = {1, 2, 3, 4, 5, 6};
  const std::vector<std::uint64_t> indices = {2};
  const std::vector<std::uint64_t> indptr = {0, 1};
  zt::Writer out = zt::Writer::create("model.zt");
  out.add("weights", {2, 3}, std::span<const float>(weights));
  out.add("big", {2, 3}, std::span<const float>(weights),
          {.encoding = zt::Encoding::zstd(3), .checksum = zt::Checksum::crc32c});
  out.add_csr("graph", {1, 3}, std::span<const float>(weights).first(1), indices, indptr);
  out.finalize();
  zt::Source model = zt::open("model.zt");
  zt::Bytes bytes = model.tensor("weights").data().map();
  std::span<const float> view = bytes.as<float>();
  EXPECT_TRUE(std::equal(view.begin(), view.end(), weights.begin(), weights.end()));
  EXPECT_EQ(model.tensor("graph").read_csr<float>().indices, indices);
}

TEST_F(QuickStart, IteratesAndReadsIntoMemoryOfTheCaller) {
  zt::Writer out = zt::Writer::create("model.zt", {.attributes = zt::Value::Map{{"license", "MIT"}}});
  const std::vector<std::int32_t> ones(6, 1);
  out.add("a", {2, 3}, std::span<const std::int32_t>(ones), {.attributes = zt::Value::Map{{"layer", 7}}});
  out.add_alias("b", "a");
  out.finalize();

  const zt::Source model = zt::open("model.zt");
  std::vector<std::string> names;
  for (const zt::Tensor tensor : model) names.emplace_back(tensor.name());
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*model.attributes().find("license")->text(), "MIT");
  EXPECT_EQ(model.tensor("a").attributes().find("layer")->integer(), 7);
  EXPECT_EQ(model.tensor("a").data().offset(), model.tensor("b").data().offset());
  std::vector<std::int32_t> into(6);
  model.tensor("b").read_into(std::span(into));
  EXPECT_EQ(into, ones);
  EXPECT_EQ(model.tensor("a").read_rows<std::int32_t>(1, 2), std::vector<std::int32_t>(3, 1));
  EXPECT_FALSE(model.find("c").has_value());
}

}  // namespace
