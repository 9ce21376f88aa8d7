// Many threads use an open source and its handles at once.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "many_threads.h"
#include "model.h"
#include "temp_dir.h"

namespace {

using zt::test::ManyThreads;
using zt::test::TempDir;
using zt::test::together;

constexpr std::size_t kThreads = 4;

// Each call uses several threads. Callers and helpers share one state.
zt::Source open_model(const TempDir& dir, const zt::WriterOptions& options, zt::Verify verify = zt::Verify::standard) {
  zt::test::save_model(dir / "model.zt", options);
  return zt::open(dir / "model.zt", {.verify = verify, .threads = 3});
}

TEST(ThreadsSource, ReadEveryTensorThroughOneSource) {
  const TempDir dir;
  const ManyThreads many;
  for (const char* format : {"1.0", "1.2", "2"}) {
    const zt::Source source = open_model(dir, {.to = format});
    together(kThreads, [&](std::size_t) {
      for (const zt::Tensor tensor : source) {
        for (std::size_t i = 0; i < tensor.parts(); ++i) {
          EXPECT_TRUE(tensor.part(i).read(zt::Verify::always) == zt::test::model_bytes(tensor.part(i)));
        }
        if (tensor.layout() == "sparse_csr") {
          EXPECT_EQ(tensor.read_csr<float>().indices.size(), 3U);
        }
      }
    });
  }
}

TEST(ThreadsSource, ParseAttributesAndMetadataThroughOneSource) {
  const TempDir dir;
  const zt::Source source = open_model(dir, {.to = "1.2", .attributes = zt::test::model_attributes()});
  const std::string json = zt::info_json(source);
  together(kThreads, [&](std::size_t) {
    for (int round = 0; round < 20; ++round) {
      EXPECT_TRUE(source.attributes() == zt::test::model_attributes());
      EXPECT_TRUE(source.tensor("raw").attributes() == zt::test::model_attributes());
      EXPECT_FALSE(source.find("nothing"));
      EXPECT_EQ(zt::info_json(source), json);
    }
  });
}

TEST(ThreadsSource, LetGoOfTheLastHandleInAnyThread) {
  const TempDir dir;
  std::vector<zt::Part> parts(kThreads, open_model(dir, {.to = "1.2"}).tensor("raw").data());
  together(kThreads, [&](std::size_t thread) {
    const zt::Part part = std::move(parts[thread]);
    EXPECT_TRUE(part.read() == zt::test::model_bytes(part));
  });
}

TEST(ThreadsSource, OpenAFileThatAnotherThreadGrows) {
  const TempDir dir;
  constexpr std::uint64_t kVersions = 30;
  const auto append = [&](std::uint64_t version) {
    zt::Writer writer = zt::Writer::create(dir / "grown.zt", zt::WriteMode::append, {.threads = 1});
    const std::vector<std::uint64_t> values(1000, version);
    writer.add("v" + std::to_string(version), {1000}, std::span<const std::uint64_t>(values));
    writer.finalize();
  };
  append(0);
  std::atomic<bool> grown = false;
  together(3, [&](std::size_t thread) {
    if (thread == 0) {
      for (std::uint64_t version = 1; version < kVersions; ++version) append(version);
      grown = true;
      return;
    }
    for (bool last = false; !last;) {
      last = grown;
      const zt::Source source = zt::open(dir / "grown.zt", {.threads = 1});
      for (std::uint64_t version = 0; version < source.size(); ++version) {
        EXPECT_EQ(source[version].read<std::uint64_t>(), std::vector<std::uint64_t>(1000, version));
      }
      if (last) {
        EXPECT_EQ(source.size(), kVersions);
      }
    }
  });
}

// The first thread makes the mapping and checks the bytes.
TEST(ThreadsState, MapViewsThatAreCheckedOnce) {
  const TempDir dir;
  const ManyThreads many;
  const zt::Source source = open_model(dir, {.to = "2", .canonical = false}, zt::Verify::always);
  together(kThreads, [&](std::size_t thread) {
    for (const char* name : {"raw", "bool"}) {
      const zt::Part part = source.tensor(name).data();
      const zt::Bytes bytes = part.map(thread % 2 == 0 ? zt::Mapping::shared : zt::Mapping::copy_on_write);
      EXPECT_TRUE(std::ranges::equal(bytes.view(), zt::test::model_bytes(part)));
    }
  });
}

TEST(ThreadsState, AreAllToldThatAViewIsWrong) {
  const TempDir dir;
  const ManyThreads many;
  zt::test::save_model(dir / "model.zt", {.to = "1.2"});
  std::string file = zt::test::read_file(dir / "model.zt");
  file[zt::open(dir / "model.zt").tensor("raw").data().offset()] ^= 1;
  zt::test::write_file(dir / "model.zt", file);
  const zt::Source source = zt::open(dir / "model.zt", {.verify = zt::Verify::always, .threads = 3});
  together(kThreads, [&](std::size_t) {
    EXPECT_EQ(zt::test::code_of([&] { (void)source.tensor("raw").data().map(); }), zt::Code::mismatch);
  });
}

TEST(ThreadsSlice, TakeSlicesOfOnePart) {
  const TempDir dir;
  const zt::Source source = open_model(dir, {.to = "1.2"});
  together(kThreads, [&](std::size_t thread) {
    for (const char* name : {"raw", "zstd"}) {
      const zt::Tensor tensor = source.tensor(name);
      const std::vector<std::byte> whole = zt::test::model_bytes(tensor.data());
      const std::uint64_t size = whole.size() - 1 - thread;
      std::vector<std::byte> out((size + 4096) / 4097);
      tensor.read_slice({zt::stepped(thread, out.size(), 4097)}, out);
      for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], whole[thread + i * 4097]) << name << i;
    }
  });
}

TEST(ThreadsSource, ReadManyPartsInOneCall) {
  const TempDir dir;
  const ManyThreads many;
  const zt::Source source = open_model(dir, {.to = "2", .canonical = false});
  std::vector<std::vector<std::byte>> outs;
  std::vector<zt::Source::Read> reads;
  for (const zt::Tensor tensor : source) {
    for (std::size_t i = 0; i < tensor.parts(); ++i) outs.emplace_back(tensor.part(i).measure());
  }
  std::size_t next = 0;
  for (const zt::Tensor tensor : source) {
    for (std::size_t i = 0; i < tensor.parts(); ++i) reads.push_back({tensor.part(i), outs[next++]});
  }
  source.read(reads, zt::Verify::always);
  for (std::size_t i = 0; i < reads.size(); ++i) EXPECT_TRUE(outs[i] == zt::test::model_bytes(reads[i].part));
}

}  // namespace
