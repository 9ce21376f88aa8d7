#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "container/zt2/zt2.h"
#include "memory_file.h"
#include "temp_dir.h"
#include "tools/canonical_check.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

const std::vector<float> kData = {1, 2, 3, 4};
const std::vector<float> kOther = {5, 6, 7, 8};
const Shape kShape = {2, 2};

using Bytes = std::vector<std::byte>;

std::string rule_of(const Bytes& file) {
  const auto found = tools::find_uncanonical(test::open_bytes(file), {});
  return found.empty() ? "" : found.front().error.rule();
}

Bytes canonical(const std::function<void(Writer&)>& fill) { return test::written({.to = "2"}, fill); }

Bytes floor(const std::function<void(Writer&)>& fill, std::uint64_t alignment = 65536) {
  return test::written({.to = "2", .alignment = alignment, .canonical = false}, fill);
}

void two(Writer& w) {
  w.add("a", kShape, std::span<const float>(kData), {.attributes = Value(Value::Map{{"k", 1}})});
  w.add("b", kShape, std::span<const float>(kOther));
}

TEST(CanonicalCheck, TakesWhatTheCanonicalWriterMakes) {
  EXPECT_EQ(rule_of(canonical(two)), "");
  EXPECT_EQ(rule_of(canonical([](Writer&) {})), "");
  EXPECT_EQ(rule_of(canonical([](Writer& w) {
              w.add("z", {0, 3}, std::span<const float>());
              w.add("a", {0}, std::span<const float>());
              w.add("tied", kShape, std::span<const float>(kData));
              w.add("same", kShape, std::span<const float>(kData));
              w.add_alias("alias", "tied");
            })),
            "");
  EXPECT_EQ(rule_of(floor(two)), "") << "the bytes do not tell how it was asked for";
}

TEST(CanonicalCheck, FindsEachRuleThatIsBroken) {
  EXPECT_EQ(rule_of(test::written({}, two)), "canonical.format");
  EXPECT_EQ(rule_of(floor(two, 4096)), "canonical.place");
  EXPECT_EQ(rule_of(floor([](Writer& w) {
              w.add("b", kShape, std::span<const float>(kOther));
              w.add("a", kShape, std::span<const float>(kData));
            })),
            "canonical.place");
  EXPECT_EQ(rule_of(floor(
                [](Writer& w) { w.add("a", kShape, std::span<const float>(kData), {.checksum = Checksum::sha256}); })),
            "canonical.digest");
  const std::vector<float> zeros(4096);
  EXPECT_EQ(rule_of(floor(
                [&](Writer& w) { w.add("a", {4096}, std::span<const float>(zeros), {.encoding = Encoding::zstd()}); })),
            "canonical.encoding");
  EXPECT_EQ(rule_of(floor([](Writer& w) {  // a sink cannot be read back, so it shares no parts
              w.add("a", kShape, std::span<const float>(kData));
              w.add("b", kShape, std::span<const float>(kData));
            })),
            "canonical.shared");
  EXPECT_EQ(rule_of(floor([](Writer& w) { w.add("e\xCC\x81", kShape, std::span<const float>(kData)); })),
            "canonical.name");
}

TEST(CanonicalCheck, FindsBytesThatNobodyReads) {
  Bytes padded = canonical(two);
  padded[100] = std::byte{1};
  EXPECT_EQ(rule_of(padded), "canonical.padding");
  Bytes reserved = canonical(two);
  reserved[reserved.size() - 10] = std::byte{1};
  EXPECT_EQ(rule_of(reserved), "canonical.footer");
}

TEST(CanonicalCheck, FindsShardsUnknownKeysAndEmptyMaps) {
  const test::TempDir folder;
  const auto path = folder.path() / "m.zt";
  Writer writer = Writer::create(path, {.to = "2", .max_shard_size = 1 << 20});
  two(writer);
  writer.finalize();
  EXPECT_STREQ(tools::find_uncanonical(open(path), {}).front().error.rule(), "canonical.shards");

  Bytes file = canonical([](Writer&) {});
  const std::string unknown = "\xA2\x67objects\xA0\x69unknown.x\x01";
  Bytes manifest(as_bytes(unknown).begin(), as_bytes(unknown).end());
  file.resize(65536);
  file.insert(file.end(), manifest.begin(), manifest.end());
  const auto footer = container::zt2::kEncoder.footer(65536, manifest);
  file.insert(file.end(), footer.begin(), footer.end());
  EXPECT_EQ(rule_of(file), "canonical.manifest");
}

}  // namespace
}  // namespace zt
