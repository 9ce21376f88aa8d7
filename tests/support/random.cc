#include "random.h"

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace zt::test {
namespace {

std::uint64_t seed_of_environment() {
  const char* text = std::getenv("ZT_SEED");
  if (text == nullptr) return 0;
  const std::string_view digits = text;
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seed);
  if (error == std::errc() && end == digits.data() + digits.size()) return seed;
  std::cerr << "ZT_SEED is a whole number, not '" << digits << "'\n";
  std::exit(2);  // with another seed than the chosen one, the test might pass
}

// Prints, for every test that fails, how to make its inputs again.
class SeedTeller final : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo& test) override {
    if (test.result()->Failed()) std::cout << "Its inputs again: " << Random::name() << std::endl;
  }
};

[[maybe_unused]] const bool kTells = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new SeedTeller);  // gtest owns it
  return true;
}();

}  // namespace

std::uint64_t run_seed() {
  static const std::uint64_t seed = seed_of_environment();
  return seed;
}

std::vector<std::byte> Random::bytes(std::size_t size) {
  std::vector<std::byte> out(size);
  for (std::byte& byte : out) byte = static_cast<std::byte>(engine_() >> 56);
  return out;
}

std::vector<std::byte> Random::soft_bytes(std::size_t size) {
  std::vector<std::byte> out(size);
  for (std::byte& byte : out) byte = static_cast<std::byte>(engine_() >> 62);
  return out;
}

}  // namespace zt::test
