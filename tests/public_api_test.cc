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

TEST_F(PublicApi, AnAxisIsTakenWholeAtOnePlaceInARangeOrByAList) {
  const zt::Tensor tensor = made().tensor("vector");
  EXPECT_EQ(tensor.read_slice<float>({zt::stepped(1, 2, -1)}), (std::vector<float>{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(tensor.read_slice<float>({zt::at(0), zt::listed({2, 0, 2})}), (std::vector<float>{3, 1, 3}));
  EXPECT_EQ(tensor.read_slice<float>({zt::all(), zt::listed({})}), std::vector<float>()) << "an empty list is nothing";
  const zt::Selection stepped = {zt::AllOfAxis{}, zt::RangeOfAxis{.start = 0, .count = 2, .step = 2}};
  EXPECT_EQ(tensor.read_slice<float>(stepped), (std::vector<float>{1, 3, 4, 6}));
  EXPECT_EQ(zt::at(1), zt::AxisSelection(zt::OneOfAxis{1}));
  EXPECT_NE(zt::at(1), zt::rows(1, 2));
  EXPECT_EQ(zt::test::code_of([&] { (void)tensor.read_slice<float>({zt::listed({0, 2})}); }), zt::Code::usage);
}

TEST_F(PublicApi, ASliceChecksTheWholePartOnceWhenAsked) {
  const std::uint64_t offset = made().tensor("vector").data().offset();
  std::string bytes = zt::test::read_file(at("m.zt"));
  bytes[static_cast<std::size_t>(offset)] ^= 1;
  zt::test::write_file(at("m.zt"), bytes);
  const zt::Source source = zt::open(at("m.zt"));
  const zt::Tensor tensor = source.tensor("vector");
  EXPECT_EQ(tensor.read_rows<float>(1, 2), (std::vector<float>{4, 5, 6}))
      << "standard: these bytes alone have no digest";
  EXPECT_EQ(zt::test::code_of([&] { (void)tensor.read_rows<float>(1, 2, zt::Verify::always); }), zt::Code::mismatch);
  EXPECT_EQ(zt::test::code_of([&] { (void)tensor.read_slice<float>({zt::at(1)}, zt::Verify::always); }),
            zt::Code::mismatch);
  const zt::Source strict = zt::open(at("m.zt"), {.verify = zt::Verify::always});
  EXPECT_EQ(zt::test::code_of([&] { (void)strict.tensor("vector").read_rows<float>(1, 2); }), zt::Code::mismatch);
  EXPECT_EQ(strict.tensor("array").read_slice<std::int32_t>({zt::at(1)}), std::vector<std::int32_t>{-8});
  EXPECT_EQ(strict.tensor("vector").read_slice<float>({zt::at(1)}, zt::Verify::never).size(), 3U);
}

TEST_F(PublicApi, ASliceCountsItsBytesAndStopsWhenToldTo) {
  const zt::Tensor tensor = made().tensor("vector");
  std::uint64_t done = 0, total = 0;
  const zt::Progress note = [&](std::uint64_t now, std::uint64_t of) {
    done = now;
    total = of;
    return true;
  };
  EXPECT_EQ(tensor.read_slice<float>({zt::all(), zt::at(1)}, {}, note), (std::vector<float>{2, 5}));
  EXPECT_EQ(done, 8U);
  EXPECT_EQ(total, 8U);
  EXPECT_EQ(tensor.read_slice<float>({zt::at(0)}, zt::Verify::always, note).size(), 3U);
  EXPECT_EQ(done, 24U + 12U) << "the whole part, then the slice";
  EXPECT_EQ(total, done);
  const zt::Progress stop = [](std::uint64_t, std::uint64_t) { return false; };
  EXPECT_EQ(zt::test::code_of([&] { (void)tensor.read_slice<float>({}, {}, stop); }), zt::Code::cancelled);
}

TEST_F(PublicApi, LengthsAreKnownOrMeasured) {
  const zt::Tensor tensor = made().tensor("csr");
  EXPECT_EQ(tensor.part("values").length(), 8U);
  EXPECT_EQ(tensor.part("values").measure(), 8U);
  EXPECT_EQ(tensor.nbytes(), tensor.measure());
  EXPECT_EQ(tensor.part("values").file_number(), 0U);
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
