#include "ztensor/device.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>

#include "child.h"
#include "device/context.h"
#include "device/copier.h"
#include "device/ring.h"
#include "errors.h"
#include "many_threads.h"
#include "memory_file.h"
#include "stand_in.h"
#include "temp_dir.h"
#include "ztensor/c.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

constexpr int kLost = 700;
constexpr int kOutOfMemory = 2;

std::vector<std::uint16_t> words(std::size_t count, unsigned seed) {
  std::vector<std::uint16_t> values(count);
  std::uint32_t state = seed * 2654435761U + 1;
  for (std::uint16_t& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<std::uint16_t>(0x3C00U + (state >> 20U));
  }
  return values;
}

// Tensors "t0", "t1", ... of different sizes around a buffer's, as float16.
std::vector<std::byte> model(const WriterOptions& options = {}, const AddOptions& each = {}) {
  const std::vector<std::vector<std::uint64_t>> shapes = {{3, 5},       {},           {0, 4},         {1 << 20},
                                                          {1024, 1025}, {7, 300'001}, {2, 3, 70'000}, {5'000'001}};
  return test::written(options, [&](Writer& writer) {
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      std::uint64_t elements = 1;
      for (const std::uint64_t size : shapes[i]) elements *= size;
      const auto values = words(elements, static_cast<unsigned>(i));
      writer.add("t" + std::to_string(i), {DType::f16, shapes[i], std::as_bytes(std::span(values)).data()}, each);
    }
  });
}

std::vector<PrefetchItem> all_of(const Source& source) {
  std::vector<PrefetchItem> items;
  for (const Tensor tensor : source) items.push_back({tensor});
  return items;
}

std::vector<std::byte> on_host(const PrefetchItem& item) {
  if (!item.selection) {
    std::vector<std::byte> out(item.tensor.nbytes().value());
    item.tensor.read_into(out, {});
    return out;
  }
  Prefetch prefetch({item});
  const Prefetched found = prefetch.take(0);
  found.check();
  return {found.memory.bytes.begin(), found.memory.bytes.end()};
}

std::vector<DeviceRead> reads_of(const test::StandIn& driver, const std::vector<PrefetchItem>& items, int device = 0) {
  std::vector<DeviceRead> reads;
  for (const PrefetchItem& item : items) reads.push_back({item, driver.allocate(on_host(item).size(), device)});
  return reads;
}

void expect_read(const std::vector<DeviceRead>& reads) {
  for (const DeviceRead& read : reads) {
    EXPECT_EQ(test::StandIn::bytes_of(read.memory), on_host(read.item)) << read.item.tensor.name();
  }
}

TEST(Device, ReadsTensorsOfAllKinds) {
  const test::StandIn driver;
  const std::vector<std::pair<WriterOptions, AddOptions>> kinds = {
      {{.to = "1.2"}, {}},
      {{.to = "2"}, {}},
      {{.to = "1.2"}, {.encoding = Encoding::zstd(1)}},
      {{.to = "2"}, {.encoding = Encoding::zstd(1)}},
      {{.to = "1.2"}, {.encoding = Encoding::planes()}},
      {{.to = "2", .canonical = false}, {.encoding = Encoding::planes()}},
      {{.to = "safetensors"}, {}},
      {{.to = "npz"}, {}}};
  for (const auto& [options, each] : kinds) {
    WriterOptions chosen = options;
    if (each.encoding) chosen.canonical = false;
    if (chosen.to != "2") chosen.canonical = {};
    const Source source = test::open_bytes(model(chosen, each));
    for (const unsigned threads : {1U, 4U}) {
      const auto reads = reads_of(driver, all_of(source));
      read_to_device(reads, {.threads = threads});
      expect_read(reads);
    }
  }
}

TEST(Device, ReadsPiecesThatAreLargerThanABuffer) {
  const test::StandIn driver;
  const auto values = words(3 << 20, 1);
  std::vector<std::byte> one_frame(ZSTD_compressBound(values.size() * 2));
  one_frame.resize(ZSTD_compress(one_frame.data(), one_frame.size(), values.data(), values.size() * 2, 1));
  const std::vector<std::uint64_t> shape = {values.size()};
  const Source source = test::open_bytes(test::zstd_file(DType::f16, shape, one_frame, values.size() * 2));
  const auto reads = reads_of(driver, all_of(source));
  read_to_device(reads);
  expect_read(reads);
}

TEST(Device, ReadsSlices) {
  const test::StandIn driver;
  for (const AddOptions& each : {AddOptions{}, AddOptions{.encoding = Encoding::planes()}}) {
    const Source source = test::open_bytes(model({}, each));
    std::vector<PrefetchItem> items;
    for (const Selection& selection : std::vector<Selection>{{},
                                                             {rows(1, 6)},
                                                             {all(), rows(100, 299'000)},
                                                             {stepped(6, 4, -2), stepped(0, 100, 3)},
                                                             {listed({4, 4, 0}), all()},
                                                             {rows(2, 2)},
                                                             {at(3), at(7)}}) {
      items.push_back({source.tensor("t5"), selection});
    }
    items.push_back({source.tensor("t6"), Selection{all(), at(1), all()}});
    items.push_back({source.tensor("t1"), Selection{}});
    const auto reads = reads_of(driver, items);
    read_to_device(reads, {.threads = 3});
    expect_read(reads);
  }
}

TEST(Device, ReadsOnlyWhatASliceNeeds) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  std::vector<PrefetchItem> items = {{source.tensor("t7"), Selection{rows(10, 20)}}};
  const auto reads = reads_of(driver, items);
  read_to_device(reads);
  expect_read(reads);
  EXPECT_EQ(driver.count("cuMemcpyHtoDAsync_v2"), 1U);
}

TEST(Device, WaitsForWhatStillUsesTheMemory) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const device::Within within(device::context_of(1));
  const std::shared_ptr<void> streams[] = {driver.stream(1), driver.stream(1), nullptr};
  auto reads = reads_of(driver, all_of(source), 1);
  for (std::size_t i = 0; i < reads.size(); ++i) {
    reads[i].memory.stream = streams[i % 3].get();
    driver.kernel(reads[i].memory.stream, reads[i].memory, 0x55, 3000);
  }
  read_to_device(reads, {.device = 1});
  driver.settle();
  expect_read(reads);
  const std::vector<PrefetchItem> items = all_of(source);
  const auto allocate = [&](std::uint64_t bytes) {
    DeviceMemory memory = driver.allocate(bytes, 1);
    memory.stream = streams[0].get();
    driver.kernel(memory.stream, memory, 0x55, 3000);
    return memory;
  };
  const std::vector<DeviceMemory> found = read_to_device(items, allocate, {.device = 1});
  driver.settle();
  for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(test::StandIn::bytes_of(found[i]), on_host(items[i]));
}

TEST(Device, UsesAtMost64MiBOfPinnedMemoryAndGivesItBack) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const auto reads = reads_of(driver, all_of(source));
  test::together(3, [&](std::size_t) { read_to_device(reads_of(driver, all_of(source)), {.threads = 20}); });
  EXPECT_LE(driver.count("cuMemHostAlloc"), 32U);
  EXPECT_NE(driver.count("pinned"), 0U);
  release_device_buffers();
  EXPECT_EQ(driver.count("pinned"), 0U);
  read_to_device(reads);
  expect_read(reads);
}

TEST(Device, ReadsWhereLittleOrNothingCanBePinned) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  for (const std::uint64_t slots : {0U, 1U, 3U}) {
    driver.set("pinned", slots * device::kSlotBytes);
    const auto reads = reads_of(driver, all_of(source));
    read_to_device(reads, {.threads = 4});
    expect_read(reads);
    EXPECT_LE(driver.count("pinned"), slots * device::kSlotBytes);
    release_device_buffers();
  }
}

TEST(Device, ReadsToSeveralDevices) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  test::together(4, [&](std::size_t number) {
    const int device = static_cast<int>(number % 2);
    const auto reads = reads_of(driver, all_of(source), device);
    read_to_device(reads, {.device = device, .threads = 3});
    expect_read(reads);
  });
}

TEST(Device, RefusesWhatIsWrongWithTheCall) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  auto reads = reads_of(driver, all_of(source));
  EXPECT_EQ(test::code_of([&] { read_to_device(reads, {.device = 2}); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { read_to_device(reads, {.device = -1}); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { read_to_device(reads, {.threads = 5000}); }), Code::usage);
  reads[3].memory.bytes -= 1;
  EXPECT_EQ(test::code_of([&] { read_to_device(reads); }), Code::usage);
  reads = {{PrefetchItem{source.tensor("t4"), Selection{rows(0, 5000)}}, driver.allocate(10)}};
  EXPECT_EQ(test::code_of([&] { read_to_device(reads); }), Code::usage);
}

TEST(Device, ToldWhereThereIsNoDriver) {
  const test::StandIn driver;
  const auto with = [](const char* name) {
    ::setenv("ZTENSOR_CUDA_DRIVER", name, 1);
    return device_trouble();
  };
  EXPECT_TRUE(test::in_child([&] { return with("/nowhere/libcuda.so").find("was not found") != std::string::npos; }));
  EXPECT_TRUE(test::in_child([&] { return with("libm.so.6").find("has no function cuInit") != std::string::npos; }));
  // The driver ran in the parent.
  EXPECT_TRUE(test::in_child([&] { return device_trouble().find("spawn") != std::string::npos; }));
  EXPECT_TRUE(test::in_child([&] {
    const Error error = test::error_of([] { read_to_device(std::span<const DeviceRead>()); });
    return error.code() == Code::unsupported && std::string_view(error.rule()) == "device.driver";
  }));
}

TEST(Device, PassesOnWhatIsWrongWithTheFile) {
  const test::StandIn driver;
  std::vector<std::byte> file = model();
  const std::uint64_t at = test::open_bytes(file).tensor("t4").data().offset();
  file[at + 1'500'000] ^= std::byte{1};
  const Source source = test::open_bytes(file);
  std::vector<DeviceRead> reads;
  for (const Tensor tensor : source) reads.push_back({{tensor}, driver.allocate(*tensor.nbytes())});
  EXPECT_EQ(test::code_of([&] { read_to_device(reads); }), Code::mismatch);
  read_to_device(reads, {.verify = Verify::never});
  EXPECT_EQ(
      test::code_of([&] {
        const std::vector<DeviceRead> slice = {{{source.tensor("t4"), Selection{rows(0, 1)}}, driver.allocate(2050)}};
        read_to_device(slice, {.verify = Verify::always});
      }),
      Code::mismatch);
}

TEST(Device, EveryCallOfTheDriverMayFail) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  // These are called in each load, if nothing was kept from the one before.
  const char* const calls[] = {"cuMemcpyHtoDAsync_v2", "cuEventRecord",    "cuEventQuery",
                               "cuEventCreate",        "cuStreamCreate",   "cuCtxPushCurrent_v2",
                               "cuDeviceGet",          "cuDeviceGetCount", "cuMemHostAlloc"};
  for (const char* const call : calls) {
    for (const std::uint64_t after : {0U, 1U, 3U, 9U}) {
      for (const int status : {kOutOfMemory, kLost}) {
        if (std::string_view(call) == "cuCtxPushCurrent_v2" && status != kLost) continue;
        release_device_buffers();
        const auto reads = reads_of(driver, all_of(source));
        driver.fail(call, after, status);
        const bool goes_on = std::string_view(call) == "cuMemHostAlloc" && status == kOutOfMemory;
        try {
          read_to_device(reads, {.threads = 2});
          EXPECT_TRUE(after != 0 || goes_on) << call;  // or the call was not made so often
          expect_read(reads);
        } catch (const Error& error) {
          EXPECT_TRUE(error.code() == Code::io || error.code() == Code::no_memory) << error.what();
          EXPECT_NE(std::string(error.what()).find("CUDA"), std::string::npos) << error.what();
        }
        EXPECT_EQ(driver.count("misuse"), 0U) << call;
        release_device_buffers();
        driver.heal();
        const auto again = reads_of(driver, all_of(source));
        read_to_device(again, {.threads = 2});
        expect_read(again);
      }
    }
  }
}

// An error of the driver fails what it concerns; what is read after it is read.
TEST(DevicePrefetch, GoesOnAfterAnErrorOfTheDriver) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const std::vector<PrefetchItem> items = all_of(source);
  for (const char* const call : {"cuMemcpyHtoDAsync_v2", "cuEventRecord", "cuStreamCreate", "cuEventQuery"}) {
    release_device_buffers();
    const auto allocate = [&](std::uint64_t bytes) {
      driver.fail(call, 1, kOutOfMemory);
      return driver.allocate(bytes);
    };
    DevicePrefetch prefetch(items, allocate, {.threads = 1});
    std::size_t failed = 0;
    while (const auto found = prefetch.next()) {
      if (found->failure) {
        EXPECT_EQ(test::code_of([&] { found->check(); }), Code::no_memory);
        ++failed;
      } else {
        EXPECT_EQ(test::StandIn::bytes_of(found->memory), on_host(items[found->index])) << call;
      }
    }
    EXPECT_LE(failed, 3U) << call;
    driver.heal();
  }
}

// Has memory for each item of model() except "t7".
DeviceAllocator up_to_9_mib(const test::StandIn& driver) {
  return [&driver](std::uint64_t bytes) {
    if (bytes > (9U << 20U)) throw std::runtime_error("full");
    return driver.allocate(bytes);
  };
}

TEST(DevicePrefetch, TakesOtherItemsWhereOneHasNoMemory) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const std::vector<PrefetchItem> items = all_of(source);
  DevicePrefetch prefetch(items, up_to_9_mib(driver), {}, 5 << 20);
  EXPECT_THROW(static_cast<void>(prefetch.take(7)), std::runtime_error);
  for (std::size_t i = 0; i + 1 < items.size(); ++i) {
    const OnDevice found = prefetch.take(i);
    found.check();
    EXPECT_EQ(test::StandIn::bytes_of(found.memory), on_host(items[i]));
  }
}

TEST(DevicePrefetch, AnItemForWhichThereIsNeverMemoryFails) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const std::vector<PrefetchItem> items = all_of(source);
  DevicePrefetch prefetch(items, up_to_9_mib(driver), {}, 5 << 20);
  std::size_t complete = 0;
  int refused = 0;
  while (prefetch.left() != 0 && refused < 100) {
    try {
      const auto found = prefetch.next();
      if (!found->failure) {
        EXPECT_EQ(test::StandIn::bytes_of(found->memory), on_host(items[found->index]));
        ++complete;
      } else {
        EXPECT_EQ(found->index, 7U);
      }
    } catch (const std::runtime_error&) {
      ++refused;
    }
  }
  EXPECT_EQ(complete, items.size() - 1);
  EXPECT_LT(refused, 100);
}

TEST(DevicePrefetch, RefusesToGoWithoutAnAllocator) {
  const test::StandIn driver;
  EXPECT_EQ(test::code_of([] { const DevicePrefetch prefetch({}, {}); }), Code::usage);
  EXPECT_EQ(test::code_of([] { static_cast<void>(read_to_device(std::vector<PrefetchItem>{}, DeviceAllocator())); }),
            Code::usage);
}

TEST(DevicePrefetch, BelongsToTheProcessThatMadeIt) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  DevicePrefetch prefetch(all_of(source), [&](std::uint64_t bytes) { return driver.allocate(bytes); });
  EXPECT_TRUE(test::in_child([&] {
    prefetch.close();
    return test::code_of([&] { static_cast<void>(prefetch.next()); }) == Code::usage;
  }));
  while (const auto found = prefetch.next()) found->check();
}

TEST(Device, IsReadToThroughTheCInterface) {
  const test::StandIn driver;
  const test::TempDir folder;
  const std::vector<std::byte> bytes = model();
  const auto path = folder.path() / "a.zt";
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  zt_source* source = nullptr;
  zt_error error = {};
  ASSERT_EQ(zt_open(path.c_str(), nullptr, &source, &error), ZT_OK);
  const DeviceMemory whole = driver.allocate(1024 * 1025 * 2);
  const DeviceMemory rows = driver.allocate(3 * 5 * 2);
  const zt_axis axes[] = {{ZT_AXIS_RANGE, 2, 3, 1, nullptr}, {ZT_AXIS_RANGE, 9, 5, -1, nullptr}};
  const zt_device_read reads[] = {{4, nullptr, 0, whole.address, whole.bytes, nullptr},
                                  {4, axes, 2, rows.address, rows.bytes, nullptr}};
  const zt_device_options options = {sizeof options, 0, 2, ZT_VERIFY_DEFAULT, {nullptr, nullptr}};
  EXPECT_EQ(zt_read_to_device(source, reads, 2, &options, &error), ZT_OK);
  const Source same = open(path);
  EXPECT_EQ(test::StandIn::bytes_of(whole), on_host({same[4]}));
  EXPECT_EQ(test::StandIn::bytes_of(rows), on_host({same[4], Selection{zt::rows(2, 5), stepped(9, 5, -1)}}));
  zt_source_close(source);
}

TEST(Device, StopsWhenTheCallbackSaysSo) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const auto reads = reads_of(driver, all_of(source));
  EXPECT_EQ(test::code_of([&] { read_to_device(reads, {}, [](std::uint64_t, std::uint64_t) { return false; }); }),
            Code::cancelled);
  std::uint64_t done = 0;
  std::uint64_t all = 0;
  read_to_device(reads, {}, [&](std::uint64_t now, std::uint64_t total) {
    done = now;
    all = total;
    return true;
  });
  EXPECT_EQ(done, all);
  expect_read(reads);
}

// Hands out arenas of the stand-in, and counts them.
struct Arenas {
  const test::StandIn& driver;
  std::vector<std::uint64_t> sizes = {};
  DeviceMemory operator()(std::uint64_t bytes) {
    sizes.push_back(bytes);
    return driver.allocate(bytes);
  }
};

TEST(DevicePrefetch, HandsOutEachItemOnce) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  Arenas arenas{driver};
  const std::vector<PrefetchItem> items = all_of(source);
  DevicePrefetch prefetch(items, std::ref(arenas), {.threads = 3});
  EXPECT_EQ(arenas.sizes.size(), 1U);  // small tensors together
  std::vector<bool> seen(items.size());
  while (const auto found = prefetch.next()) {
    found->check();
    EXPECT_FALSE(seen[found->index]);
    seen[found->index] = true;
    EXPECT_EQ(found->memory.address % 512, 0U);
    EXPECT_EQ(test::StandIn::bytes_of(found->memory), on_host(items[found->index]));
  }
  EXPECT_EQ(std::ranges::count(seen, true), static_cast<std::ptrdiff_t>(items.size()));
  EXPECT_EQ(prefetch.left(), 0U);
}

TEST(DevicePrefetch, HoldsNoMoreThanAsked) {
  const test::StandIn driver;
  const Source source = test::open_bytes(test::written({}, [](Writer& writer) {
    for (int i = 0; i < 40; ++i) {
      const auto values = words(1 << 19, static_cast<unsigned>(i));
      writer.add("t" + std::to_string(i), {DType::f16, {1 << 19}, std::as_bytes(std::span(values)).data()});
    }
  }));
  const std::vector<PrefetchItem> items = all_of(source);
  Arenas arenas{driver};
  constexpr std::uint64_t kLimit = 8 << 20;
  const auto allocate = [&](std::uint64_t bytes) {
    DeviceMemory memory = arenas(bytes);
    EXPECT_LE(driver.count("memory bytes"), kLimit);  // nothing that was handed out is kept here
    return memory;
  };
  DevicePrefetch prefetch(items, allocate, {.threads = 2}, kLimit);
  while (const auto found = prefetch.next()) {
    found->check();
    EXPECT_EQ(test::StandIn::bytes_of(found->memory), on_host(items[found->index]));
  }
  EXPECT_GE(arenas.sizes.size(), 20U);  // of two items each
}

TEST(DevicePrefetch, MemoryLivesAsLongAsItsLastItem) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  std::optional<OnDevice> kept;
  {
    DevicePrefetch prefetch(all_of(source), [&](std::uint64_t bytes) { return driver.allocate(bytes); });
    kept = prefetch.take(4);
  }
  EXPECT_EQ(driver.count("memory"), 1U);
  EXPECT_EQ(test::StandIn::bytes_of(kept->memory), on_host({source.tensor("t4")}));
  kept.reset();
  EXPECT_EQ(driver.count("memory"), 0U);
}

TEST(DevicePrefetch, AsksAgainWhereThereWasNoMemory) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const std::vector<PrefetchItem> items = all_of(source);
  int calls = 0;
  bool fails = false;
  const auto allocate = [&](std::uint64_t bytes) {
    if (fails && ++calls % 2 == 0) throw std::runtime_error("full");
    return driver.allocate(bytes);
  };
  DevicePrefetch prefetch(items, allocate, {}, 4 << 20);
  fails = true;
  std::size_t found = 0;
  int refused = 0;
  while (prefetch.left() != 0) {
    try {
      const auto item = found == 2 ? std::optional(prefetch.take(7)) : prefetch.next();
      item->check();
      EXPECT_EQ(test::StandIn::bytes_of(item->memory), on_host(items[item->index]));
      ++found;
    } catch (const std::runtime_error&) {
      ++refused;
    }
  }
  EXPECT_EQ(found, items.size());
  EXPECT_GT(refused, 0);
  EXPECT_THROW(DevicePrefetch(items, [](std::uint64_t) -> DeviceMemory { throw std::runtime_error("full"); }),
               std::runtime_error);
}

TEST(DevicePrefetch, HandsOutAnErrorInThePlaceOfItsTensor) {
  const test::StandIn driver;
  std::vector<std::byte> file = model();
  file[test::open_bytes(file).tensor("t4").data().offset()] ^= std::byte{1};
  const Source source = test::open_bytes(file);
  const std::vector<PrefetchItem> items = all_of(source);
  DevicePrefetch prefetch(items, [&](std::uint64_t bytes) { return driver.allocate(bytes); });
  while (const auto found = prefetch.next()) {
    if (source[found->index].name() == "t4") {
      EXPECT_EQ(test::code_of([&] { found->check(); }), Code::mismatch);
    } else {
      found->check();
      EXPECT_EQ(test::StandIn::bytes_of(found->memory), on_host(items[found->index]));
    }
  }
}

TEST(ThreadsPrefetchState, DevicePrefetchesEndAtAnyMoment) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  for (std::size_t taken = 0; taken < 8; ++taken) {
    DevicePrefetch prefetch(all_of(source), [&](std::uint64_t bytes) { return driver.allocate(bytes); },
                            {.threads = 4});
    for (std::size_t i = 0; i < taken; ++i) EXPECT_TRUE(prefetch.next());
  }
  EXPECT_EQ(driver.count("memory"), 0U);
}

TEST(ThreadsPrefetchState, SeveralThreadsTakeFromOneDevicePrefetch) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const std::vector<PrefetchItem> items = all_of(source);
  DevicePrefetch prefetch(
      items, [&](std::uint64_t bytes) { return driver.allocate(bytes); }, {.threads = 3}, 4 << 20);
  std::atomic<std::size_t> found = 0;
  test::together(3, [&](std::size_t) {
    while (const auto item = prefetch.next()) {
      item->check();
      EXPECT_EQ(test::StandIn::bytes_of(item->memory), on_host(items[item->index]));
      ++found;
    }
  });
  EXPECT_EQ(found, items.size());
}

TEST(ThreadsDeviceItem, PiecesOfOneTensorGoSideBySide) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model({}, {.encoding = Encoding::planes()}));
  const auto reads =
      reads_of(driver, {{source.tensor("t7")}, {source.tensor("t5"), Selection{all(), rows(1, 200'000)}}});
  read_to_device(reads, {.threads = 6});
  expect_read(reads);
}

TEST(ThreadsItemReader, ALostContextFailsEveryItem) {
  const test::StandIn driver;
  const Source source = test::open_bytes(model());
  const auto reads = reads_of(driver, all_of(source));
  driver.fail("cuMemcpyHtoDAsync_v2", 2, kLost);
  EXPECT_EQ(test::code_of([&] { read_to_device(reads, {.threads = 4}); }), Code::io);
}

TEST(ThreadsContext, AreSharedByAllThreads) {
  const test::StandIn driver;
  std::vector<device::ContextHandle> found(8);
  test::together(8, [&](std::size_t number) { found[number] = device::context_of(1); });
  for (const device::ContextHandle context : found) EXPECT_EQ(context, found[0]);
  const device::ContextHandle other = device::context_of(0);
  EXPECT_NE(other, found[0]);
}

// More threads than there are buffers, which wait for each other.
TEST(ThreadsRing, ServesAllWhoWait) {
  const test::StandIn driver;
  const device::ContextHandle context = device::context_of(0);
  const DeviceMemory memory = driver.allocate(40 * device::kSlotBytes);
  test::together(40, [&](std::size_t number) {
    device::Copier copier(context);
    for (int round = 0; round < 4; ++round) {
      const std::span<std::byte> buffer = copier.buffer();
      std::ranges::fill(buffer, static_cast<std::byte>(number));
      copier.send(memory.address + number * device::kSlotBytes, buffer.size());
    }
    copier.rest();
  });
  const std::vector<std::byte> bytes = test::StandIn::bytes_of(memory);
  for (std::size_t i = 0; i < bytes.size(); i += device::kSlotBytes - 1) {
    EXPECT_EQ(bytes[i], static_cast<std::byte>(i / device::kSlotBytes));
  }
  EXPECT_LE(driver.count("cuMemHostAlloc"), device::kMostSlots);
}

}  // namespace
}  // namespace zt
