#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "deflated.h"
#include "errors.h"
#include "foreign/numpy/numpy.h"
#include "foreign/zip/headers.h"
#include "hash/crc32.h"
#include "memory_file.h"
#include "random.h"
#include "ztensor/ztensor.h"

namespace zt::foreign::numpy {
namespace {

using Data = std::vector<std::byte>;

// A store that counts the bytes that are read.
class CountingStore final : public ByteStore {
 public:
  explicit CountingStore(Data bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    read_ += out.size();
    bytes_.read_at(offset, out);
  }
  std::uint64_t request_cost() const override { return 0; }
  std::uint64_t read() const { return read_; }

 private:
  MemoryStore bytes_;
  mutable std::uint64_t read_ = 0;
};

// An npz file with the tensor "w" of floats, as we write it.
Data written(std::size_t floats) {
  std::vector<float> values(floats);
  std::iota(values.begin(), values.end(), 0.F);
  return test::written({.to = "npz"}, [&](Writer& writer) { writer.add("w", {floats}, std::span(values)); });
}

void put(Data& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

// An archive of deflated members of equal content: "0.npy", "1.npy" and so on.
Data deflated_archive(const Data& content, std::size_t count = 1) {
  const Data stored = test::deflated(content);
  const auto common = [&](Data& out, const std::string& name) {
    put(out, 20, 2);
    put(out, 0, 2);
    put(out, zip::kDeflated, 2);
    put(out, 0, 4);
    put(out, hash::crc32(content), 4);
    put(out, stored.size(), 4);
    put(out, content.size(), 4);
    put(out, name.size(), 2);
  };
  Data out, entries;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = std::to_string(i) + ".npy";
    put(entries, zip::kCentralMagic, 4);
    put(entries, 20, 2);
    common(entries, name);
    entries.resize(entries.size() + 12);  // no extra field and no comment
    put(entries, out.size(), 4);
    for (const char c : name) put(entries, static_cast<unsigned char>(c), 1);
    put(out, zip::kLocalMagic, 4);
    common(out, name);
    put(out, 0, 2);
    for (const char c : name) put(out, static_cast<unsigned char>(c), 1);
    out.insert(out.end(), stored.begin(), stored.end());
  }
  const std::size_t directory = out.size();
  out.insert(out.end(), entries.begin(), entries.end());
  put(out, zip::kEndMagic, 4);
  put(out, 0, 4);
  put(out, count, 2);
  put(out, count, 2);
  put(out, entries.size(), 4);
  put(out, directory, 4);
  put(out, 0, 2);
  return out;
}

// An npy file with a header of `length` bytes, version 2.
Data npy_with_header(std::size_t length) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }";
  text.resize(length - 13, ' ');
  text += "\n";
  Data out;
  for (const char c : std::string_view("\x93NUMPY\x02\0", 8)) put(out, static_cast<unsigned char>(c), 1);
  put(out, text.size(), 4);
  out.insert(out.end(), as_bytes(text).begin(), as_bytes(text).end());
  return out;
}

Data npy_of(std::size_t floats, char fill) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(floats) + ",), }";
  text.resize(117, ' ');
  text = std::string("\x93NUMPY\x01\0\x76\0", 10) + text + "\n";
  Data out(as_bytes(text).begin(), as_bytes(text).end());
  out.resize(out.size() + 4 * floats, static_cast<std::byte>(fill));
  return out;
}

TEST(Npz, OpeningReadsTheDirectoryAndTheHeadersAndNothingElse) {
  const CountingStore store(written(1 << 20));
  const model::Catalog catalog = decode_npz(store, {});
  EXPECT_EQ(catalog.size(), 1U);
  EXPECT_LT(store.read(), 70000U) << "the end record may lie before a comment of 64 KiB";
}

TEST(Npz, OpeningInflatesNoMoreThanTheHeader) {
  Data content = npy_of(1 << 20, 7);
  const Data elements = test::Random(1).bytes(4 << 20);
  std::ranges::copy(elements, content.begin() + 128);
  const CountingStore store(deflated_archive(content));
  const model::Catalog catalog = decode_npz(store, {});
  const model::PartRow& part = catalog.part(0);
  EXPECT_EQ(part.recipe.decoded_length, 4U << 20);
  EXPECT_EQ(part.recipe.coding.codec, Codec::deflate);
  EXPECT_EQ(catalog.view(part.recipe.view).start, 128U);
  EXPECT_LT(store.read(), 80000U);
}

TEST(Npz, HeadersThatAreLongerThanUsualHaveOneLimit) {
  constexpr std::size_t kLong = 60'000, kMost = (4 << 20) / kLong;
  const auto rules_of = [](std::size_t count) {
    const model::Catalog catalog = decode_npz(MemoryStore(deflated_archive(npy_with_header(kLong), count)), {});
    std::vector<std::string> rules;
    for (std::uint32_t row = 0; row < catalog.size(); ++row) {
      const model::Fault* fault = catalog.fault(catalog.tensor(row).fault);
      if (fault != nullptr) rules.emplace_back(fault->rule);
    }
    return rules;
  };
  EXPECT_EQ(rules_of(kMost), std::vector<std::string>());
  EXPECT_EQ(rules_of(kMost + 2), std::vector<std::string>(2, "npz.headers.limit"));
}

TEST(Npz, ADeflatedMemberIsReadAndSlicedAndItsDigestChecked) {
  const Source source = test::open_bytes(deflated_archive(npy_of(1 << 20, 7)));
  const Tensor tensor = source.tensor("0");
  const Data all = tensor.data().read(Verify::always);
  EXPECT_EQ(all, Data(4U << 20, std::byte{7}));
  EXPECT_EQ(tensor.data().digest().substr(0, 6), "crc32:");
  EXPECT_TRUE(zt::check(source).findings.empty());
  EXPECT_EQ(test::code_of([&] { (void)tensor.data().map(); }), Code::unsupported);
}

TEST(Npz, ADigestOfElementsFollowsFromThatOfTheMember) {
  const Source source = test::open_bytes(written(1000));
  const Data elements = source.tensor("w").data().read(Verify::always);
  char text[16];
  std::snprintf(text, sizeof text, "crc32:%08x", hash::crc32(elements));
  EXPECT_EQ(source.tensor("w").data().digest(), text);
}

TEST(Npz, OnlyAnArchiveWithArraysIsOne) {
  EXPECT_TRUE(sniff_npz(MemoryStore(written(1)), ""));
  EXPECT_FALSE(sniff_npz(MemoryStore(Data(100)), "a.npz"));
  EXPECT_FALSE(sniff_npz(MemoryStore(Data()), ""));
  const Data none = test::written({.to = "npz"}, [](Writer&) {});
  EXPECT_FALSE(sniff_npz(MemoryStore(none), ""));
  EXPECT_TRUE(sniff_npz(MemoryStore(none), "a.npz")) << "np.savez() without arrays makes such a file";
  EXPECT_EQ(decode_npz(MemoryStore(none), {}).size(), 0U);
}

// The parts around members of any size, for files that no test can write.
struct Plan {
  model::Catalog catalog;
  std::uint64_t end = 0;

  std::uint64_t add(const std::string& name, std::uint64_t bytes) {
    const std::vector<std::uint64_t> shape = {bytes};
    const model::Member member{.name = name, .shape = shape, .dtype = DType::u8, .length = bytes};
    const std::uint64_t offset = end + kNpzEncoder.archive->front(member, end).size();
    catalog.add_tensor(name, shape, "dense", {});
    catalog.add_part("data", DType::u8, {.offset = offset, .stored_length = bytes, .decoded_length = bytes},
                     "crc32:00000000");
    end = offset + bytes + kNpzEncoder.archive->back(member, 0).size();
    return offset;
  }
};

TEST(NpzEncoder, ElementsBeginAtMultiplesOf64) {
  Plan plan;
  for (const std::uint64_t bytes : {1U, 63U, 64U, 65U, 1000U}) {
    EXPECT_EQ(plan.add("name" + std::to_string(bytes), bytes) % 64, 0U);
  }
}

TEST(NpzEncoder, Zip64IsUsedOnlyWhereALengthOrAnOffsetNeedsIt) {
  constexpr std::uint64_t kFull = 0xFFFFFFFF;
  Plan plan;
  plan.add("small", 10);
  plan.add("below", kFull - 129);  // and a header of 128 bytes
  plan.add("large", kFull - 128);
  plan.add("after", 10);
  const Data directory = kNpzEncoder.manifest(plan.catalog);
  std::vector<std::uint16_t> extras;
  for (std::size_t at = 0; at < directory.size();) {
    extras.push_back(zip::u16(directory, at + 30));
    at += zip::kCentralBytes + zip::u16(directory, at + 28) + extras.back();
  }
  EXPECT_EQ(extras, (std::vector<std::uint16_t>{0, 0, 4 + 16 + 8, 4 + 8}));
  EXPECT_EQ(kNpzEncoder.footer(1000, directory).size(), 22U);
  EXPECT_EQ(kNpzEncoder.footer(kFull, directory).size(), 22U + 20 + 56);
}

TEST(NpzEncoder, ZipsOfManyMembersAreReadBack) {
  const Data bytes = test::written({.to = "npz"}, [](Writer& writer) {
    for (int i = 0; i < 66000; ++i) writer.add(std::to_string(i), {1}, std::vector<std::uint8_t>{1});
  });
  EXPECT_EQ(decode_npz(MemoryStore(bytes), {}).size(), 66000U);
}

}  // namespace
}  // namespace zt::foreign::numpy
