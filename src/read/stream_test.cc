#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "codec/codecs.h"
#include "deflated.h"
#include "errors.h"
#include "memory_file.h"
#include "random.h"
#include "read/parts.h"
#include "read/pieces.h"
#include "read/slice.h"

// Parts of a codec that only streams.
namespace zt::read {
namespace {

using Data = std::vector<std::byte>;

struct Deflated {
  explicit Deflated(const Data& content, std::uint64_t claimed, const Data& after = {})
      : store([&] {
          Data stored = test::deflated(content);
          stored.insert(stored.end(), after.begin(), after.end());
          return stored;
        }()) {
    recipe = {.stored_length = store.size(), .decoded_length = claimed, .coding = model::Coding::deflate};
  }
  MemoryStore store;
  model::Recipe recipe;
  PartSource part() const { return {&store, recipe, {}}; }
};

Data read_all(const PartSource& part) {
  Data out(static_cast<std::size_t>(part.recipe.decoded_length));
  run::Meter meter;
  const Job job{.part = part, .verify = Verify::always, .out = out};
  carry_out({&job, 1}, 2, meter, [](std::size_t, std::size_t, Error& error) { throw error; });
  return out;
}

std::string rule_of(const PartSource& part) {
  return test::error_of([&] { (void)read_all(part); }).rule();
}

TEST(Stream, ADeflatedPartIsReadWholeAndInSlices) {
  test::Random random(1);
  const Data content = random.soft_bytes((std::size_t{3} << 20) + 17);
  const Deflated deflated(content, content.size());
  EXPECT_TRUE(read_all(deflated.part()) == content);
  const std::vector<std::uint64_t> shape = {content.size()};
  const std::uint64_t start = (std::uint64_t{1} << 20) - 5;
  Data out(100);
  const Picks picks = {AxisPicks{.start = start, .count = out.size()}};
  read_slice(deflated.part(), shape, 1, picks, out, {});
  EXPECT_EQ(std::memcmp(out.data(), content.data() + start, out.size()), 0);
}

TEST(Stream, APartMayBeAViewOfADeflatedBlob) {
  test::Random random(2);
  const Data content = random.soft_bytes((std::size_t{2} << 20) + 128);
  Deflated deflated(content, content.size() - 128);
  const std::vector<std::uint64_t> shape = {content.size() - 128};
  const std::vector<std::int64_t> strides = {1};
  PartSource part = deflated.part();
  part.view = model::View{.blob_length = content.size(), .start = 128, .shape = shape, .strides = strides};
  EXPECT_TRUE(read_all(part) == Data(content.begin() + 128, content.end()));
}

TEST(Stream, AnEmptyDeflatedPartNeedsAStream) {
  EXPECT_TRUE(read_all(Deflated({}, 0).part()).empty());
  Deflated none({}, 0);
  none.recipe.stored_length = 0;
  EXPECT_EQ(rule_of(none.part()), "deflate.stream.empty");
}

TEST(Stream, ADeflatedPartDecodesToExactlyItsLength) {
  const Data content(5000, std::byte{1});
  EXPECT_EQ(rule_of(Deflated(content, 5001).part()), "deflate.stream.short");
  EXPECT_EQ(rule_of(Deflated(content, 4999).part()), "deflate.stream.long");
  EXPECT_EQ(rule_of(Deflated(content, 0).part()), "deflate.stream.long");
}

TEST(Stream, ADeflatedPartUsesAllItsStoredBytes) {
  const Data content(5000, std::byte{1});
  EXPECT_EQ(rule_of(Deflated(content, 5000, Data(3)).part()), "deflate.stream.trailing");
  Deflated cut(content, 5000);
  --cut.recipe.stored_length;
  EXPECT_EQ(rule_of(cut.part()), "deflate.stream.truncated");
}

TEST(Stream, ADeflatedPartOfUnknownLengthIsMeasuredUpToALimit) {
  Deflated deflated(Data(5000), model::kUnknownLength);
  run::Meter meter;
  EXPECT_EQ(measure(deflated.part(), 5000, meter), 5000U);
  const Error error = test::error_of([&] { (void)measure(deflated.part(), 4999, meter); });
  EXPECT_EQ(error.code(), Code::limit);
  EXPECT_STREQ(error.rule(), "deflate.stream.limit");
}

}  // namespace
}  // namespace zt::read
