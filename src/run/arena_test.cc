#include "run/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace zt::run {
namespace {

TEST(Arena, GivesAlignedMemoryOfAnySize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, (std::size_t{128} << 10) - 1,
                                 std::size_t{128} << 10, std::size_t{3} << 20, (std::size_t{8} << 20) + 1}) {
    for (const auto make : {allocate, allocate_returned}) {
      const Buffer buffer = make(size);
      ASSERT_EQ(buffer.bytes.size(), size);
      ASSERT_NE(buffer.bytes.data(), nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.bytes.data()) % 64, 0U);
      std::memset(buffer.bytes.data(), 7, size);
    }
  }
}

}  // namespace
}  // namespace zt::run
