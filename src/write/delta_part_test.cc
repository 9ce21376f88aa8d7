#include "write/delta_part.h"

#include <gtest/gtest.h>

#include "ztensor/error.h"

namespace zt {
namespace {

TEST(DeltaPart, ABaseNeedsAnIdAndAHintWithoutAFolder) {
  const auto refused = [](const DeltaBase& base) {
    EXPECT_THROW(static_cast<void>(write::base_attribute(base)), Error);
  };
  refused({.id = "", .hint = "base.zt"});
  refused({.id = "two words", .hint = ""});
  refused({.id = "sha256:0", .hint = "a/b.zt"});
  refused({.id = "sha256:0", .hint = ".."});
  EXPECT_EQ(write::base_attribute({.id = "sha256:0", .hint = "b.zt"}).second, "sha256:0 b.zt");
}

}  // namespace
}  // namespace zt
