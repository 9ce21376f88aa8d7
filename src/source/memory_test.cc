#include "ztensor/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace zt {
namespace {

TEST(Memory, IsAlignedAndLivesAsLongAsItsOwner) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, (std::size_t{8} << 20) + 1}) {
    Memory memory = allocate(size);
    EXPECT_EQ(memory.bytes.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.bytes.data()) % 64, 0U);
    const std::shared_ptr<void> owner = std::move(memory.owner);
    std::fill(memory.bytes.begin(), memory.bytes.end(), std::byte{7});
    EXPECT_EQ(memory.bytes.back(), std::byte{7});
  }
}

}  // namespace
}  // namespace zt
