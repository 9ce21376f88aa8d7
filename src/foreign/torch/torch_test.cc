#include "foreign/torch/torch.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/utf8.h"
#include "foreign/torch/geometry.h"
#include "ztensor/error.h"

namespace zt::foreign::torch {
namespace {

MemoryStore store_of(std::string_view bytes) {
  return MemoryStore(std::vector<std::byte>(as_bytes(bytes).begin(), as_bytes(bytes).end()));
}

constexpr std::string_view kLegacy = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.";

TEST(TorchSniff, KnowsArchivesAndStreams) {
  EXPECT_TRUE(sniff(store_of(kLegacy), ""));
  EXPECT_TRUE(
      sniff(store_of("\x80\x04\x95" + std::string("\x0D\0\0\0\0\0\0\0", 8) + std::string(kLegacy.substr(2))), ""));
  EXPECT_TRUE(sniff(store_of("PK\x03\x04" + std::string(30, ' ')), "model.bin"));  // decode() then reports the fault
}

TEST(TorchSniff, CallsOtherContentFalse) {
  EXPECT_FALSE(sniff(store_of(""), "model.pt"));
  EXPECT_FALSE(sniff(store_of("\x80"), ""));
  EXPECT_FALSE(sniff(store_of("\x80\x02}."), ""));
  EXPECT_FALSE(sniff(store_of(kLegacy.substr(0, 14)), ""));
  EXPECT_FALSE(sniff(store_of("PK\x05\x06" + std::string(18, '\0')), ""));  // an archive without files, as of npz
}

TEST(TorchDecode, RefusesOtherContent) {
  try {
    decode(store_of("\x80\x02}."), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::malformed);
    EXPECT_STREQ(error.rule(), "torch.format");
  }
}

pickle::TensorRecord record(std::uint64_t offset, std::vector<std::uint64_t> size, std::vector<std::uint64_t> stride) {
  pickle::TensorRecord tensor;
  tensor.offset = offset;
  tensor.size = std::move(size);
  tensor.stride = std::move(stride);
  tensor.dtype = DType::f32;
  return tensor;
}

// The length of the tensor, or the rule that it breaks in a storage of so many bytes.
std::string outcome(const pickle::TensorRecord& tensor, std::uint64_t storage) {
  try {
    return std::to_string(Geometry(tensor, {}).check(storage));
  } catch (const Error& error) {
    return error.rule();
  }
}

TEST(TorchGeometry, ChecksThatAllElementsAreInTheStorage) {
  EXPECT_EQ(outcome(record(0, {2, 3}, {3, 1}), 24), "24");
  EXPECT_EQ(outcome(record(0, {2, 3}, {3, 1}), 23), "torch.tensor.bounds");
  EXPECT_EQ(outcome(record(5, {}, {}), 24), "4");
  EXPECT_EQ(outcome(record(6, {}, {}), 24), "torch.tensor.bounds");
  EXPECT_EQ(outcome(record(6, {0, 3}, {3, 1}), 24), "0");
  EXPECT_EQ(outcome(record(7, {0, 3}, {3, 1}), 24), "torch.tensor.bounds");
  EXPECT_EQ(outcome(record(0, {1, 3}, {std::uint64_t{1} << 62, 1}), 12), "12");  // a stride that is never used
  EXPECT_EQ(outcome(record(0, {3, 1}, {std::uint64_t{1} << 63, 1}), 12), "torch.tensor.bounds");
}

TEST(TorchGeometry, BoundsWhatAnExpandedTensorTakes) {
  constexpr std::uint64_t kFree = std::uint64_t{16} << 20;  // elements of 64 MiB
  EXPECT_EQ(outcome(record(0, {kFree}, {0}), 4), std::to_string(4 * kFree));
  EXPECT_EQ(outcome(record(0, {kFree + 1}, {0}), 4), "torch.tensor.expanded");
  EXPECT_EQ(outcome(record(0, {4, kFree}, {0, 1}), 4 * kFree), std::to_string(16 * kFree));
  EXPECT_EQ(outcome(record(0, {5, kFree}, {0, 1}), 4 * kFree), "torch.tensor.expanded");
  Limits limits;
  limits.decoded_bytes = 8;
  EXPECT_THROW((void)Geometry(record(0, {3}, {1}), limits).check(12), Error);
}

TEST(TorchGeometry, TellsRowMajorOrder) {
  const auto contiguous = [](std::vector<std::uint64_t> size, std::vector<std::uint64_t> stride) {
    return Geometry(record(0, std::move(size), std::move(stride)), {}).is_contiguous();
  };
  EXPECT_TRUE(contiguous({}, {}));
  EXPECT_TRUE(contiguous({2, 3}, {3, 1}));
  EXPECT_TRUE(contiguous({2, 1, 3}, {3, 99, 1}));
  EXPECT_FALSE(contiguous({2, 3}, {1, 2}));
  EXPECT_FALSE(contiguous({2, 3}, {6, 2}));
  EXPECT_FALSE(contiguous({2, 3}, {0, 1}));
}

}  // namespace
}  // namespace zt::foreign::torch
