#include "library/output.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "io/publish.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/writer.h"

namespace zt::library {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
using Range = std::pair<std::uint64_t, std::uint64_t>;  // first, past the end

// What was written and what room was taken for, while it lives.
class Watch {
 public:
  Watch() {
    faults_.watch = [this](const io::sys::Event& event) {
      if (event.call == io::sys::Call::reserve) reserved.emplace_back(event.offset, written);
      if (event.call == io::sys::Call::write) written += event.bytes.size();
    };
  }
  std::vector<Range> reserved;  // where, and how far the file reached then
  std::uint64_t written = 0;

 private:
  test::Faults faults_;
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
  // The head of 8 bytes, 400 at 64, and 3 MiB at 512.
  ASSERT_EQ(watch.reserved.size(), 1U);
  EXPECT_EQ(watch.reserved.front().first, 512U);
  EXPECT_LE(watch.reserved.front().second, 512U);
}

TEST(Output, TakesRoomForManySmallPartsTogether) {
  const test::TempDir folder;
  const std::vector<float> small(1024);
  Watch watch;
  Writer writer = Writer::create(folder / "w.zt");
  for (int i = 0; i < 1100; ++i) writer.add(std::to_string(i), {small.size()}, std::span<const float>(small));
  writer.finalize();
  EXPECT_EQ(watch.reserved, (std::vector<Range>{{0, 0}, {2 * kMiB, 2 * kMiB}}));
}

TEST(Output, ASaveDoesNotNeedTheRoomThatIsRefused) {
  const test::TempDir folder;
  const std::vector<std::byte> bytes(5 * kMiB, std::byte{7});
  for (const bool refused : {false, true}) {
    const test::Faults faults(refused ? test::Faults::Kind::fail : test::Faults::Kind::none, 1, ENOSPC);
    auto file = std::make_unique<io::Publication>(folder / "w", io::PublishOptions{.create_new = true});
    io::Publication& publication = *file;
    Output output{std::unique_ptr<io::WritableFile>(std::move(file))};
    output.expect(bytes.size());  // the second of the calls that change something
    EXPECT_EQ(faults.hit(), refused);
    output.write(bytes);
    output.flush();
    publication.publish();
    EXPECT_EQ(test::read_file(folder / "w"), as_text(bytes));
    std::filesystem::remove(folder / "w");
  }
}

}  // namespace
}  // namespace zt::library
