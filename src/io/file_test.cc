#include "io/file.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "errors.h"
#include "many_threads.h"
#include "posix_only.h"
#include "random.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

using test::expect_io;
using test::TempDir;

std::string read_all(const File& file) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read_at(0, bytes);
  return std::string(as_text(bytes));
}

// More than a page of bytes. No two pages are equal.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i) + ' ';
  return text;
}

TEST(File, ReadsWhatIsThere) {
  const TempDir dir;
  test::write_file(dir / "f", "0123456789");
  const auto file = File::open(dir / "f");
  EXPECT_EQ(file->size(), 10u);
  EXPECT_EQ(file->path(), dir / "f");
  EXPECT_EQ(read_all(*file), "0123456789");
  std::vector<std::byte> middle(3);
  file->read_at(7, middle);
  EXPECT_EQ(as_text(middle), "789");
  file->read_at(10, {});
}

TEST(File, RefusesToReadPastItsEnd) {
  const TempDir dir;
  test::write_file(dir / "f", "0123456789");
  const auto file = File::open(dir / "f");
  std::vector<std::byte> out(2);
  EXPECT_EQ(test::error_of([&] { file->read_at(9, out); }).code(), Code::io);
  EXPECT_EQ(test::error_of([&] { file->read_at(~std::uint64_t{0}, out); }).code(), Code::io);
  EXPECT_EQ(test::error_of([&] { file->read_at(11, {}); }).code(), Code::io);
}

TEST(File, KeepsReadingTheFileItOpenedWhenTheNameMovesOn) {
  ZT_REPLACES_OPEN_FILES();
  const TempDir dir;
  test::write_file(dir / "f", "old");
  const auto file = File::open(dir / "f");
  std::filesystem::remove(dir / "f");
  test::write_file(dir / "f", "newer");
  EXPECT_EQ(read_all(*file), "old");
  EXPECT_FALSE(file->identity() == File::open(dir / "f")->identity());
}

TEST(File, RefusesAPathWithANulByteInsteadOfOpeningItsFirstHalf) {
  const TempDir dir;
  test::write_file(dir / "f", "");
  const std::string name("f\0g", 3);
  EXPECT_EQ(test::error_of([&] { File::open(dir / name); }).code(), Code::usage);
}

TEST(File, MapsTheSameBytesThatItReads) {
  const TempDir dir;
  test::write_file(dir / "f", long_text());
  const auto file = File::open(dir / "f");
  const Bytes shared = file->map(Mapping::shared);
  const Bytes owned = file->map(Mapping::copy_on_write);
  EXPECT_EQ(as_text(shared.view()), long_text());
  EXPECT_EQ(as_text(owned.view()), long_text());
  EXPECT_NE(shared.view().data(), owned.view().data());
  EXPECT_EQ(file->map(Mapping::shared).owner(), shared.owner());
}

TEST(File, KeepsAMappingAliveForAsLongAsSomeoneHoldsBytes) {
  const TempDir dir;
  test::write_file(dir / "f", long_text());
  Bytes tail = File::open(dir / "f")->map(Mapping::shared).slice(4096, 100);
  std::filesystem::remove(dir / "f");
  EXPECT_EQ(as_text(tail.view()), long_text().substr(4096, 100));
}

TEST(File, KeepsWritesToAPrivateMappingFromEveryoneElse) {
  const TempDir dir;
  test::write_file(dir / "f", "0123456789");
  const auto file = File::open(dir / "f");
  const Bytes shared = file->map(Mapping::shared);
  const Bytes owned = file->map(Mapping::copy_on_write);
  const Bytes views = file->map(Mapping::shielded);
  const_cast<std::byte*>(owned.view().data())[0] = std::byte{'X'};
  const_cast<std::byte*>(views.view().data())[1] = std::byte{'Y'};
  EXPECT_EQ(as_text(owned.view()), "X123456789");
  EXPECT_EQ(as_text(views.view()), "0Y23456789");
  EXPECT_EQ(as_text(shared.view()), "0123456789");
  EXPECT_EQ(test::read_file(dir / "f"), "0123456789");
}

TEST(File, MapsAnEmptyFileToNoBytes) {
  const TempDir dir;
  test::write_file(dir / "f", "");
  const auto file = File::open(dir / "f");
  EXPECT_EQ(file->size(), 0u);
  EXPECT_TRUE(file->map(Mapping::shared).empty());
  EXPECT_TRUE(file->map(Mapping::copy_on_write).empty());
  EXPECT_TRUE(file->map(Mapping::shielded).empty());
  file->read_at(0, {});
}

TEST(File, SaysThatItWasCutWhenSomeoneTruncatedIt) {
  ZT_POSIX_ONLY("mapped files that others may cut");
  const TempDir dir;
  test::write_file(dir / "f", long_text());
  const auto file = File::open(dir / "f");
  const Bytes before = file->map(Mapping::shared);
  std::filesystem::resize_file(dir / "f", 10);
  std::vector<std::byte> out(20);
  const Error reading = test::error_of([&] { file->read_at(0, out); });
  const Error mapping = test::error_of([&] { (void)file->map(Mapping::shared); });
  for (const Error& error : {reading, mapping}) {
    EXPECT_EQ(error.code(), Code::io);
    EXPECT_NE(std::string(error.what()).find("cut"), std::string::npos) << error.what();
  }
  EXPECT_EQ(test::error_of([&] { (void)file->map(Mapping::copy_on_write); }).code(), Code::io);
}

TEST(File, IgnoresWhatIsAppendedAfterItWasOpened) {
  const TempDir dir;
  test::write_file(dir / "f", "old");
  const auto file = File::open(dir / "f");
  test::write_file(dir / "f", "old and new");
  EXPECT_EQ(file->size(), 3u);
  EXPECT_EQ(file->map(Mapping::shared).size(), 3u);
}

TEST(ThreadsFile, ReadAndMapOneFileTogether) {
  const TempDir dir;
  test::write_file(dir / "f", long_text());
  const auto file = File::open(dir / "f");
  std::vector<Bytes> mapped(8);
  test::together(mapped.size(), [&](std::size_t i) {
    mapped[i] = file->map(i % 2 == 0 ? Mapping::shared : Mapping::copy_on_write);
    EXPECT_EQ(read_all(*file), as_text(mapped[i].view()));
    EXPECT_FALSE(file->was_changed());
  });
  for (std::size_t i = 2; i < mapped.size(); ++i) EXPECT_EQ(mapped[i].owner(), mapped[i % 2].owner());
}

TEST(File, ReadsMoreThanOneSystemCallMayTake) {
  if (test::kSanitized) GTEST_SKIP() << "takes a gibibyte, and as much again for the sanitizer";
  const TempDir dir;
  test::write_file(dir / "f", "start");
  const std::uint64_t size = (std::uint64_t{1} << 30) + 3;
  std::filesystem::resize_file(dir / "f", size);  // a hole
  const auto file = File::open(dir / "f");
  std::vector<std::byte> out;
  try {
    out.resize(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    GTEST_SKIP() << "not enough memory";
  }
  file->read_at(0, out);
  EXPECT_EQ(as_text(out).substr(0, 5), "start");
  EXPECT_EQ(out.back(), std::byte{0});
}

}  // namespace
}  // namespace zt::io
