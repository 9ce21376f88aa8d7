// Uses the library like its users: containers, ranges, short names.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <string>
#include <vector>

#include "errors.h"
#include "temp_dir.h"

namespace {

static_assert(std::ranges::random_access_range<zt::Source>);

class PublicApi : public testing::Test {
 protected:
  std::filesystem::path at(const char* name) const { return folder_.path() / name; }
  zt::Source made() {
    zt::Writer out = zt::Writer::create(at("m.zt"));
    out.add("vector", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    out.add("array", {2}, std::array<std::int32_t, 2>{7, -8});
    out.add_csr("csr", {2, 3}, std::vector<float>{1, 2}, std::vector<std::int32_t>{0, 2},
                std::array<std::uint64_t, 3>{0, 1, 2});
    out.add_coo("coo", {2, 2}, std::vector<double>{5}, std::vector<std::uint64_t>{1, 0});
    out.finalize();
    return zt::open(at("m.zt"));
  }

 private:
  zt::test::TempDir folder_;
};

TEST_F(PublicApi, TakesVectorsAndArrays) {
  const zt::Source model = made();
  EXPECT_EQ(model.tensor("vector").read<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  std::vector<float> floats(6);
  model.tensor("vector").read_into(floats);
  EXPECT_EQ(floats.back(), 6.0F);
  std::array<std::int32_t, 2> ints = {};
  model.tensor("array").read_into(ints);
  EXPECT_EQ(ints[1], -8);
  EXPECT_EQ(zt::test::code_of([&] { model.tensor("array").read_into(floats); }), zt::Code::usage);
  std::vector<float> wrong(5);
  EXPECT_EQ(zt::test::code_of([&] { model.tensor("vector").read_into(wrong); }), zt::Code::usage);
  EXPECT_EQ(model.tensor("csr").read_csr<float>().indices, (std::vector<std::uint64_t>{0, 2}));
  EXPECT_EQ(model.tensor("coo").read_coo<double>().indices, (std::vector<std::uint64_t>{1, 0}));
}

TEST_F(PublicApi, SourcesAreRanges) {
  const zt::Source model = made();
  EXPECT_EQ(std::ranges::distance(model), 4);
  EXPECT_EQ(model.begin()[1].name(), "array");
  EXPECT_EQ((*(model.end() - 1)).name(), "coo");
  EXPECT_TRUE(std::ranges::any_of(model, [](const zt::Tensor& tensor) { return tensor.layout() == "sparse_csr"; }));
  auto step = model.begin();
  EXPECT_EQ((*step++).name(), "vector");
  EXPECT_EQ((*step--).name(), "array");
  EXPECT_EQ(step, model.begin());
  EXPECT_LT(step, model.end());
}

TEST_F(PublicApi, SlicesHaveShortNames) {
  const zt::Tensor tensor = made().tensor("vector");
  EXPECT_EQ(tensor.read_slice<float>({zt::all(), zt::at(2)}), (std::vector<float>{3, 6}));
  EXPECT_EQ(tensor.read_slice<float>({zt::rows(1, 2)}), (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(tensor.read_slice<float>({zt::rows(2, 1)}), std::vector<float>());
  EXPECT_EQ(tensor.read_slice<float>({}).size(), 6U);
  EXPECT_EQ(zt::test::code_of([&] { (void)tensor.read_slice<float>({zt::at(2)}); }), zt::Code::usage);
  EXPECT_EQ(zt::test::code_of([&] { (void)tensor.read_slice<double>({}); }), zt::Code::usage);
  EXPECT_EQ(zt::test::code_of([&] {
              (void)tensor.read_slice<float>({zt::all(), zt::all(), zt::all()});
            }),
            zt::Code::usage);
}

TEST_F(PublicApi, ChecksAndConvertsByBracedLists) {
  const zt::Source model = made();
  EXPECT_EQ(zt::check(model, {}).checked.size(), 4U);
  EXPECT_EQ(zt::check(model, {.names = {"csr"}}).checked, std::vector<std::string>{"csr"});
  EXPECT_EQ(zt::verify(model, {.names = {"array", "coo"}}).checked.size(), 2U);
  EXPECT_EQ(zt::check(model, {.names = {"array"}, .canonical = true}).findings.size(), 1U) << "it is of 1.2";
  EXPECT_EQ(zt::test::code_of([&] { zt::verify(model, {.canonical = true}); }), zt::Code::malformed);
  EXPECT_EQ(zt::convert({at("m.zt")}, at("n.zt")).tensors, 4U);
}

}  // namespace
