#include "read/fetcher.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace zt::read {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kKiB = 1024;

// Reads of these regions, into memory that is not checked.
std::vector<ReadAt> reads_of(const std::vector<Region>& regions, Bytes& memory) {
  memory.resize(std::size_t{4} << 20);
  std::vector<ReadAt> reads;
  for (const Region& region : regions) reads.push_back({region.offset, std::span(memory).first(region.length)});
  return reads;
}

std::vector<Region> requests_of(const std::vector<Region>& regions, std::uint64_t cost) {
  Bytes memory;
  std::vector<Region> bytes;
  for (const Request& request : plan_requests(reads_of(regions, memory), cost)) bytes.push_back(request.bytes);
  return bytes;
}

using Regions = std::vector<Region>;

TEST(PlanRequests, JoinsReadsWithSmallGaps) {
  EXPECT_EQ(requests_of({}, 100), Regions{});
  EXPECT_EQ(requests_of({{5, 10}, {20, 10}, {200, 1}}, 100), (Regions{{5, 25}, {200, 1}}));
  EXPECT_EQ(requests_of({{5, 10}, {15, 10}}, 0), (Regions{{5, 10}, {15, 10}})) << "where requests cost nothing";
}

TEST(PlanRequests, JoinsReadsOfTheSameBytes) {
  EXPECT_EQ(requests_of({{5, 10}, {5, 10}, {8, 20}}, 0), (Regions{{5, 23}}));
}

TEST(PlanRequests, LeavesLargeReadsByThemselves) {
  EXPECT_EQ(requests_of({{0, 300 * kKiB}, {300 * kKiB, 10}}, kKiB), (Regions{{0, 300 * kKiB}, {300 * kKiB, 10}}));
  EXPECT_EQ(requests_of({{0, 10}, {10, 300 * kKiB}}, kKiB), (Regions{{0, 10}, {10, 300 * kKiB}}));
}

TEST(PlanRequests, NeverAsksForMoreThanAMegabyteAtOnce) {
  std::vector<Region> many;
  for (std::uint64_t i = 0; i < 100; ++i) many.push_back({i * 50 * kKiB, 10});
  for (const Region& request : requests_of(many, 64 * kKiB)) EXPECT_LE(request.length, 1024 * kKiB);
}

// Counts requests, each of which costs as much as `cost` bytes.
class DearStore final : public ByteStore {
 public:
  DearStore(Bytes bytes, std::uint64_t cost) : memory_(std::move(bytes)), cost_(cost) {}
  std::uint64_t size() const override { return memory_.size(); }
  std::uint64_t request_cost() const override { return cost_; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    ++requests;
    memory_.read_at(offset, out);
  }
  mutable int requests = 0;

 private:
  MemoryStore memory_;
  std::uint64_t cost_;
};

Bytes counted(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

TEST(Fetcher, FillsEachReadWhateverTheRequestsAre) {
  const Bytes bytes = counted(std::size_t{6} << 20);
  for (const std::uint64_t cost : {std::uint64_t{0}, std::uint64_t{64}, std::uint64_t{1} << 20}) {
    const DearStore store(bytes, cost);
    std::vector<Bytes> outs;
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t at = 3; at + 200 < bytes.size(); at += 40 + at % 999) {
      offsets.push_back(at);
      outs.emplace_back(static_cast<std::size_t>(at % 50));
    }
    std::vector<ReadAt> reads;
    for (std::size_t i = 0; i < outs.size(); ++i) reads.push_back({offsets[i], outs[i]});
    Fetcher(store).fetch(reads);
    for (std::size_t i = 0; i < outs.size(); ++i) {
      const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(offsets[i]);
      ASSERT_TRUE(std::equal(outs[i].begin(), outs[i].end(), from)) << cost << " " << i;
    }
    if (cost == std::uint64_t{1} << 20) {
      EXPECT_LE(store.requests, 7);
    }
  }
}

}  // namespace
}  // namespace zt::read
