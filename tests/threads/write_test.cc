// A Writer with several threads, and several Writers at once.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <cerrno>
#include <string>
#include <vector>

#include "many_threads.h"
#include "memory_file.h"
#include "model.h"
#include "temp_dir.h"

namespace {

using zt::test::ManyThreads;
using zt::test::TempDir;

TEST(ThreadsWriter, WriteTheBytesThatOneWrites) {
  const ManyThreads many;
  for (const char* format : {"1.0", "1.2", "2"}) {
    const auto file = [&](unsigned threads) {
      const zt::WriterOptions options = {.to = format, .encoding = zt::Encoding::zstd(1), .threads = threads};
      return zt::test::written(options, [&](zt::Writer& writer) { zt::test::add_model(writer, options); });
    };
    EXPECT_TRUE(file(1) == file(4)) << format;
  }
}

TEST(ThreadsWriter, OfOneTargetTakeItInTurnOrAreRefused) {
  const TempDir dir;
  zt::test::save_model(dir / "model.zt", {.to = "1.2"});
  zt::test::together(4, [&](std::size_t thread) {
    const std::vector<std::uint64_t> values(1000, thread);
    const std::string name = "of " + std::to_string(thread);
    for (bool done = false; !done;) {
      try {
        zt::Writer writer = zt::Writer::create(dir / "model.zt", zt::WriteMode::append, {.threads = 2});
        writer.add(name, {1000}, std::span<const std::uint64_t>(values));
        writer.finalize();
        done = true;
      } catch (const zt::Error& error) {
        ASSERT_EQ(error.os_error(), EWOULDBLOCK) << error.what();
      }
    }
  });
  const zt::Source source = zt::open(dir / "model.zt");
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    EXPECT_EQ(source.tensor("of " + std::to_string(thread)).read<std::uint64_t>(),
              std::vector<std::uint64_t>(1000, thread));
  }
}

}  // namespace
