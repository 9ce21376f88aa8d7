#include "write/output.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "io/publish.h"
#include "posix_only.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/writer.h"

namespace zt::write {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

struct Room {
  std::uint64_t offset, length;
  std::uint64_t written;  // the size of the file then
  friend bool operator==(const Room&, const Room&) = default;
};

// Records the room that is reserved while this object lives.
class Watch {
 public:
  Watch() {
    faults_.watch = [this](const io::sys::Event& event) {
      if (event.call == io::sys::Call::reserve) taken.push_back({event.offset, event.length, written_});
      if (event.call == io::sys::Call::write) written_ += event.bytes.size();
    };
  }
  std::vector<Room> taken;

 private:
  test::Faults faults_;
  std::uint64_t written_ = 0;
};

TEST(Output, TakesRoomForLargePartsBeforeTheyAreWritten) {
  const test::TempDir folder;
  const std::vector<float> large(3 * kMiB / 4);
  const std::vector<float> small(100);
  Watch watch;
  Writer writer = Writer::create(folder / "w.zt");
  writer.add("small", {small.size()}, std::span<const float>(small));
  writer.add("large", {large.size()}, std::span<const float>(large));
  writer.add("small too", {small.size()}, std::span<const float>(small));
  writer.finalize();
  EXPECT_EQ(watch.taken, (std::vector<Room>{{512, 3 * kMiB, 0}}));  // the head of 8 bytes, 400 at 64, and 3 MiB
}

TEST(Output, TakesNoRoomForSmallParts) {
  const test::TempDir folder;
  const std::vector<float> small(1024);
  Watch watch;
  Writer writer = Writer::create(folder / "w.zt");
  for (int i = 0; i < 600; ++i) writer.add(std::to_string(i), {small.size()}, std::span<const float>(small));
  writer.finalize();
  EXPECT_TRUE(watch.taken.empty());
}

// A file may claim any decoded length for a compressed part.
TEST(Output, TakesRoomInSteps) {
  const test::TempDir folder;
  Watch watch;
  Output output{
      std::unique_ptr<io::WritableFile>(std::make_unique<io::Publication>(folder / "w", io::PublishOptions{}))};
  output.expect(std::uint64_t{1} << 40);
  EXPECT_TRUE(watch.taken.empty());
  output.write(std::vector<std::byte>(5 * kMiB));
  EXPECT_EQ(watch.taken, (std::vector<Room>{{0, 256 * kMiB, 0}}));
}

TEST(Output, ASaveDoesNotNeedTheRoomThatIsRefused) {
  ZT_POSIX_ONLY("unnamed files");
  const test::TempDir folder;
  const std::vector<std::byte> bytes(5 * kMiB, std::byte{7});
  for (const bool refused : {false, true}) {
    const test::Faults faults(refused ? test::Faults::Kind::fail : test::Faults::Kind::none, 1, ENOSPC);
    auto file = std::make_unique<io::Publication>(folder / "w", io::PublishOptions{.create_new = true});
    io::Publication& publication = *file;
    Output output{std::unique_ptr<io::WritableFile>(std::move(file))};
    output.expect(bytes.size());
    output.write(bytes);  // reserves room first, so this is the second changing call
    EXPECT_EQ(faults.hit(), refused);
    output.flush();
    publication.publish();
    EXPECT_EQ(test::read_file(folder / "w"), as_text(bytes));
    std::filesystem::remove(folder / "w");
  }
}

}  // namespace
}  // namespace zt::write
