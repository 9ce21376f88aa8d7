#include "ztensor/delta.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "posix_only.h"
#include "power_loss.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;
using test::Faults;
using test::PowerLoss;

using Contents = std::map<std::string, std::vector<std::byte>>;

// Numbers that delta coding makes short: most stay as they are.
std::vector<std::uint32_t> numbers(std::size_t count, std::uint32_t step) {
  std::vector<std::uint32_t> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<std::uint32_t>(i * 7919);
  for (std::size_t i = step; step > 0 && i < count; i += 97) made[i] += step;
  return made;
}

Contents contents_of(const Source& source) {
  Contents contents;
  for (const Tensor tensor : source) {
    std::vector<std::byte>& bytes = contents[std::string(tensor.name())];
    bytes.resize(*tensor.nbytes());
    tensor.data().read_into(bytes, Verify::always);
  }
  return contents;
}
Contents contents_of(const fs::path& path) { return contents_of(open(path)); }

// Three versions of a file, and what changed between them.
class ApplyFiles : public testing::TestWithParam<const char*> {
 protected:
  ApplyFiles() {
    for (std::uint32_t step = 0; step < 3; ++step) write(step);
    static_cast<void>(write_delta(open(path("v0")), open(path("v1")), path("d1"), {.writer = {.to = GetParam()}}));
    static_cast<void>(write_delta(open(path("v1")), open(path("v2")), path("d2"), {.writer = {.to = GetParam()}}));
  }
  fs::path path(const std::string& name) const { return folder_.path() / (name + ".zt"); }
  void write(std::uint32_t step) {
    Writer writer = Writer::create(path("v" + std::to_string(step)), {.to = GetParam(), .canonical = false});
    writer.add("w", {300, 10}, numbers(3000, step));
    writer.add("same", {2000}, numbers(2000, 0));
    if (step == 0) writer.add("old", {3}, numbers(3, 0));
    if (step > 0) writer.add("new", {3}, numbers(3, step));
    writer.set_attributes(Value(Value::Map{{"step", std::to_string(step)}}));
    writer.finalize();
  }
  // A file to change.
  void begin(const std::string& version) const {
    fs::remove(path("f"));
    fs::copy_file(path(version), path("f"));
  }
  test::TempDir folder_;
};

TEST_P(ApplyFiles, BecomesWhatTheDeltaStandsFor) {
  ZT_REPLACES_OPEN_FILES();
  begin("v0");
  std::optional<Source> before = open(path("f"));
  std::pair<std::uint64_t, std::uint64_t> last;
  const ApplyReport report =
      apply_delta(path("f"), path("d1"), {.verify = true, .progress = [&](std::uint64_t done, std::uint64_t total) {
                                            last = {done, total};
                                            return true;
                                          }});
  EXPECT_EQ(last, std::pair(std::uint64_t{20012}, std::uint64_t{20012}));
  EXPECT_EQ(report.tensors, 3U);
  EXPECT_EQ(report.deltas, 1U);
  EXPECT_EQ(report.whole, 1U);
  EXPECT_EQ(report.removed, 1U);
  EXPECT_EQ(content_id(open(path("f"))), content_id(open(path("v1"))));
  EXPECT_EQ(contents_of(*before), contents_of(path("v0")));  // who has it open keeps what it sees
  before.reset();
  // The next one replaces the first delta: it is over the same base.
  EXPECT_EQ(apply_delta(path("f"), path("d2")).deltas, 1U);
  EXPECT_EQ(content_id(open(path("f"))), content_id(open(path("v2"))));
  EXPECT_TRUE(check(open(path("f"))).findings.empty());
  const std::uint64_t grown = fs::file_size(path("f"));
  EXPECT_TRUE(compact(path("f")).changed);
  EXPECT_LT(fs::file_size(path("f")), grown);
  EXPECT_EQ(content_id(open(path("f"))), content_id(open(path("v2"))));
}

TEST_P(ApplyFiles, RefusesAnotherFileThanTheBase) {
  begin("v1");
  const std::uint64_t size = fs::file_size(path("f"));
  try {
    static_cast<void>(apply_delta(path("f"), path("d1")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.rule(), "delta.base.check");
  }
  EXPECT_EQ(fs::file_size(path("f")), size);
  EXPECT_EQ(content_id(open(path("f"))), content_id(open(path("v1"))));
  EXPECT_THROW(static_cast<void>(apply_delta(path("d1"), path("d1"))), Error);
}

TEST_P(ApplyFiles, RefusesTheNameOfAHiddenBase) {
  begin("v0");
  static_cast<void>(apply_delta(path("f"), path("d1")));
  Writer writer = Writer::create(path("n"), {.to = GetParam(), .canonical = false});
  writer.add("w", {300, 10}, numbers(3000, 1));
  writer.add("w@base", {3}, numbers(3, 1));
  writer.finalize();
  static_cast<void>(write_delta(open(path("f")), open(path("n")), path("d"), {.writer = {.to = GetParam()}}));
  try {
    static_cast<void>(apply_delta(path("f"), path("d")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::usage);
    EXPECT_NE(std::string(error.what()).find("hidden tensor of this name"), std::string::npos) << error.what();
  }
  EXPECT_EQ(content_id(open(path("f"))), content_id(open(path("v1"))));
}

TEST_P(ApplyFiles, IsOldOrNewWhereverItIsKilledAndGoesOn) {
  const Contents old = contents_of(path("v0")), grown = contents_of(path("v1"));
  std::size_t at = 0;
  for (bool hit = true; hit; ++at) {
    begin("v0");
    {
      Faults faults(Faults::Kind::die, at);
      try {
        static_cast<void>(apply_delta(path("f"), path("d1")));
      } catch (const Error&) {}
      hit = faults.hit();
    }
    const Contents left = contents_of(path("f"));
    ASSERT_TRUE(left == old || left == grown) << at;
    if (left == old) static_cast<void>(apply_delta(path("f"), path("d1")));
    ASSERT_EQ(contents_of(path("f")), grown) << at;
  }
  EXPECT_GT(at, 5U);
}

TEST_P(ApplyFiles, IsTakenBackWhereverACallFails) {
  const Contents old = contents_of(path("v0")), grown = contents_of(path("v1"));
  for (const Faults::Kind kind : {Faults::Kind::fail, Faults::Kind::short_fail}) {
    bool hit = true;
    for (std::size_t at = 0; hit; ++at) {
      begin("v0");
      bool threw = false;
      {
        Faults faults(kind, at, ENOSPC);
        try {
          static_cast<void>(apply_delta(path("f"), path("d1")));
        } catch (const Error& error) {
          threw = true;
          EXPECT_EQ(error.os_error(), ENOSPC) << error.what();
        }
        hit = faults.hit();
      }
      ASSERT_EQ(contents_of(path("f")), threw ? old : grown) << at;
      if (threw) static_cast<void>(apply_delta(path("f"), path("d1")));
      ASSERT_EQ(contents_of(path("f")), grown) << at;
    }
  }
}

TEST_P(ApplyFiles, SurvivesTheLossOfPower) {
  begin("v0");
  const Contents old = contents_of(path("v0")), grown = contents_of(path("v1"));
  PowerLoss power(path("f"));
  static_cast<void>(apply_delta(path("f"), path("d1"), {.durable = true}));
  power.each(3, 1, [&](const std::string& content, std::size_t synced) {
    const auto bytes = std::as_bytes(std::span(content));
    const Contents now =
        contents_of(open(std::make_shared<MemoryStore>(std::vector<std::byte>(bytes.begin(), bytes.end())), "f"));
    ASSERT_TRUE(now == grown || (synced < power.syncs() && now == old)) << synced;
  });
}

TEST_P(ApplyFiles, FoldsIntoOneOverTheFirstBase) {
  const std::vector<fs::path> both = {path("d1"), path("d2")};
  const DeltaFileReport report = fold_deltas(both, path("both"), {.writer = {.to = GetParam()}});
  EXPECT_EQ(report.base, content_id(open(path("v0"))));
  EXPECT_GT(report.deltas, 0U);
  fs::remove(path("d1"));
  fs::remove(path("v1"));
  EXPECT_EQ(content_id(open(path("both"))), content_id(open(path("v2"))));
}

TEST_P(ApplyFiles, ListsChanges) {
  for (const bool patch : {false, true}) {
    static_cast<void>(write_delta(open(path("v0")), open(path("v1")), path("p"),
                                  {.writer = {.to = GetParam()}, .patch = patch, .overwrite = true}));
    const Source source = open(path("p"));
    if (patch) fs::rename(path("v0"), path("away"));
    std::vector<std::uint32_t> flat = numbers(3000, 0);
    ASSERT_EQ(change_pieces(source.tensor("w")), 1U);
    const Changes changes = changes_of(source.tensor("w"), 0);
    ASSERT_FALSE(changes.is_whole);
    EXPECT_EQ(changes.count, 3000U);
    EXPECT_EQ(changes.indices.size(), 31U);
    for (std::size_t i = 0; i < changes.indices.size(); ++i) {
      std::memcpy(&flat[changes.indices[i]], &changes.elements[i * 4], 4);
    }
    EXPECT_EQ(flat, numbers(3000, 1));
    EXPECT_TRUE(changes_of(source.tensor("same"), 0).indices.empty());
    EXPECT_THROW(static_cast<void>(changes_of(source.tensor("w"), 1)), Error);
    EXPECT_THROW(static_cast<void>(change_pieces(source.tensor("new"))), Error);
  }
}

TEST_P(ApplyFiles, AWriterWithABaseStoresWhatChanged) {
  Writer writer = Writer::create(
      path("w"), {.to = GetParam(), .attributes = Value(Value::Map{{"a", 1}}), .base = delta_base(open(path("v0")))});
  writer.add("w", {300, 10}, numbers(3000, 1), {.delta = true});
  writer.add("other", {3}, numbers(3, 0), {.delta = true});  // the base has none
  writer.add_alias("second", "w");
  EXPECT_EQ(writer.attributes(), Value(Value::Map{{"a", 1}}));
  writer.finalize();
  const Source source = open(path("w"));
  EXPECT_EQ(source.tensor("w").data().encoding(), "delta");
  EXPECT_EQ(contents_of(source)["w"], contents_of(path("v1"))["w"]);
  EXPECT_EQ(contents_of(source)["second"], contents_of(path("v1"))["w"]);
  EXPECT_EQ(source.attributes(), Value(Value::Map{{"a", 1}}));
  EXPECT_THROW(static_cast<void>(Writer::create(path("v0"), {.base = delta_base(open(path("v0")))})), Error);
  EXPECT_THROW(
      static_cast<void>(Writer::create(path("s"), {.to = "safetensors", .base = delta_base(open(path("v0")))})), Error);
}

INSTANTIATE_TEST_SUITE_P(Formats, ApplyFiles, testing::Values("1.2", "2"),
                         [](const auto& format) { return std::string(format.param) == "2" ? "Zt2" : "Zt12"; });

}  // namespace
}  // namespace zt
