#include "write/admission.h"

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

// "e" and an accent apart: not in NFC.
constexpr std::string_view kDecomposed = "e\xCC\x81";

template <class Work>
bool passes(Work&& work) {
  return test::code_of(work) == Code::internal;  // what error_of() says of nothing
}

TEST(Admission, NamesAre1To1024BytesOfUtf8WithoutNul) {
  EXPECT_TRUE(passes([] { check_name("w"); }));
  EXPECT_TRUE(passes([] { check_name(std::string(1024, 'a')); }));
  EXPECT_TRUE(passes([] { check_name(kDecomposed); }));
  using namespace std::string_view_literals;
  const std::string long_name(1025, 'a');
  for (const std::string_view name : {""sv, "a\0b"sv, "\xFF"sv, std::string_view(long_name)}) {
    EXPECT_EQ(test::code_of([&] { check_name(name); }), Code::usage) << name;
    const Error moved = test::error_of([&] { check_movable(name); });
    EXPECT_EQ(moved.code(), Code::unsupported) << "a name that another file has is not the caller's fault";
    EXPECT_STREQ(moved.rule(), "write.name");
  }
}

TEST(Admission, CanonicalFilesWantNamesInNormalForm) {
  EXPECT_EQ(test::code_of([] { check_normal_form(kDecomposed); }), Code::usage);
  EXPECT_TRUE(passes([] { check_normal_form("\xC3\xA9"); }));
  EXPECT_TRUE(passes([] { check_movable(kDecomposed, false); }));
  EXPECT_STREQ(test::error_of([] { check_movable(kDecomposed, true); }).rule(), "write.name");
}

TEST(Admission, RolesMayBeEmptyAndHoldNulExceptInStrictFormats) {
  using namespace std::string_view_literals;
  for (const std::string_view role : {""sv, "a\0b"sv}) {
    EXPECT_TRUE(passes([&] { check_role(role, false); }));
    EXPECT_EQ(test::code_of([&] { check_role(role, true); }), Code::usage);
  }
  for (const bool strict : {false, true}) {
    EXPECT_TRUE(passes([&] { check_role("data", strict); }));
    EXPECT_EQ(test::code_of([&] { check_role("\xFF", strict); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { check_role(std::string(1025, 'a'), strict); }), Code::usage);
  }
}

TEST(Admission, LevelsOfZstdAre1To22) {
  for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1), Encoding::zstd(22)}) {
    EXPECT_TRUE(passes([&] { check_level(encoding); }));
  }
  for (const int level : {0, 23, -1}) {
    EXPECT_EQ(test::code_of([&] { check_level(Encoding::zstd(level)); }), Code::usage);
  }
}

TEST(Admission, AFileIsCanonicalWhereGeneration2IsWrittenInItsPlainForm) {
  EXPECT_TRUE(is_canonical({}, k2));
  EXPECT_TRUE(is_canonical({.checksum = Checksum::xxh3, .alignment = 65536, .canonical = true}, k2));
  EXPECT_FALSE(is_canonical({.canonical = false}, k2));
  EXPECT_FALSE(is_canonical({}, k12));
  EXPECT_EQ(test::code_of([] { is_canonical({.canonical = true}, k12); }), Code::usage);
  for (WriterOptions options : {WriterOptions{.mode = WriteMode::append}, WriterOptions{.encoding = Encoding::zstd()},
                                WriterOptions{.checksum = Checksum::sha256}, WriterOptions{.alignment = 4096},
                                WriterOptions{.max_shard_size = 1}}) {
    EXPECT_FALSE(is_canonical(options, k2)) << "an option rules it out";
    options.canonical = true;
    EXPECT_EQ(test::code_of([&] { is_canonical(options, k2); }), Code::usage) << "and it was asked for";
  }
}

TEST(Admission, AttributesAreStoredAsTheFormatHasThem) {
  const Value map = Value::Map{{"b", 1}, {"a", 2}};
  EXPECT_TRUE(encode_attributes({}, k12, true, 100).empty());
  EXPECT_EQ(encode_attributes(map, k12, true, 100), map.encode());
  EXPECT_EQ(encode_attributes(map, k2, true, 100), map.encode_sorted());
  EXPECT_EQ(test::code_of([] { encode_attributes(Value(1), k12, true, 100); }), Code::usage);
  EXPECT_EQ(test::code_of([] { encode_attributes(Value::Map{{1, 1}}, k12, true, 100); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { encode_attributes(map, k10, true, 100); }), Code::unsupported) << "1.0 has only text";
  const Value empty_key = Value::Map{{"", 1}};
  EXPECT_TRUE(passes([&] { encode_attributes(empty_key, k12, true, 100); }));
  EXPECT_EQ(test::code_of([&] { encode_attributes(empty_key, k2, true, 100); }), Code::usage);
  const Value deep = Value::Map{{"a", Value::Array{Value::Array{1}}}};
  EXPECT_TRUE(passes([&] { encode_attributes(deep, k12, true, 4); })) << "a map, two arrays, a number";
  EXPECT_EQ(test::code_of([&] { encode_attributes(deep, k12, true, 3); }), Code::usage);
}

std::size_t losses(const Value& attributes, const model::Encoder& encoder, bool of_file) {
  return losses_of_attributes(attributes, encoder, of_file).size();
}

TEST(Admission, TellsWhatAttributesLoseAndKeepsTheRest) {
  const Value plain = Value::Map{{"a", Value::Array{1, "x"}}};
  for (const model::Encoder* encoder : {&k12, &k2}) {
    EXPECT_EQ(losses(plain, *encoder, true), 0U);
    EXPECT_TRUE(reduced_attributes(plain, *encoder, true) == plain);
  }
  EXPECT_EQ(losses(plain, k10, false), 1U) << "1.0 has none of tensors";
  EXPECT_TRUE(reduced_attributes(plain, k10, false).is_null());
  EXPECT_EQ(losses(plain, k10, true), 1U) << "and only text of files";
  const Value odd = Value::Map{{1, "no text key"}, {"", "no key"}, {"t", Value::tagged(9000, Value(1))}, {"a", 1}};
  EXPECT_EQ(losses(odd, k12, true), 1U);
  EXPECT_EQ(losses(odd, k2, true), 3U);
  EXPECT_TRUE(reduced_attributes(odd, k2, true) == Value(Value::Map{{"t", 1}, {"a", 1}}));
}

TEST(Admission, StoresADtypeByItsStorageWhereTheFormatLacksIt) {
  EXPECT_EQ(stored_dtype(DType::f32, k10), DType::f32);
  EXPECT_EQ(stored_dtype(DType::f8_e5m2, k12), DType::f8_e5m2);
  EXPECT_EQ(stored_dtype(DType::f8_e5m2, k10), DType::u8);
  EXPECT_EQ(stored_dtype(DType::complex64, k10), std::nullopt);
}

TEST(Admission, KeepsOnlyThePartsOfALayoutInStrictFormats) {
  EXPECT_TRUE(is_kept("dense", "data", k2));
  EXPECT_FALSE(is_kept("dense", "extra", k2));
  EXPECT_FALSE(is_kept("dense", "extra", k10));
  EXPECT_TRUE(is_kept("dense", "extra", k12));
  EXPECT_TRUE(is_kept("acme.layout", "extra", k2)) << "nobody knows its parts";
}

TEST(Admission, RefusesALossUnlessItIsToBeAndSomethingIsLeft) {
  const Loss small{"its attributes"};
  const Loss fatal{"its dtype", true};
  EXPECT_TRUE(passes([] { check_losses({}, k2, false); }));
  EXPECT_TRUE(passes([&] { check_losses({small}, k2, true); }));
  EXPECT_STREQ(test::error_of([&] { check_losses({small}, k2, false); }).rule(), "write.loss");
  EXPECT_EQ(test::code_of([&] { check_losses({small, fatal}, k2, true); }), Code::unsupported);
}

TEST(Admission, TellsWhatATensorLosesByItsKind) {
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
