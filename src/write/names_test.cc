#include "write/names.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "errors.h"
#include "foreign/safetensors.h"

namespace zt::write {
namespace {

const model::Encoder& k12 = container::zt12::kEncoder;
const model::Encoder& k2 = container::zt2::kEncoder;

// "e" and a combining accent: not in NFC.
constexpr std::string_view kDecomposed = "e\xCC\x81";

template <class Work>
bool passes(Work&& work) {
  return test::code_of(work) == Code::internal;  // error_of() gives this if there is no error
}

TEST(Names, NamesAre1To1024BytesOfUtf8WithoutNul) {
  EXPECT_TRUE(passes([] { check_name("w", k12); }));
  EXPECT_TRUE(passes([] { check_name(std::string(1024, 'a'), k12); }));
  EXPECT_TRUE(passes([] { check_name(kDecomposed, k12); }));
  using namespace std::string_view_literals;
  const std::string long_name(1025, 'a');
  for (const std::string_view name : {""sv, "a\0b"sv, "\xFF"sv, std::string_view(long_name)}) {
    EXPECT_EQ(test::code_of([&] { check_name(name, k12); }), Code::usage) << name;
    const Error moved = test::error_of([&] { check_movable(name, k12, false); });
    EXPECT_EQ(moved.code(), Code::unsupported) << "a name in another file is not the caller's fault";
    EXPECT_STREQ(moved.rule(), "write.name");
  }
}

TEST(Names, CanonicalFilesWantNamesInNormalForm) {
  EXPECT_EQ(test::code_of([] { check_normal_form(kDecomposed); }), Code::usage);
  EXPECT_TRUE(passes([] { check_normal_form("\xC3\xA9"); }));
  EXPECT_TRUE(passes([] { check_movable(kDecomposed, k12, false); }));
  EXPECT_STREQ(test::error_of([] { check_movable(kDecomposed, k2, true); }).rule(), "write.name");
}

TEST(Names, RolesMayBeEmptyAndHoldNulExceptInStrictFormats) {
  using namespace std::string_view_literals;
  for (const std::string_view role : {""sv, "a\0b"sv}) {
    EXPECT_TRUE(passes([&] { check_role(role, k12); }));
    EXPECT_EQ(test::code_of([&] { check_role(role, k2); }), Code::usage);
  }
  for (const model::Encoder* encoder : {&k12, &k2}) {
    EXPECT_TRUE(passes([&] { check_role("data", *encoder); }));
    EXPECT_EQ(test::code_of([&] { check_role("\xFF", *encoder); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { check_role(std::string(1025, 'a'), *encoder); }), Code::usage);
  }
}

TEST(Names, SomeAreTakenInSomeFormats) {
  const model::Encoder& safetensors = foreign::safetensors::kEncoder;
  EXPECT_TRUE(passes([&] { check_name("__metadata__", k12); }));
  EXPECT_EQ(test::code_of([&] { check_name("__metadata__", safetensors); }), Code::unsupported);
  EXPECT_STREQ(test::error_of([&] { check_movable("__metadata__", safetensors, false); }).rule(), "write.name");
}

}  // namespace
}  // namespace zt::write
