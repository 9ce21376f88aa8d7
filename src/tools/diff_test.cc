#include "ztensor/diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "memory_file.h"

namespace zt {
namespace {

using Kind = Difference::Kind;
using Fill = std::function<void(Writer&)>;

Source source_of(const Fill& fill, const WriterOptions& options = {}) {
  return test::open_bytes(test::written(options, fill));
}
Source one(const std::vector<float>& values, const Shape& shape, const AddOptions& options = {}) {
  return source_of([&](Writer& writer) { writer.add("w", shape, std::span<const float>(values), options); });
}
// The only difference between two sources.
Difference only(const Source& a, const Source& b) {
  const DiffReport report = diff(a, b);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.differences.size(), 1U);
  EXPECT_FALSE(report.same());
  return report.differences.empty() ? Difference{.kind = Kind::only_in_a} : report.differences[0];
}
// One dense tensor "w" with the given parts, without the rules of our writer.
Source composite(std::string_view layout, const Shape& shape,
                 const std::vector<std::pair<std::string, std::pair<DType, std::vector<std::byte>>>>& parts) {
  namespace zt12 = container::zt12;
  model::Catalog catalog;
  catalog.add_tensor("w", shape, layout, {});
  std::vector<std::byte> file = zt12::kEncoder.head();
  for (const auto& [role, content] : parts) {
    file.resize((file.size() + 63) / 64 * 64);
    const std::uint64_t length = content.second.size();
    model::PartRow& part = catalog.add_part(
        role, content.first, {.offset = file.size(), .stored_length = length, .decoded_length = length}, "");
    part.storage = catalog.intern(zt12::kEncoder.storage(content.first));
    file.insert(file.end(), content.second.begin(), content.second.end());
  }
  const std::vector<std::byte> manifest = zt12::kEncoder.manifest(catalog);
  const std::vector<std::byte> footer = zt12::kEncoder.footer(file.size(), manifest);
  file.insert(file.end(), manifest.begin(), manifest.end());
  file.insert(file.end(), footer.begin(), footer.end());
  return test::open_bytes(std::move(file));
}
template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

TEST(Diff, FindsNothingHoweverTheSameTensorsAreStored) {
  const std::vector<float> large(std::size_t{3} << 20, 1.5F);
  const std::vector<std::uint64_t> coords = {0, 1, 1, 0};
  const auto fill = [&](bool other) {
    return [&large, &coords, other](Writer& writer) {
      const AddOptions options = {
          .encoding = other ? Encoding::zstd(1) : Encoding::raw(),
          .attributes = other ? Value::Map{{"b", 1}, {"a", 2}} : Value::Map{{"a", 2}, {"b", 1}}};
      const auto add_large = [&] { writer.add("large", {large.size()}, std::span<const float>(large), options); };
      if (other) add_large();
      writer.add("empty", {0, 3}, std::span<const float>());
      writer.add_coo("sparse", {2, 2}, std::span(large).first(2), coords);
      if (!other) add_large();
    };
  };
  const Source a = source_of(fill(false), {.attributes = Value::Map{{"x", "y"}}});
  const Source b = source_of(fill(true), {.checksum = Checksum::sha256,
                                          .alignment = 4096,
                                          .attributes = Value::Map{{"ztensor.source.format", "npy"}, {"x", "y"}}});
  const DiffReport report = diff(a, b);
  EXPECT_TRUE(report.same()) << diff_json(a, b, report);
  EXPECT_EQ(report.compared, 3U);
  EXPECT_TRUE(diff(a, a).same());
}

TEST(Diff, NamesTensorsThatOnlyOneHasInTheirOrder) {
  const std::vector<float> values = {1};
  const auto with = [&](std::vector<std::string> names) {
    return source_of([&, names](Writer& writer) {
      for (const std::string& name : names) writer.add(name, {}, std::span<const float>(values));
    });
  };
  const DiffReport report = diff(with({"z", "both", "a"}), with({"y", "both", "b"}));
  std::string seen;
  for (const Difference& difference : report.differences) {
    seen += std::string(difference_name(difference.kind)) + " " + *difference.tensor + "\n";
  }
  EXPECT_EQ(seen, "only_in_a z\nonly_in_a a\nonly_in_b y\nonly_in_b b\n");
  EXPECT_EQ(report.compared, 1U);
}

TEST(Diff, FindsShapesDtypesAndLayouts) {
  const Difference shape = only(one({1, 2, 3, 4, 5, 6}, {2, 3}), one({1, 2, 3, 4, 5, 7}, {3, 2}));
  EXPECT_EQ(shape.kind, Kind::shape);
  EXPECT_EQ(shape.a, Value(Value::Array{2, 3}));
  EXPECT_EQ(shape.b, Value(Value::Array{3, 2}));
  const std::vector<std::uint32_t> words = {1};
  const Difference dtype = only(
      one({1}, {1}), source_of([&](Writer& writer) { writer.add("w", {1}, std::span<const std::uint32_t>(words)); }));
  EXPECT_EQ(dtype.kind, Kind::dtype);
  EXPECT_EQ(dtype.part, "data");
  EXPECT_EQ(dtype.a, Value("float32"));
  EXPECT_EQ(dtype.b, Value("uint32"));
  const std::vector<std::uint64_t> coords = {0};
  const std::vector<float> values = {1};
  const Difference layout =
      only(one({1}, {1}),
           source_of([&](Writer& writer) { writer.add_coo("w", {1}, std::span<const float>(values), coords); }));
  EXPECT_EQ(layout.kind, Kind::layout);
  EXPECT_EQ(layout.b, Value("sparse_coo"));
}

TEST(Diff, ComparesAttributesKeyByKey) {
  const Value a = Value::Map{{"same", Value::Map{{"x", 1}, {"y", 2}}}, {"less", 1}, {"changed", 1}};
  const Value b = Value::Map{{"changed", 1.0}, {"more", Value()}, {"same", Value::Map{{"y", 2}, {"x", 1}}}};
  const DiffReport report = diff(one({1}, {}, {.attributes = a}), one({1}, {}, {.attributes = b}));
  ASSERT_EQ(report.differences.size(), 3U);
  EXPECT_EQ(report.differences[0].key, "less");
  EXPECT_EQ(report.differences[0].a, Value(1));
  EXPECT_EQ(report.differences[0].b, std::nullopt);
  EXPECT_EQ(report.differences[1].key, "changed");
  EXPECT_EQ(report.differences[1].b, Value(1.0));
  EXPECT_EQ(report.differences[2].key, "more");
  EXPECT_EQ(report.differences[2].a, std::nullopt);
  EXPECT_EQ(report.differences[2].b, Value());
  EXPECT_TRUE(diff(one({1}, {}, {.attributes = Value::map()}), one({1}, {})).same());
  const Difference of_file =
      only(source_of([](Writer&) {}, {.attributes = Value::Map{{"k", 1}}}), source_of([](Writer&) {}));
  EXPECT_EQ(of_file.kind, Kind::attribute);
  EXPECT_EQ(of_file.tensor, std::nullopt);
}

TEST(Diff, TellsWhereAndHowFarContentsDiffer) {
  const Difference found = only(one({1, 2, 3, 4, 5, 6}, {2, 3}), one({1, 2, 3, 4.5, 5, 3}, {2, 3}));
  ASSERT_EQ(found.kind, Kind::contents);
  EXPECT_EQ(found.contents->dtype, DType::f32);
  EXPECT_EQ(found.contents->elements, 6U);
  EXPECT_EQ(found.contents->differing, 2U);
  EXPECT_EQ(found.contents->first, 3U);
  EXPECT_EQ(found.contents->at, (std::vector<std::uint64_t>{1, 0}));
  EXPECT_EQ(found.contents->largest, 3.0);
  EXPECT_EQ(found.a, Value(4.0));
  EXPECT_EQ(found.b, Value(4.5));
}

TEST(Diff, ComparesBitsNotNumbers) {
  const Difference zero = only(one({0.0F}, {}), one({-0.0F}, {}));
  EXPECT_EQ(zero.contents->largest, 0.0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(diff(one({nan}, {}), one({nan}, {})).same());
  const Difference other = only(one({nan}, {}), one({-nan}, {}));
  EXPECT_EQ(other.a, Value("nan 0x7fc00000"));
  EXPECT_EQ(other.b, Value("nan 0xffc00000"));
  EXPECT_EQ(other.contents->largest, std::nullopt);
}

TEST(Diff, FindsALateDifferenceOfLargePartsInAnyEncoding) {
  std::vector<float> values((std::size_t{9} << 20) / 4 + 5);
  const Source a = one(values, {values.size()}, {.encoding = Encoding::zstd(1)});
  values.back() = 2;
  values[std::size_t{1} << 18] = -7;  // the first element of the second piece
  const Difference found = only(a, one(values, {values.size()}));
  EXPECT_EQ(found.contents->differing, 2U);
  EXPECT_EQ(found.contents->first, std::uint64_t{1} << 18);
  EXPECT_EQ(found.contents->largest, 7.0);
}

TEST(Diff, ComparesIndicesOfSparseTensorsByValue) {
  const auto csr = [](DType dtype, std::vector<std::byte> indices, std::vector<std::byte> indptr) {
    return composite("sparse_csr", {2, 9},
                     {{"values", {DType::f32, bytes_of<float>({1, 2, 3})}},
                      {"indices", {dtype, std::move(indices)}},
                      {"indptr", {dtype, std::move(indptr)}}});
  };
  const Source wide = csr(DType::u64, bytes_of<std::uint64_t>({0, 5, 1}), bytes_of<std::uint64_t>({0, 2, 3}));
  const Source narrow = csr(DType::u32, bytes_of<std::uint32_t>({0, 5, 1}), bytes_of<std::uint32_t>({0, 2, 3}));
  const Source other = csr(DType::u32, bytes_of<std::uint32_t>({0, 8, 1}), bytes_of<std::uint32_t>({0, 2, 3}));
  EXPECT_TRUE(diff(wide, narrow).same());
  EXPECT_EQ(content_id(wide), content_id(narrow));
  EXPECT_NE(content_id(wide), content_id(other));
  const Difference found = only(wide, other);
  EXPECT_EQ(found.kind, Kind::contents);
  EXPECT_EQ(found.part, "indices");
  EXPECT_EQ(found.contents->dtype, DType::u64);
  EXPECT_EQ(found.a, Value(5));
  EXPECT_EQ(found.b, Value(8));
}

TEST(Diff, ComparesThePartsOfUnknownLayouts) {
  const auto of = [](std::vector<std::pair<std::string, std::pair<DType, std::vector<std::byte>>>> parts) {
    return composite("example/1", {3}, parts);
  };
  const std::vector<std::byte> three(3);
  const Source a = of({{"x", {DType::u8, three}}, {"y", {DType::u16, three}}, {"z", {DType::u8, three}}});
  const Source b =
      of({{"y", {DType::u16, std::vector<std::byte>(5)}}, {"x", {DType::u8, three}}, {"q", {DType::i8, three}}});
  const DiffReport report = diff(a, b);
  ASSERT_EQ(report.differences.size(), 3U) << diff_json(a, b, report);
  EXPECT_EQ(report.differences[0].kind, Kind::part);
  EXPECT_EQ(report.differences[0].part, "z");
  EXPECT_EQ(report.differences[0].a, Value("uint8"));
  EXPECT_EQ(report.differences[1].part, "q");
  EXPECT_EQ(report.differences[2].kind, Kind::length);
  EXPECT_EQ(report.differences[2].a, Value(3));
  EXPECT_EQ(report.differences[2].b, Value(5));
  std::vector<std::byte> odd = three;
  odd[2] = std::byte{1};  // after the last whole uint16
  EXPECT_EQ(only(of({{"y", {DType::u16, three}}}), of({{"y", {DType::u16, odd}}})).contents->first, 2U);
}

TEST(Diff, CountsFloat4ElementsTwoToAByte) {
  const auto of = [](std::uint8_t byte) {
    return source_of([byte](Writer& writer) {
      const std::byte bytes[] = {std::byte{0x22}, std::byte{byte}};
      writer.add("w", ArrayView{.dtype = DType::f4_e2m1, .shape = {3}, .data = bytes});
    });
  };
  const Difference found = only(of(0x02), of(0x07));
  EXPECT_EQ(found.contents->elements, 3U);
  EXPECT_EQ(found.contents->first, 2U);
  EXPECT_EQ(found.contents->differing, 1U);
  EXPECT_EQ(found.a, Value(1.0));
  EXPECT_EQ(found.b, Value(6.0));
}

TEST(Diff, ListsWhatCannotBeReadAsTrouble) {
  auto bytes = test::written({}, [](Writer& writer) {
    const std::vector<float> values = {1};
    writer.add("v", {}, std::span<const float>(values));
    writer.add("w", {}, std::span<const float>(values));
  });
  const Source good = test::open_bytes(bytes);
  bytes[good.tensor("w").data().offset()] ^= std::byte{1};
  const Source bad = test::open_bytes(bytes);
  const DiffReport report = diff(good, bad);
  EXPECT_TRUE(report.differences.empty());
  EXPECT_FALSE(report.same());
  EXPECT_EQ(report.compared, 1U);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].tensor, "w");
  EXPECT_EQ(report.findings[0].error.code(), Code::mismatch);
}

TEST(Diff, StopsAtTheFirstDifferenceWhenAsked) {
  const Source a = source_of([](Writer&) {});
  const Source b = source_of([](Writer& writer) {
    const std::vector<float> values = {1};
    for (const char* name : {"u", "v", "w"}) writer.add(name, {}, std::span<const float>(values));
  });
  EXPECT_EQ(diff(a, b, {.first_only = true}).differences.size(), 1U);
  EXPECT_EQ(diff(a, b).differences.size(), 3U);
  EXPECT_TRUE(diff(b, b, {.first_only = true}).same());
}

TEST(Diff, TellsProgressAndStopsWhenTheCallbackSaysSo) {
  const Source a = one({1, 2}, {2});
  std::uint64_t last = 0;
  const auto note = [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_EQ(total, 8U);
    last = done;
    return true;
  };
  (void)diff(a, a, {.progress = note});
  EXPECT_EQ(last, 8U);
  try {
    (void)diff(a, a, {.progress = [](std::uint64_t, std::uint64_t) { return false; }});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::cancelled);
  }
}

TEST(Diff, WritesJsonWithTheSameKeysEachTime) {
  const Source a = one({1, std::numeric_limits<float>::infinity()}, {2});
  const Source b = one({1, 2}, {2});
  EXPECT_EQ(
      diff_json(a, b, diff(a, b)),
      R"({"a": "memory.zt", "b": "memory.zt", "same": false, "compared": 1, "differences": [{"kind": "contents", )"
      R"("tensor": "w", "part": "data", "key": null, "a": {"$float": "inf"}, "b": 2.0, "elements": 2, )"
      R"("differing": 1, "first": 1, "largest": {"$float": "inf"}}], "findings": []})");
  EXPECT_EQ(diff_json(a, a, diff(a, a)),
            R"({"a": "memory.zt", "b": "memory.zt", "same": true, "compared": 1, "differences": [], "findings": []})");
}

}  // namespace
}  // namespace zt
