#include "ztensor/verify.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "codec/zstd.h"
#include "memory_file.h"
#include "run/parallel.h"

namespace zt {
namespace {

// While this object lives, the first item of parallel work waits until the second is done.
class SecondFirst final : public run::Hook {
 public:
  SecondFirst() { run::set_hook(this); }
  ~SecondFirst() override { run::set_hook(nullptr); }
  SecondFirst(const SecondFirst&) = delete;
  SecondFirst& operator=(const SecondFirst&) = delete;

  std::uint64_t worth_threads() noexcept override { return 0; }
  run::Work around(const run::Work& work, std::size_t) override {
    return [this, &work](std::size_t item) {
      if (item == 0) {
        EXPECT_EQ(second_.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
      }
      work(item);
      if (item == 1) second_.set_value();
    };
  }

 private:
  std::promise<void> second_;
};

TEST(Verify, FindsTheEarliestFaultOfAPartWhicheverIsFoundFirst) {
  std::vector<std::byte> bools(2 * codec::kFrameBytes);
  const ArrayView array{.dtype = DType::boolean, .shape = {bools.size()}, .data = bools.data()};
  std::vector<std::byte> file =
      test::written({.checksum = Checksum::none}, [&](Writer& writer) { writer.add("b", array); });
  const std::uint64_t at = test::open_bytes(file).tensor("b").data().offset();
  file[at + 7] = std::byte{2};  // in the first piece, and another in the second
  file[at + codec::kFrameBytes + 7] = std::byte{2};
  const Source source = test::open_bytes(file, {.threads = 2});
  const SecondFirst order;
  const VerifyReport report = check(source);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_NE(std::string(report.findings[0].error.what()).find("element 7 "), std::string::npos)
      << report.findings[0].error.what();
}

}  // namespace
}  // namespace zt
