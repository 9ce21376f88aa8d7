#include "write/layouts.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "container/zt10/zt10.h"
#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"

namespace zt::write {
namespace {

const model::Encoder& k10 = container::zt10::kEncoder;
const model::Encoder& k12 = container::zt12::kEncoder;
const model::Encoder& k2 = container::zt2::kEncoder;

TEST(Layouts, KeepsOnlyThePartsOfALayoutInStrictFormats) {
  EXPECT_TRUE(is_kept("dense", "data", k2));
  EXPECT_FALSE(is_kept("dense", "extra", k2));
  EXPECT_FALSE(is_kept("dense", "extra", k10));
  EXPECT_TRUE(is_kept("dense", "extra", k12));
  EXPECT_TRUE(is_kept("acme.layout", "extra", k2)) << "the parts of this layout are unknown";
}

}  // namespace
}  // namespace zt::write
