#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/utf8.h"
#include "errors.h"
#include "io/file.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

using test::expect_io;
using test::TempDir;

std::string all_of(const File& file) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read_at(0, bytes);
  return std::string(as_text(bytes));
}

TEST(FileOnPosix, SharesADescriptorWhoseOffsetAndEndAreItsOwners) {
  const TempDir dir;
  test::write_file(dir / "f", "0123456789");
  const int descriptor = ::open((dir / "f").c_str(), O_RDONLY);
  ASSERT_EQ(::lseek(descriptor, 4, SEEK_SET), 4);
  const auto file = File::share(descriptor);
  EXPECT_EQ(all_of(*file), "0123456789");
  EXPECT_EQ(file->path(), "");
  EXPECT_EQ(::lseek(descriptor, 0, SEEK_CUR), 4);
  ASSERT_EQ(::close(descriptor), 0);
  test::write_file(dir / "other", "abcdefghij");
  const int other = ::open((dir / "other").c_str(), O_RDONLY);  // has the number that was closed
  EXPECT_EQ(other, descriptor);
  EXPECT_EQ(all_of(*file), "0123456789");
  ::close(other);
  expect_io(EBADF, [&] { File::share(descriptor); });
  int pipe[2] = {};
  ASSERT_EQ(::pipe(pipe), 0);
  expect_io(EINVAL, [&] { File::share(pipe[0]); });
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(FileOnPosix, IsTheSameFileUnderEachOfItsNames) {
  const TempDir dir;
  test::write_file(dir / "f", "x");
  std::filesystem::create_hard_link(dir / "f", dir / "g");
  std::filesystem::create_symlink("g", dir / "h");
  EXPECT_EQ(File::open(dir / "f")->identity(), File::open(dir / "h")->identity());
}

TEST(FileOnPosix, NamesTheErrnoAndThePathOfWhatItCannotOpen) {
  const TempDir dir;
  test::write_file(dir / "f", "");
  std::filesystem::create_symlink("loop", dir / "loop");
  expect_io(ENOENT, [&] { File::open(dir / "none"); });
  expect_io(ENOTDIR, [&] { File::open(dir / "f/g"); });
  expect_io(ELOOP, [&] { File::open(dir / "loop"); });
  expect_io(EISDIR, [&] { File::open(dir.path()); });
  EXPECT_EQ(test::error_of([&] { File::open(dir / "none"); }).path(), (dir / "none").native());
}

TEST(FileOnPosix, RefusesAFifoWithoutWaitingForAWriter) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  expect_io(EINVAL, [&] { File::open(dir / "fifo"); });
}

TEST(FileOnPosix, RefusesDevicesAndSockets) {
  const TempDir dir;
  expect_io(EINVAL, [] { File::open("/dev/null"); });
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = (dir / "s").native();
  ASSERT_LT(name.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, name.c_str(), name.size());
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  expect_io(EINVAL, [&] { File::open(name); });
  ::close(listener);
}

}  // namespace
}  // namespace zt::io
