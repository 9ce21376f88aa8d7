#include "ztensor/source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "memory_file.h"
#include "source/state.h"
#include "temp_dir.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

using Data = std::vector<std::byte>;

Data file_of(const std::vector<std::string>& names) {
  return test::written({}, [&](Writer& writer) {
    const std::vector<float> values = {1, 2, 3};
    for (const std::string& name : names) writer.add(name, {3}, std::span(values));
  });
}

// A file that another process writes to: `change` is called with n before the n-th read.
class ChangingStore final : public ByteStore {
 public:
  explicit ChangingStore(Data bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (change) change(reads++, bytes_);
    read_bytes += out.size();
    if (offset + out.size() > bytes_.size()) throw Error(Code::io, "", "cut");
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
  }
  std::function<void(int read, Data& bytes)> change;
  mutable int reads = 0;
  mutable std::uint64_t read_bytes = 0;

 private:
  mutable Data bytes_;
};

// Opens with `next`, which gives the store of each try.
Source open_by(const std::function<std::shared_ptr<const ByteStore>()>& next) {
  return source::open_settled([&] { return source::Opened{.store = next(), .path = {}, .name = "growing.zt"}; }, {});
}

// `bytes` after the first step of an append: the footer's range reaches over a hole to the new end.
Data with_hole(const Data& file, std::uint64_t hole) {
  const auto length = endian::load_le<std::uint64_t>(file.data() + file.size() - 16);
  const std::uint64_t manifest = file.size() - 16 - length;
  Data grown = file;
  grown.resize(file.size() + hole);
  std::memcpy(grown.data() + grown.size() - 8, "ZTEN1000", 8);
  endian::store_le(grown.data() + grown.size() - 16, grown.size() - 16 - manifest);
  return grown;
}

TEST(Source, ReadsAFileThatIsGrowingWithoutReadingItsHole) {
  const std::uint64_t hole = std::uint64_t{32} << 20;
  const auto store = std::make_shared<ChangingStore>(with_hole(file_of({"w"}), hole));
  const Source source = open(store, "growing.zt");
  EXPECT_EQ(source.tensor("w").read<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_LT(store->read_bytes, std::uint64_t{1} << 20);
  EXPECT_EQ(open(store, "growing.zt", {.limits = {.index_bytes = 1 << 10}}).size(), 1U);
}

TEST(Source, ReadsAManifestOfManyPiecesThatIsGrowing) {
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back("layer." + std::to_string(i) + std::string(60, 'x'));
  const Data whole = file_of(names);
  const auto store = std::make_shared<ChangingStore>(with_hole(whole, 64 << 20));
  const Source source = open(store, "growing.zt");
  EXPECT_EQ(source.size(), names.size());
  EXPECT_EQ(source.tensor(names.back()).read<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_LT(store->read_bytes, 4 * whole.size());
}

TEST(Source, IsOpenedAnewWhenTheFileChangedWhileItWasRead) {
  const Data old_file = file_of({"w"});
  const Data new_file = file_of({"w", "x"});
  for (int at = 0; at < 12; ++at) {  // the number of the read before which the file changes
    bool grown = false;
    const Source source = open_by([&] {
      auto store = std::make_shared<ChangingStore>(grown ? new_file : old_file);
      if (!grown) {
        store->change = [&, at](int read, Data& bytes) {
          if (read != at) return;
          bytes = new_file;  // the old manifest is overwritten by data
          grown = true;
        };
      }
      return store;
    });
    EXPECT_EQ(source.size(), grown ? 2U : 1U) << at;
  }
}

TEST(Source, IsNotOpenedAnewWhenAFileIsJustWrong) {
  Data wrong = file_of({"w"});
  wrong.back() = std::byte{0};
  int tries = 0;
  try {
    open_by([&] {
      ++tries;
      return std::make_shared<ChangingStore>(wrong);
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.rule(), "zt12.footer.magic");
  }
  EXPECT_EQ(tries, 1);
}

TEST(Source, IsGivenUpWhenTheFileNeverSettles) {
  Data wrong = file_of({"w"});
  wrong[wrong.size() - 8] = std::byte{0};
  int tries = 0;
  const auto start = std::chrono::steady_clock::now();
  try {
    open_by([&] {
      ++tries;
      auto store = std::make_shared<ChangingStore>(wrong);
      store->change = [](int read, Data& bytes) { bytes[bytes.size() - 20] = static_cast<std::byte>(read); };
      return store;
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::malformed);
  }
  EXPECT_EQ(tries, 50);
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

TEST(Source, OnDiskIsOpenedAnewWhenItWasCut) {
  const test::TempDir dir;
  const Data whole = file_of({"w"});
  test::write_file(dir / "w.zt", as_text(whole));
  int tries = 0;
  const auto begin = [&] {
    if (tries == 0) test::write_file(dir / "w.zt", std::string(as_text(whole)) + "half of an append");
    const source::Opened opened{.store = io::File::open(dir / "w.zt"), .path = {}, .name = "w.zt"};
    if (++tries == 1) std::filesystem::resize_file(dir / "w.zt", whole.size());  // the append was given up
    return opened;
  };
  const Source source = source::open_settled(begin, {});
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(source.tensor("w").read<float>(), (std::vector<float>{1, 2, 3}));
}

// The footer still is where it was when the file was opened, but its manifest was overwritten by later ones.
TEST(Source, OnDiskIsOpenedAnewWhenItGrewBeforeItWasLookedAt) {
  const test::TempDir dir;
  const std::vector<float> values = {1, 2, 3};
  const auto add = [&](const std::string& name, WriteMode mode) {
    Writer writer = Writer::create(dir / "w.zt", mode, {.to = "2", .canonical = false});
    writer.add(name, {3}, std::span<const float>(values));
    writer.finalize();
  };
  add("w", WriteMode::replace);
  int tries = 0;
  const auto begin = [&] {
    const source::Opened opened{.store = io::File::open(dir / "w.zt"), .path = {}, .name = "w.zt"};
    if (++tries == 1) {
      for (int i = 0; i < 8; ++i) add("w" + std::to_string(i), WriteMode::append);
    }
    return opened;
  };
  const Source source = source::open_settled(begin, {});
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(source.size(), 9U);
}

}  // namespace
}  // namespace zt
