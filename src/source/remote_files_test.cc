// Files behind a network or in FUSE.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "io/system.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

// While it lives, every file seems to be on a file system of this type.
class SeemingFileSystem final : public io::sys::Hook {
 public:
  explicit SeemingFileSystem(std::uint32_t type) : type_(type) { io::sys::set_hook(this); }
  ~SeemingFileSystem() override { io::sys::set_hook(nullptr); }
  SeemingFileSystem(const SeemingFileSystem&) = delete;
  SeemingFileSystem& operator=(const SeemingFileSystem&) = delete;
  io::sys::Verdict before(const io::sys::Event&) noexcept override { return {}; }
  std::optional<std::uint32_t> file_system(int) noexcept override { return type_; }

 private:
  std::uint32_t type_;
};

constexpr std::uint32_t kNfs = 0x6969;
constexpr std::uint32_t kFuse = 0x65735546;
constexpr std::uint32_t kExt4 = 0xEF53;

TEST(RemoteFiles, AreReadUnlessTheCallerAsksForAMapping) {
  const test::TempDir dir;
  const std::vector<float> values = {1, 2, 3};
  Writer writer = Writer::create(dir / "a.zt");
  writer.add("t", {3}, values);
  writer.finalize();
  for (const std::uint32_t type : {kNfs, kFuse, kExt4}) {
    const SeemingFileSystem seeming(type);
    const bool maps = type == kExt4;
    const Source source = open(dir / "a.zt");
    EXPECT_EQ(source.tensor("t").data().mappable(), maps);
    EXPECT_EQ(source.tensor("t").read<float>(), values);
    if (!maps) {
      EXPECT_THROW(static_cast<void>(source.tensor("t").map()), Error);
    }
    EXPECT_EQ(open(dir / "a.zt", {.backend = Backend::mmap}).tensor("t").map<float>()[2], 3.0F);
  }
}

}  // namespace
}  // namespace zt
