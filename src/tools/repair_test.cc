#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "memory_file.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

const Shape kShape = {2, 2};
const std::vector<float> kData = {1, 2, 3, 4};
const std::vector<float> kOther = {5, 6, 7, 8};

std::pair<Code, std::string> refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.code(), error.rule()};
  }
  return {Code::internal, "nothing was thrown"};
}

using State = RepairReport::State;

class Repair : public testing::TestWithParam<const char*> {
 protected:
  // Makes a version with "a", and then one that also has "b".
  void make() {
    Writer writer = Writer::create(path_, {.to = GetParam()});
    writer.add("a", kShape, std::span<const float>(kData));
    writer.finalize();
    first_ = test::read_file(path_);
    append();
    second_ = test::read_file(path_);
  }
  void append() {
    Writer writer = Writer::create(path_, WriteMode::append);
    writer.add("b", kShape, std::span<const float>(kOther));
    writer.finalize();
  }
  bool is_second() const { return std::string(GetParam()) == "2"; }

  test::TempDir folder_;
  fs::path path_ = folder_.path() / "m.zt";
  std::string first_;
  std::string second_;
};

TEST_P(Repair, LeavesAHealthyFileAlone) {
  make();
  const RepairReport report = repair(path_);
  EXPECT_EQ(report.state, State::healthy);
  EXPECT_EQ(report.tensors, 2U);
  EXPECT_EQ(test::read_file(path_), second_);
}

TEST_P(Repair, FindsAVersionAtWhateverLengthTheFileWasCut) {
  make();
  const std::size_t least = first_.size();
  // Tries every length. If there are many (padding to pages), every length near both ends, and some between.
  const std::size_t step = (second_.size() - least) / 2000 * 10 + 1;
  bool returned = false;  // to the first version
  for (std::size_t length = second_.size() - 1; length >= least;) {
    test::write_file(path_, std::string_view(second_).substr(0, length));
    const RepairReport report = repair(path_);
    const std::string left = test::read_file(path_);
    ASSERT_EQ(report.size_after, left.size()) << length;
    const Source source = open(path_);
    ASSERT_TRUE(verify(source).findings.empty()) << length;
    ASSERT_EQ(source.tensor("a").read<float>(), kData) << length;
    ASSERT_EQ(source.size(), report.tensors);
    if (source.size() == 2) {  // the index was whole, only the bytes after it were lost
      ASSERT_EQ(source.tensor("b").read<float>(), kOther) << length;
    } else {
      ASSERT_TRUE(left == first_) << length;
      returned = true;
    }
    ASSERT_EQ(report.state == State::healthy, length == least) << length;
    const bool near = length > second_.size() - 60 || length < least + 60 + step;
    length -= near ? 1 : step;
  }
  EXPECT_TRUE(returned);
}

TEST_P(Repair, FindsTheIndexOfAFileThatLostItsFooterOnly) {
  make();
  const std::size_t footer = is_second() ? 40 : 16;
  for (std::size_t cut = 1; cut <= footer; ++cut) {
    test::write_file(path_, std::string_view(first_).substr(0, first_.size() - cut));
    const RepairReport report = repair(path_);
    EXPECT_EQ(report.state, State::torn);
    EXPECT_EQ(report.notes.size(), 1U);
    EXPECT_EQ(test::read_file(path_), first_) << cut;
  }
}

TEST_P(Repair, SaysSoWhereNothingIsWhole) {
  make();
  const std::size_t footer = is_second() ? 40 : 16;
  for (std::size_t length = first_.size() - footer - 1; length >= 8;
       length -= std::min(length, first_.size() / 200 + 1)) {
    const std::string cut = first_.substr(0, length);
    test::write_file(path_, cut);
    ASSERT_EQ(refusal([&] { repair(path_); }), std::pair(Code::malformed, std::string("repair.nothing"))) << length;
    ASSERT_EQ(test::read_file(path_), cut);
  }
}

TEST_P(Repair, CutsGarbageOff) {
  make();
  for (const std::size_t length : {1U, 15U, 16U, 40U, 100U, 5'000'000U}) {
    std::string garbage(length, '\x5a');
    if (length > 50) garbage.replace(20, 8, is_second() ? "\x89ZT2\r\n\x1a\n" : "ZTEN1000");
    test::write_file(path_, second_ + garbage);
    const fs::path output = folder_.path() / "out.zt";
    EXPECT_EQ(repair(path_, {.dry_run = true}).state, State::torn);
    EXPECT_EQ(repair(path_, {.output = output, .overwrite = true}).size_after, second_.size());
    EXPECT_EQ(test::read_file(output), second_);
    EXPECT_EQ(fs::file_size(path_), second_.size() + length) << "the file was changed";
    EXPECT_EQ(repair(path_).state, State::torn);
    EXPECT_EQ(test::read_file(path_), second_);
  }
}

TEST_P(Repair, TakesBackWhatAKilledAppendLeft) {
  for (std::size_t at = 0;; ++at) {
    ASSERT_LT(at, 100U) << "the search does not end";
    make();
    test::write_file(path_, first_);
    bool hit = false;
    {
      test::Faults faults(test::Faults::Kind::die, at);
      try {
        append();
      } catch (const Error&) {}
      hit = faults.hit();
    }
    const bool done = open(path_).size() == 2;
    const bool left_something = test::read_file(path_).size() != (done ? second_ : first_).size();
    const RepairReport report = repair(path_);
    EXPECT_EQ(report.state, left_something ? State::unfinished : State::healthy) << at;
    EXPECT_EQ(test::read_file(path_), done ? second_ : first_) << at;
    if (!hit) return;
  }
}

TEST_P(Repair, DoesNotCutWhereOnlyContentsAreWrong) {
  make();
  const auto offset = static_cast<std::size_t>(open(path_).tensor("b").data().offset());
  std::string bytes = second_ + "garbage";
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  test::write_file(path_, bytes);
  EXPECT_EQ(refusal([&] { repair(path_); }), std::pair(Code::malformed, std::string("repair.later")));
  EXPECT_EQ(test::read_file(path_), bytes);
  const fs::path output = folder_.path() / "out.zt";
  EXPECT_EQ(repair(path_, {.output = output}).notes.size(), 1U);
  EXPECT_EQ(open(output).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Generation, Repair, testing::Values("1.2", "2"));

TEST(RepairFile, TellsWhichTensorsWereCutOutOfIt) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  {
    Writer writer = Writer::create(path);
    writer.add("first", kShape, std::span<const float>(kData));
    writer.add("lost", {4096}, std::span<const float>(std::vector<float>(4096)));
    writer.finalize();
  }
  std::string bytes = test::read_file(path);
  bytes.erase(8000, 8192);
  test::write_file(path, bytes);
  try {
    repair(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.rule(), "repair.contents");
    EXPECT_NE(std::string(error.what()).find("'lost'"), std::string::npos) << error.what();
  }
}

TEST(RepairFile, TakesBackWhatAKilledAppendLeftThatHadMovedTheManifest) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  const std::vector<float> data = {1, 2, 3, 4};
  Writer writer = Writer::create(path);
  writer.add("a", {4}, std::span<const float>(data));
  writer.finalize();
  const std::string before = test::read_file(path);
  constexpr std::uint64_t kFar = std::uint64_t{300} << 20;
  fs::resize_file(path, kFar);  // data that no entry names, with the manifest after it
  {
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << before.substr(80);
  }
  ASSERT_EQ(open(path).tensor("a").read<float>(), data);
  EXPECT_EQ(repair(path, {.dry_run = true}).size_after, before.size());
  const RepairReport report = repair(path);
  EXPECT_EQ(report.state, State::unfinished);
  EXPECT_EQ(test::read_file(path), before);
}

// A tensor without digests that holds a whole .zt file, and other bytes.
TEST(RepairFile, DoesNotTakeAFileInsideATensorForAVersion) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  const std::vector<float> data = {1, 2, 3, 4};
  std::vector<std::byte> inner =
      test::written({.checksum = Checksum::none}, [&](Writer& w) { w.add("b", {4}, std::span<const float>(data)); });
  inner.resize(inner.size() + 1400, std::byte{7});
  const std::vector<std::byte> outer = test::written({.checksum = Checksum::none}, [&](Writer& w) {
    w.add("outer", ArrayView{.dtype = DType::u8, .shape = {inner.size()}, .data = inner.data()});
  });
  for (const std::size_t cut : {1U, 8U, 16U, 17U, 20U, 100U}) {
    const std::string left(reinterpret_cast<const char*>(outer.data()), outer.size() - cut);
    test::write_file(path, left);
    if (cut <= 16) {  // the index is whole
      repair(path);
      EXPECT_EQ(open(path).tensor("outer").data().read(), inner) << cut;
    } else {
      EXPECT_EQ(refusal([&] { repair(path); }).second, "repair.undigested") << cut;
      EXPECT_EQ(test::read_file(path), left);
    }
  }
}

TEST(RepairFile, RefusesOtherFormats) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  for (const std::string_view content : {"", "short", "longer than a magic, but none"}) {
    test::write_file(path, content);
    EXPECT_EQ(refusal([&] { repair(path); }), std::pair(Code::unsupported, std::string("repair.format")));
  }
}

// A file that consists only of footers is searched in time linear in its size.
TEST(RepairFile, EndsSoonOnAFileOfFooters) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  std::string bytes = "ZTEN1000\xa2";
  bytes.resize(24);
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t size = bytes.size() - 8;  // claims a manifest from there to here
    bytes.append(reinterpret_cast<const char*>(&size), 8);
    bytes += "ZTEN1000";
  }
  bytes += "x";
  test::write_file(path, bytes);
  EXPECT_EQ(refusal([&] { repair(path); }), std::pair(Code::limit, std::string("repair.limit")));
}

}  // namespace
}  // namespace zt
