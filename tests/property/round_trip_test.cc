// Tensors read back bit for bit, for any array, options and way of reading.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "many_threads.h"
#include "memory_file.h"
#include "random_array.h"
#include "temp_dir.h"

namespace {

using zt::test::Random;
using zt::test::RandomArray;

struct Added {
  std::string name;
  RandomArray array;
  zt::AddOptions options;
};

zt::Encoding random_encoding(Random& random) {
  static constexpr int kLevels[] = {1, 3, 9, 19};
  return random.chance(50) ? zt::Encoding::raw() : zt::Encoding::zstd(random.pick(kLevels));
}

zt::Checksum random_checksum(Random& random) {
  static constexpr zt::Checksum kAll[] = {zt::Checksum::none, zt::Checksum::crc32c, zt::Checksum::sha256};
  return random.pick(kAll);
}

zt::WriterOptions random_options(Random& random) {
  static constexpr std::uint64_t kAlignments[] = {0, 64, 128, 4096, 65536};
  zt::WriterOptions options;
  options.encoding = random_encoding(random);
  if (random.chance(70)) options.checksum = random_checksum(random);
  options.alignment = random.pick(kAlignments);
  options.attributes = random.attributes();
  return options;
}

std::vector<Added> random_tensors(Random& random) {
  std::vector<Added> tensors(random.below(5));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    tensors[i].name = std::to_string(i) + random.text(8);
    tensors[i].array = zt::test::random_array(random, random.dtype(), random.shape(6, 3000));
    tensors[i].options.attributes = random.attributes();
    if (random.chance(30)) tensors[i].options.encoding = random_encoding(random);
    if (random.chance(30)) tensors[i].options.checksum = random_checksum(random);
  }
  return tensors;
}

void add_all(zt::Writer& writer, const std::vector<Added>& tensors) {
  for (const Added& tensor : tensors) writer.add(tensor.name, tensor.array.view, tensor.options);
}

// A file does not store empty attributes.
zt::Value as_stored(const zt::Value& attributes) {
  return attributes.is_map() && attributes.members()->empty() ? zt::Value() : attributes;
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) { return std::ranges::equal(a, b); }

// Checks that every way to the bytes of a part gives `expected`. `file` is the whole file.
void expect_bytes(const zt::Part& part, const std::vector<std::byte>& expected, std::span<const std::byte> file,
                  bool mapped) {
  ASSERT_EQ(part.measure(), expected.size());
  EXPECT_TRUE(part.read() == expected);
  std::vector<std::byte> out(expected.size(), std::byte{0xEE});
  part.read_into(out, zt::Verify::always);
  EXPECT_TRUE(out == expected);
  if (part.encoding() != "raw") return;
  EXPECT_EQ(part.stored_length(), expected.size());
  EXPECT_TRUE(same(file.subspan(part.offset(), part.stored_length()), expected));
  if (!mapped) return;
  const zt::Bytes view = part.map();
  EXPECT_TRUE(same(view.view(), expected));
}

void expect_file(const zt::Source& source, const std::vector<Added>& tensors, const zt::WriterOptions& options,
                 std::span<const std::byte> file, bool mapped) {
  EXPECT_EQ(source.format(), "zt-1.2");
  EXPECT_EQ(source.size(), tensors.size());
  EXPECT_TRUE(source.attributes() == as_stored(options.attributes));
  const std::uint64_t alignment = std::max<std::uint64_t>(64, options.alignment);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    SCOPED_TRACE("tensor " + std::to_string(i));
    const Added& wanted = tensors[i];
    const zt::Tensor tensor = source[i];
    EXPECT_EQ(tensor.name(), wanted.name);
    EXPECT_EQ(tensor.dtype(), wanted.array.view.dtype);
    EXPECT_TRUE(std::ranges::equal(tensor.shape(), wanted.array.view.shape));
    EXPECT_TRUE(tensor.attributes() == wanted.options.attributes);
    EXPECT_EQ(tensor.data().offset() % alignment, 0U);
    expect_bytes(tensor.data(), wanted.array.expected, file, mapped);
  }
  const zt::VerifyReport report = zt::check(source);
  EXPECT_TRUE(report.findings.empty()) << report.findings[0].error.what();
  EXPECT_EQ(report.checked.size() + report.undigested.size(), tensors.size());
}

TEST(RoundTrip, WhatGoesInComesOutToTheBit) {
  const zt::test::ManyThreads many;
  Random random(1);
  const zt::test::TempDir folder;
  for (int round = 0; round < zt::test::rounds(600); ++round) {
    SCOPED_TRACE(random.name() + ", round " + std::to_string(round));
    zt::WriterOptions options = random_options(random);
    const std::vector<Added> tensors = random_tensors(random);
    options.threads = 1;
    const auto file = zt::test::written(options, [&](zt::Writer& writer) { add_all(writer, tensors); });
    options.threads = 4;
    const auto again = zt::test::written(options, [&](zt::Writer& writer) { add_all(writer, tensors); });
    ASSERT_TRUE(file == again) << "the same tensors and options gave other bytes";
    expect_file(zt::test::open_bytes(file, {.threads = 4}), tensors, options, file, true);
    if (round % 8 == 0) {
      zt::Writer writer = zt::Writer::create(folder / "a.zt", options);
      add_all(writer, tensors);
      writer.finalize();
      for (const zt::Backend backend : {zt::Backend::mmap, zt::Backend::read}) {
        const zt::Source source = zt::open(folder / "a.zt", {.backend = backend});
        expect_file(source, tensors, options, file, backend == zt::Backend::mmap);
      }
    }
    if (HasFailure()) return;  // once is enough
  }
}

TEST(RoundTrip, EveryDtypeKeepsEveryBitPattern) {
  Random random(2);
  SCOPED_TRACE(random.name());
  for (unsigned i = 0; i < zt::kDTypeCount; ++i) {
    const auto dtype = static_cast<zt::DType>(i);
    SCOPED_TRACE(std::string(zt::dtype_name(dtype)));
    // All 16-bit words: every half, bfloat16, byte, pair of float4 and high word of a double.
    std::vector<std::byte> data(65536 * 2 * std::max<std::size_t>(1, zt::dtype_bits(dtype) / 16));
    for (std::size_t at = 0; at < data.size(); ++at) {
      const std::size_t word = at / (data.size() / 65536);
      data[at] = static_cast<std::byte>(at % 2 == 0 ? word & 0xFF : word >> 8);
    }
    const zt::Shape shape = {data.size() * 8 / zt::dtype_bits(dtype)};
    const zt::ArrayView view{.dtype = dtype, .shape = shape, .data = data.data()};
    auto expected = data;
    if (dtype == zt::DType::boolean) {  // has two values
      for (std::byte& byte : expected) byte = std::byte(byte != std::byte{0});
    }
    for (const zt::Encoding encoding : {zt::Encoding::raw(), zt::Encoding::zstd(1)}) {
      const auto file = zt::test::written({.encoding = encoding}, [&](zt::Writer& writer) { writer.add("w", view); });
      const zt::Source source = zt::test::open_bytes(file);
      EXPECT_EQ(source.tensor("w").dtype(), dtype);
      EXPECT_TRUE(source.tensor("w").data().read() == expected);
      EXPECT_TRUE(zt::check(source).findings.empty());
    }
  }
}

TEST(RoundTrip, ObjectsOfAnyLayoutAndRolesComeBack) {
  Random random(3);
  for (int round = 0; round < zt::test::rounds(100); ++round) {
    SCOPED_TRACE(random.name() + ", round " + std::to_string(round));
    std::map<std::string, RandomArray> parts;
    for (std::uint64_t left = random.below(5); left > 0; --left) {
      parts[random.text(5)] = zt::test::random_array(random, random.dtype(), random.shape(3, 200));
    }
    std::vector<zt::PartView> views;
    for (const auto& [role, array] : parts) views.push_back({role, array.view});
    const zt::Shape shape = random.shape(4, 1000);
    const zt::AddOptions options{
        .encoding = random_encoding(random), .checksum = {}, .attributes = random.attributes()};
    const auto file = zt::test::written(
        {}, [&](zt::Writer& writer) { writer.add_object("object", shape, "acme.group", views, options); });
    const zt::Source source = zt::test::open_bytes(file);
    const zt::Tensor tensor = source.tensor("object");
    EXPECT_EQ(tensor.layout(), "acme.group");
    EXPECT_TRUE(std::ranges::equal(tensor.shape(), shape));
    EXPECT_TRUE(tensor.attributes() == options.attributes);
    ASSERT_EQ(tensor.parts(), parts.size());
    for (const auto& [role, array] : parts) {
      EXPECT_EQ(tensor.part(role).dtype(), array.view.dtype);
      expect_bytes(tensor.part(role), array.expected, file, true);
    }
    EXPECT_TRUE(zt::check(source).findings.empty());
    if (HasFailure()) return;
  }
}

}  // namespace
