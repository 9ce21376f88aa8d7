#include "write/losses.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "container/zt10/zt10.h"
#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "errors.h"
#include "memory_file.h"

namespace zt::write {
namespace {

const model::Encoder& k10 = container::zt10::kEncoder;
const model::Encoder& k12 = container::zt12::kEncoder;
const model::Encoder& k2 = container::zt2::kEncoder;

template <class Work>
bool passes(Work&& work) {
  return test::code_of(work) == Code::internal;  // what error_of() says of nothing
}

TEST(Losses, StoresADtypeByItsStorageWhereTheFormatLacksIt) {
  EXPECT_EQ(stored_dtype(DType::f32, k10), DType::f32);
  EXPECT_EQ(stored_dtype(DType::f8_e5m2, k12), DType::f8_e5m2);
  EXPECT_EQ(stored_dtype(DType::f8_e5m2, k10), DType::u8);
  EXPECT_EQ(stored_dtype(DType::complex64, k10), std::nullopt);
}

TEST(Losses, RefusesALossUnlessItIsToBeAndSomethingIsLeft) {
  const Loss small{"its attributes"};
  const Loss fatal{"its dtype", true};
  EXPECT_TRUE(passes([] { check_losses({}, k2, false); }));
  EXPECT_TRUE(passes([&] { check_losses({small}, k2, true); }));
  EXPECT_STREQ(test::error_of([&] { check_losses({small}, k2, false); }).rule(), "write.loss");
  EXPECT_EQ(test::code_of([&] { check_losses({small, fatal}, k2, true); }), Code::unsupported);
}

TEST(Losses, TellsWhatATensorLosesByItsKind) {
  const std::vector<std::uint8_t> data = {1, 2};
  const ArrayView two{.dtype = DType::u8, .shape = {2}, .data = std::as_bytes(std::span(data)).data()};
  const Source source = test::open_bytes(test::written({}, [&](Writer& writer) {
    writer.add("plain", two);
    writer.add_object("two", {2}, "dense", std::vector<PartView>{{"data", two}, {"extra", two}});
    writer.add_object("other", {2}, "acme.layout", std::vector<PartView>{{"x", two}});
    writer.add_object("mx", {2}, "zt.mx/1", std::vector<PartView>{{"data", two}});
    writer.add_object("none", {2}, "acme.layout", {});
  }));
  const auto count = [&](const char* name, const model::Encoder& encoder) {
    return losses_of(source.tensor(name), encoder).size();
  };
  for (const model::Encoder* encoder : {&k10, &k12, &k2}) EXPECT_EQ(count("plain", *encoder), 0U);
  EXPECT_EQ(count("two", k12), 0U);
  EXPECT_EQ(count("two", k2), 1U);
  EXPECT_EQ(count("other", k12), 0U);
  EXPECT_EQ(count("other", k2), 0U);
  EXPECT_GE(count("other", k10), 1U);
  EXPECT_EQ(count("mx", k12), 0U) << "1.x files may break the rules of a profile";
  EXPECT_EQ(count("mx", k2), 1U);
  EXPECT_EQ(count("none", k2), 1U) << "no object is empty there";
}

}  // namespace
}  // namespace zt::write
