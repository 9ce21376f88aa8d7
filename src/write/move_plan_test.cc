#include "write/move_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "source/formats.h"

namespace zt::write {
namespace {

Form form_of(std::string_view format, bool canonical = false, std::optional<Checksum> checksum = {}) {
  Form form{.encoder = source::find_writable(format).encoder, .options = {}, .canonical = canonical};
  form.options.checksum = checksum;
  return form;
}

// The plan as text, one word for each decision.
std::string told(const MovePlan& plan) {
  if (!plan.as_is) return "anew";
  std::string text = plan.digest == MovedDigest::keep ? "keep" : plan.digest == MovedDigest::hash ? "hash" : "decode";
  if (plan.digest != MovedDigest::keep) text += " " + std::string(checksum_name(plan.checksum));
  return text + (plan.check_decoded ? ", checked" : "");
}

constexpr std::string_view kCrc = "crc32c:0x00000001";
constexpr std::string_view kSha = "sha256:00";
constexpr std::string_view kXxh3 = "xxh3:00";

MovedPart old_part(model::Coding coding, std::string_view digest) {  // of 1.x
  return {.coding = coding, .digest = digest, .is_seekable = [] { return true; }};
}

MovedPart new_part(model::Coding coding, std::string_view digest) {  // of 2
  return {.decoded_digests = true, .coding = coding, .digest = digest, .is_seekable = [] { return true; }};
}

TEST(MovePlan, SaysWhatBecomesOfBytesAndDigest) {
  using model::Coding;
  struct Row {
    MovedPart part;
    Form to;
    std::string expected;
  };
  const Form floor = form_of("2");
  const std::vector<Row> table = {
      // From 1.x to 1.x: both stay.
      {old_part(Coding::raw, kCrc), form_of("1.2"), "keep"},
      {old_part(Coding::raw, ""), form_of("1.2"), "keep"},
      {old_part(Coding::zstd, kSha), form_of("1.2"), "keep"},
      {old_part(Coding::zstd, kCrc), form_of("1.0"), "keep"},
      // Readers of 1.0 know one form of digest.
      {old_part(Coding::raw, kSha), form_of("1.0"), "hash crc32c"},
      {old_part(Coding::raw, ""), form_of("1.0"), "hash crc32c"},
      {old_part(Coding::raw, kCrc), form_of("1.2", false, Checksum::sha256), "hash sha256"},
      {old_part(Coding::raw, kCrc), form_of("1.2", false, Checksum::none), "hash none"},
      // From 1.x to 2, whose digests are over decoded bytes.
      {old_part(Coding::raw, kSha), floor, "hash xxh3"},
      {old_part(Coding::zstd, kCrc), floor, "decode xxh3"},
      {old_part(Coding::raw, kCrc), form_of("2", true), "hash xxh3"},
      {old_part(Coding::zstd, kCrc), form_of("2", true), "anew"},
      // From 2 to 2.
      {new_part(Coding::raw, kXxh3), floor, "hash xxh3"},
      {new_part(Coding::raw, kSha), floor, "hash sha256"},
      {new_part(Coding::raw, kSha), form_of("2", true), "hash xxh3"},
      {new_part(Coding::seekable, kSha), floor, "decode sha256"},
      {new_part(Coding::seekable, kSha), form_of("2", false, Checksum::none), "decode none, checked"},
      {new_part(Coding::raw, kSha), form_of("2", false, Checksum::none), "hash none"},
      // From 2 to 1.x: the old digest is checked, which needs a decode.
      {new_part(Coding::raw, kXxh3), form_of("1.2"), "hash crc32c"},
      {new_part(Coding::seekable, kXxh3), form_of("1.2"), "hash crc32c, checked"},
      {new_part(Coding::seekable, kXxh3), form_of("1.0"), "hash crc32c, checked"},
      // safetensors has neither compression nor digests.
      {old_part(Coding::raw, kCrc), form_of("safetensors"), "hash none"},
      {new_part(Coding::raw, kXxh3), form_of("safetensors"), "hash none"},
      {old_part(Coding::zstd, kCrc), form_of("safetensors"), "anew"},
  };
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(told(plan_move(table[i].part, table[i].to, {})), table[i].expected) << "row " << i;
  }
}

TEST(MovePlan, StoresAnewWhatIsOtherwiseHere) {
  using model::Coding;
  MovedPart foreign = old_part(Coding::raw, "");
  foreign.foreign = true;
  MovedPart view = old_part(Coding::raw, kCrc);
  view.whole = false;
  MovedPart changed = old_part(Coding::raw, kCrc);
  changed.changed = true;
  for (const MovedPart& part : {foreign, view, changed}) {
    EXPECT_FALSE(plan_move(part, form_of("1.2"), {}).as_is);
  }
  EXPECT_FALSE(plan_move(old_part(Coding::raw, kCrc), form_of("1.2"), Encoding::zstd()).as_is);
  EXPECT_FALSE(plan_move(old_part(Coding::zstd, kCrc), form_of("1.2"), Encoding::raw()).as_is);
  EXPECT_TRUE(plan_move(old_part(Coding::raw, kCrc), form_of("1.2"), Encoding::raw()).as_is);
}

TEST(MovePlan, AsksForASeekTableOnlyWhereOneIsNeeded) {
  int asked = 0;
  MovedPart part = old_part(model::Coding::zstd, kCrc);
  part.is_seekable = [&] { return ++asked == 0; };
  EXPECT_TRUE(plan_move(part, form_of("1.2"), {}).as_is);
  EXPECT_EQ(asked, 0);
  EXPECT_FALSE(plan_move(part, form_of("2"), {}).as_is);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace zt::write
