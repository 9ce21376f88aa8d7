// Tools for whole files give the same result with several threads as with one.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "many_threads.h"
#include "memory_file.h"
#include "model.h"
#include "temp_dir.h"

namespace {

using zt::test::ManyThreads;
using zt::test::TempDir;
using zt::test::together;

const zt::WriterOptions kPlain = {.to = "1.2"};
const zt::WriterOptions kPacked = {.to = "2", .encoding = zt::Encoding::zstd(1), .canonical = false};

std::vector<std::byte> model(const zt::WriterOptions& options) {
  return zt::test::written(options, [&](zt::Writer& writer) { zt::test::add_model(writer, options); });
}

zt::Source open_model(const zt::WriterOptions& options) { return zt::test::open_bytes(model(options), {.threads = 4}); }

// The same file with the first stored byte of a tensor changed. In zstd, later bytes may have bits without meaning.
zt::Source open_broken(const zt::WriterOptions& options, const char* tensor) {
  std::vector<std::byte> file = model(options);
  const zt::Part part = zt::test::open_bytes(file).tensor(tensor).data();
  file[part.offset()] ^= std::byte{1};
  return zt::test::open_bytes(file, {.threads = 4});
}

TEST(ThreadsDiff, CompareSeveralPartsAtATime) {
  const zt::Source a = open_model(kPlain);
  const zt::Source b = open_model(kPacked);
  const ManyThreads many;
  EXPECT_TRUE(zt::diff(a, b).same());
  const zt::DiffReport report = zt::diff(open_broken(kPacked, "raw"), a);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].tensor, "raw");
  EXPECT_TRUE(report.differences.empty());
}

TEST(ThreadsDiff, StopAtTheFirstDifferenceThatOneFinds) {
  const auto filled = [](std::uint8_t value) {
    return zt::test::written(kPlain, [&](zt::Writer& writer) {
      const std::vector<std::uint8_t> data(100000, value);
      for (const char* name : {"a", "b", "c", "d"}) writer.add(name, {data.size()}, std::span(data));
    });
  };
  const ManyThreads many;
  const zt::Source a = zt::test::open_bytes(filled(1), {.threads = 4});
  const zt::DiffReport report = zt::diff(a, zt::test::open_bytes(filled(2)), {.first_only = true});
  EXPECT_FALSE(report.differences.empty());
}

TEST(ThreadsContentId, GiveTheIdThatOneGives) {
  const std::string id = zt::content_id(zt::test::open_bytes(model(kPlain), {.threads = 1}));
  const ManyThreads many;
  EXPECT_EQ(zt::content_id(open_model(kPlain)), id);
  EXPECT_EQ(zt::content_id(open_model(kPacked)), id);
}

TEST(ThreadsVerify, FindWhatIsWrongAndNothingElse) {
  const ManyThreads many;
  for (const zt::WriterOptions& options : {kPlain, kPacked}) {
    EXPECT_TRUE(zt::check(open_model(options), zt::CheckOptions{}).findings.empty());
    for (const char* name : {"raw", "zstd", "bool"}) {
      const zt::VerifyReport report = zt::check(open_broken(options, name), zt::CheckOptions{});
      ASSERT_EQ(report.findings.size(), 1U);
      EXPECT_EQ(report.findings[0].tensor, name);
    }
  }
}

TEST(ThreadsVerify, CheckOneSourceSeveralTimesAtOnce) {
  const ManyThreads many;
  const zt::Source source = open_model(kPacked);
  together(3, [&](std::size_t) { EXPECT_TRUE(zt::check(source, zt::CheckOptions{}).findings.empty()); });
}

TEST(ThreadsVerify, CheckShardsEachOnAThread) {
  const TempDir dir;
  const zt::WriterOptions options = {.to = "2", .max_shard_size = std::uint64_t{4} << 20};
  zt::test::save_model(dir / "model.zt", options);
  const ManyThreads many;
  const zt::Source source = zt::open(dir / "model.zt", {.threads = 4});
  ASSERT_GT(source.files(), 2U);
  const zt::VerifyReport report = zt::check(source, {.names = {}, .shards = true});
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.shards.size(), source.files() - 1);
}

TEST(ThreadsConvert, WriteTheBytesThatOneWrites) {
  const TempDir dir;
  zt::test::save_model(dir / "in.zt", kPlain);
  const std::vector<std::filesystem::path> inputs = {dir / "in.zt"};
  zt::ConvertOptions options;
  options.recode = zt::Encoding::zstd(1);
  options.check_output = true;
  options.writer.threads = options.open.threads = 1;
  zt::convert(inputs, dir / "one.zt", options);
  options.writer.threads = options.open.threads = 4;
  const ManyThreads many;
  zt::convert(inputs, dir / "four.zt", options);
  EXPECT_TRUE(zt::test::read_file(dir / "four.zt") == zt::test::read_file(dir / "one.zt"));
}

// Bool bytes other than 0 and 1, which any thread may find.
TEST(ThreadsLosses, SeeThatBoolsAreNotClean) {
  const TempDir dir;
  std::vector<std::byte> flags = zt::test::model_bytes("data", zt::DType::boolean);
  flags[flags.size() - 7] = std::byte{2};
  std::vector<std::byte> file = zt::test::written({.checksum = zt::Checksum::none}, [&](zt::Writer& writer) {
    writer.add("odd", {.dtype = zt::DType::boolean, .shape = {flags.size()}, .data = flags.data()});
  });
  const std::uint64_t at = zt::test::open_bytes(file).tensor("odd").data().offset();
  std::copy(flags.begin(), flags.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  zt::test::write_file(dir / "odd.zt", {reinterpret_cast<const char*>(file.data()), file.size()});
  const std::vector<std::filesystem::path> inputs = {dir / "odd.zt"};
  zt::ConvertOptions options;
  options.open.threads = 4;
  options.writer.to = "2";
  options.writer.lossy = true;
  const ManyThreads many;
  const zt::ConvertReport report = zt::convert(inputs, dir / "clean.zt", options);
  ASSERT_EQ(report.losses.size(), 1U);
  flags[flags.size() - 7] = std::byte{1};
  EXPECT_TRUE(zt::open(dir / "clean.zt").tensor("odd").data().read() == flags);
}

TEST(ThreadsDequantize, GiveTheValuesThatOneGives) {
  std::vector<std::uint8_t> data(std::size_t{1} << 20);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i % 100);
  const std::vector<std::uint8_t> scales(data.size() / 32, 127);
  const zt::Shape shape = {1024, 1024};
  const std::vector<zt::PartView> parts = {
      {"data", {.dtype = zt::DType::i8, .shape = {data.size()}, .data = std::as_bytes(std::span(data)).data()}},
      {"scales",
       {.dtype = zt::DType::f8_e8m0, .shape = {scales.size()}, .data = std::as_bytes(std::span(scales)).data()}}};
  const zt::Value attributes = zt::Value::Map{{"block_size", 32}, {"scale_form", "e8m0_exponent"}};
  const auto file = zt::test::written(
      {}, [&](zt::Writer& writer) { writer.add_object("w", shape, "zt.mx/1", parts, {.attributes = attributes}); });
  const std::vector<float> one = zt::dequantize(zt::test::open_bytes(file, {.threads = 1}).tensor("w"));
  const ManyThreads many;
  const zt::Source source = zt::test::open_bytes(file, {.threads = 3});
  together(2, [&](std::size_t) { EXPECT_EQ(zt::dequantize(source.tensor("w")), one); });
}

}  // namespace
