#include "ztensor/prefetch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>

#include "child.h"
#include "errors.h"
#include "many_threads.h"
#include "memory_file.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

constexpr std::size_t kItems = 10;
constexpr std::size_t kElements = 1 << 16;
constexpr std::uint64_t kBytes = kElements * sizeof(float);

std::vector<float> elements(std::size_t tensor) {
  std::vector<float> values(kElements);
  std::iota(values.begin(), values.end(), static_cast<float>(1000 * tensor));
  return values;
}

// kItems tensors "t0", "t1", ... of kBytes each, in this order.
std::vector<std::byte> model(const AddOptions& options = {}) {
  return test::written({}, [&](Writer& writer) {
    for (std::size_t i = 0; i < kItems; ++i) writer.add("t" + std::to_string(i), {256, 256}, elements(i), options);
  });
}

// A store that calls `watch` with the offset of each read after opening.
class WatchedStore final : public ByteStore {
 public:
  explicit WatchedStore(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (watch) watch(offset);
    bytes_.read_at(offset, out);
  }
  std::function<void(std::uint64_t offset)> watch;  // set it while nobody reads

 private:
  MemoryStore bytes_;
};

struct Watched {
  std::shared_ptr<WatchedStore> store;
  Source source;
  // The number of the tensor whose bytes begin at an offset or before it.
  std::size_t tensor_at(std::uint64_t offset) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < kItems; ++i) {
      if (source[i].data().offset() <= offset) found = i;
    }
    return found;
  }
};
Watched watched(const OpenOptions& options = {}) {
  auto store = std::make_shared<WatchedStore>(model());
  Source source = open(store, "watched.zt", options);
  return {std::move(store), std::move(source)};
}

std::vector<PrefetchItem> all_of(const Source& source) {
  std::vector<PrefetchItem> items;
  for (const Tensor tensor : source) items.push_back({tensor});
  return items;
}

std::vector<float> floats(const Prefetched& found) {
  found.check();
  const auto* first = reinterpret_cast<const float*>(found.memory.bytes.data());
  return {first, first + found.memory.bytes.size() / sizeof(float)};
}

Code code_of_failure(const Prefetched& found) {
  return test::code_of([&] { found.check(); });
}

TEST(Prefetch, HandsOutEachItemOnceInTheOrderOfStoredBytes) {
  const Source source = test::open_bytes(model());
  std::vector<PrefetchItem> items = all_of(source);
  items = std::vector<PrefetchItem>(items.rbegin(), items.rend());
  Prefetch prefetch(items, {.threads = 1});
  EXPECT_EQ(prefetch.left(), kItems);
  for (std::size_t i = 0; i < kItems; ++i) {
    const auto found = prefetch.next();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->index, kItems - 1 - i);
    EXPECT_EQ(floats(*found), elements(i));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(found->memory.bytes.data()) % 64, 0U);
  }
  EXPECT_EQ(prefetch.left(), 0U);
  EXPECT_FALSE(prefetch.next());
  EXPECT_FALSE(prefetch.try_next());
}

TEST(Prefetch, ReadsWhatASelectionSelects) {
  for (const AddOptions& options : {AddOptions{}, AddOptions{.encoding = Encoding::zstd(1)}}) {
    const Source source = test::open_bytes(model(options));
    const std::vector<Selection> selections = {
        {}, {rows(3, 7)}, {all(), at(5)}, {stepped(255, 256, -1), rows(1, 3)}, {rows(9, 9)}, {listed({4, 1}), at(0)}};
    std::vector<PrefetchItem> items;
    for (const Selection& selection : selections) items.push_back({source.tensor("t4"), selection});
    Prefetch prefetch(items);
    for (std::size_t i = 0; i < selections.size(); ++i) {
      EXPECT_EQ(floats(prefetch.take(i)), source.tensor("t4").read_slice<float>(selections[i]));
    }
  }
}

TEST(Prefetch, ReadsNoMoreAheadThanAsked) {
  const Watched from = watched();
  std::atomic<std::size_t> asked = 0;  // calls of next(), so at least the items that were handed out
  std::atomic<bool> exceeded = false;
  from.store->watch = [&](std::uint64_t offset) {
    if (from.tensor_at(offset) >= asked + 3) exceeded = true;
  };
  Prefetch prefetch(all_of(from.source), {.ahead = 3 * kBytes, .threads = 2});
  for (std::size_t i = 0; i < kItems; ++i) {
    ++asked;
    EXPECT_TRUE(prefetch.next());
  }
  EXPECT_FALSE(exceeded);
}

TEST(Prefetch, ReadsAnItemThatIsLargerThanTheBoundAlone) {
  const Source source = test::open_bytes(model());
  for (const std::uint64_t ahead : {std::uint64_t{0}, kBytes - 1}) {
    Prefetch prefetch(all_of(source), {.ahead = ahead, .threads = 3});
    for (std::size_t i = 0; i < kItems; ++i) EXPECT_EQ(prefetch.next()->index, i);
  }
}

TEST(Prefetch, TakesAnItemThoughTheBoundIsReached) {
  const Source source = test::open_bytes(model());
  Prefetch prefetch(all_of(source), {.ahead = kBytes, .threads = 2});
  for (std::size_t i = kItems; i-- > 0;) EXPECT_EQ(floats(prefetch.take(i)), elements(i));
  EXPECT_FALSE(prefetch.next());
}

TEST(Prefetch, HandsOutNoItemTwice) {
  const Source source = test::open_bytes(model());
  Prefetch prefetch(all_of(source));
  EXPECT_EQ(prefetch.take(4).index, 4U);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(prefetch.take(4)); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(prefetch.take(kItems)); }), Code::not_found);
  std::size_t count = 0;
  while (const auto found = prefetch.next()) {
    EXPECT_NE(found->index, 4U);
    ++count;
  }
  EXPECT_EQ(count, kItems - 1);
}

TEST(Prefetch, HandsOutAnErrorInThePlaceOfItsTensor) {
  std::vector<std::byte> bytes = model();
  const std::uint64_t offset = test::open_bytes(bytes).tensor("t3").data().offset();
  bytes[offset] ^= std::byte{1};
  const Source source = test::open_bytes(bytes);
  Prefetch prefetch(all_of(source));
  std::size_t good = 0;
  while (const auto found = prefetch.next()) {
    if (found->index == 3) {
      EXPECT_EQ(code_of_failure(*found), Code::mismatch);
      EXPECT_NE(std::string(test::error_of([&] { found->check(); }).what()).find("tensor 't3'"), std::string::npos);
    } else {
      EXPECT_EQ(floats(*found), elements(found->index));
      ++good;
    }
  }
  EXPECT_EQ(good, kItems - 1);
  Prefetch unchecked(all_of(source), {.verify = Verify::never});
  EXPECT_EQ(floats(unchecked.take(3)).size(), kElements);
}

TEST(Prefetch, HandsOutWhatIsWrongWithAnItem) {
  const Source source = test::open_bytes(test::written({}, [](Writer& writer) {
    writer.add("dense", {2}, std::vector<float>{1, 2});
    writer.add_csr("csr", {1, 2}, std::vector<float>{1}, std::vector<std::int32_t>{0}, std::vector<std::int32_t>{0, 1});
    writer.add("empty", {0, 3}, std::vector<float>{});
  }));
  Prefetch prefetch({{source.tensor("csr")}, {source.tensor("dense"), Selection{at(2)}}, {source.tensor("empty")}});
  EXPECT_EQ(code_of_failure(prefetch.take(0)), Code::usage);
  EXPECT_EQ(code_of_failure(prefetch.take(1)), Code::usage);
  EXPECT_TRUE(floats(prefetch.take(2)).empty());
}

TEST(Prefetch, PassesOnWhatTheStoreThrows) {
  const Watched from = watched();
  const std::uint64_t bad = from.source[5].data().offset();
  from.store->watch = [bad](std::uint64_t offset) {
    if (offset == bad) throw std::runtime_error("the store is gone");
  };
  Prefetch prefetch(all_of(from.source));
  EXPECT_THROW(prefetch.take(5).check(), std::runtime_error);
  for (std::size_t i = 1; i < kItems; ++i) EXPECT_EQ(floats(prefetch.next().value()).size(), kElements);
}

TEST(Prefetch, ReadsInTheCallerIfAsked) {
  const Watched from = watched();
  const auto self = std::this_thread::get_id();
  std::size_t reads = 0;
  bool alone = true;
  from.store->watch = [&](std::uint64_t) {
    ++reads;
    alone = alone && std::this_thread::get_id() == self;
  };
  Prefetch prefetch(all_of(from.source), {.in_background = false});
  EXPECT_EQ(reads, 0U);
  EXPECT_FALSE(prefetch.try_next());
  EXPECT_EQ(floats(prefetch.take(7)), elements(7));
  EXPECT_EQ(prefetch.next()->index, 0U);
  std::size_t count = 2;
  while (prefetch.next()) ++count;
  EXPECT_EQ(count, kItems);
  EXPECT_TRUE(alone);
}

TEST(Prefetch, StopsAWaitAndGoesOn) {
  const Watched from = watched();
  std::atomic<bool> open = false;
  from.store->watch = [&](std::uint64_t) { open.wait(false); };
  Prefetch prefetch(all_of(from.source), {.threads = 1});
  const Progress stop = [](std::uint64_t, std::uint64_t) { return false; };
  EXPECT_EQ(test::code_of([&] { static_cast<void>(prefetch.next(stop)); }), Code::cancelled);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(prefetch.take(8, stop)); }), Code::cancelled);
  EXPECT_FALSE(prefetch.try_next());
  open = true;
  open.notify_all();
  EXPECT_EQ(floats(prefetch.take(8)), elements(8));
  EXPECT_EQ(prefetch.left(), kItems - 1);
}

TEST(Prefetch, RefusesCallsAfterItIsClosed) {
  const Source source = test::open_bytes(model());
  Prefetch prefetch(all_of(source));
  EXPECT_TRUE(prefetch.next());
  prefetch.close();
  prefetch.close();
  EXPECT_EQ(prefetch.left(), kItems - 1);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(prefetch.next()); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(prefetch.try_next()); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(prefetch.take(1)); }), Code::usage);
  Prefetch empty({});
  EXPECT_FALSE(empty.next());
  empty.close();
  EXPECT_FALSE(empty.next());
}

TEST(Prefetch, BelongsToTheProcessThatMadeIt) {
  ZT_POSIX_ONLY("fork");
  const Watched from = watched();
  std::atomic<bool> open = false;
  from.store->watch = [&](std::uint64_t) { open.wait(false); };
  auto prefetch = std::make_unique<Prefetch>(all_of(from.source), PrefetchOptions{.threads = 2});
  EXPECT_TRUE(test::in_child([&] {
    const bool refused = test::code_of([&] { static_cast<void>(prefetch->next()); }) == Code::usage &&
                         test::code_of([&] { static_cast<void>(prefetch->try_next()); }) == Code::usage &&
                         test::code_of([&] { static_cast<void>(prefetch->take(0)); }) == Code::usage &&
                         test::code_of([&] { static_cast<void>(prefetch->left()); }) == Code::usage;
    prefetch->close();
    prefetch.reset();
    return refused;
  }));
  open = true;
  open.notify_all();
  EXPECT_EQ(prefetch->next()->memory.bytes.size(), kBytes);
}

TEST(ThreadsPrefetch, CloseWakesThoseThatWait) {
  const Watched from = watched();
  std::atomic<bool> open = false;
  from.store->watch = [&](std::uint64_t) { open.wait(false); };
  Prefetch prefetch(all_of(from.source), {.threads = 2});
  std::atomic<int> woken = 0;
  test::together(4, [&](std::size_t thread) {
    if (thread == 0) {
      prefetch.close();  // waits for the reads that have begun
      return;
    }
    const auto wait = [&] { static_cast<void>(thread == 1 ? prefetch.take(9) : prefetch.next().value()); };
    EXPECT_EQ(test::code_of(wait), Code::usage);
    if (++woken != 3) return;
    open = true;
    open.notify_all();
  });
}

TEST(ThreadsPrefetch, HandOutEachItemToOneThread) {
  const Source source = test::open_bytes(model({.encoding = Encoding::zstd(1)}));
  for (int round = 0; round < 5; ++round) {
    Prefetch prefetch(all_of(source), {.ahead = 2 * kBytes, .threads = 3});
    std::vector<std::atomic<int>> handed(kItems);
    test::together(4, [&](std::size_t thread) {
      const auto keep = [&](const Prefetched& found) {
        EXPECT_EQ(floats(found), elements(found.index));
        ++handed[found.index];
      };
      for (std::size_t i = thread; i < kItems && thread < 2; i += 2) {
        try {
          keep(prefetch.take(i));
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Code::usage);  // handed out to another thread
        }
      }
      while (const auto found = prefetch.next()) keep(*found);
    });
    for (const auto& times : handed) EXPECT_EQ(times, 1);
  }
}

TEST(ThreadsPrefetch, EndAtAnyMoment) {
  const Source source = test::open_bytes(model());
  for (std::size_t taken = 0; taken < kItems; ++taken) {
    Prefetch prefetch(all_of(source), {.ahead = taken * kBytes, .threads = 3});
    for (std::size_t i = 0; i < taken; ++i) EXPECT_TRUE(prefetch.next());
  }
}

// Pieces of one tensor are read side by side, also where its digest must be computed in order.
TEST(ThreadsPrefetchItem, AreSharedByAllThreads) {
  constexpr std::size_t kLarge = (std::size_t{5} << 20) + 3;
  std::vector<std::uint8_t> data(kLarge);
  for (std::size_t i = 0; i < kLarge; ++i) data[i] = static_cast<std::uint8_t>(i * i / 1000);
  const auto bytes = test::written({.to = "2", .canonical = false}, [&](Writer& writer) {
    writer.add("raw", {kLarge}, data);
    writer.add("zstd", {kLarge}, data, {.encoding = Encoding::zstd(1)});
  });
  const Source source = test::open_bytes(bytes);
  Prefetch prefetch({{source.tensor("raw")}, {source.tensor("zstd")}, {source.tensor("raw"), Selection{rows(1, 9)}}},
                    {.threads = 4, .verify = Verify::always});
  std::size_t sum = 0;
  while (const auto found = prefetch.next()) {
    found->check();
    const auto* first = reinterpret_cast<const std::uint8_t*>(found->memory.bytes.data());
    const std::size_t skipped = found->index == 2 ? 1 : 0;
    EXPECT_TRUE(std::equal(first, first + found->memory.bytes.size(), data.data() + skipped));
    sum += found->memory.bytes.size();
  }
  EXPECT_EQ(sum, 2 * kLarge + 8);
}

}  // namespace
}  // namespace zt
