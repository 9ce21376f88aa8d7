#include "write/losses.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "container/zt10/zt10.h"
#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "errors.h"
#include "many_threads.h"
#include "memory_file.h"
#include "temp_dir.h"
#include "ztensor/source.h"

namespace zt::write {
namespace {

const model::Encoder& k10 = container::zt10::kEncoder;
const model::Encoder& k12 = container::zt12::kEncoder;
const model::Encoder& k2 = container::zt2::kEncoder;

template <class Work>
bool passes(Work&& work) {
  return test::code_of(work) == Code::internal;  // error_of() gives this if there is no error
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

TEST(Losses, NamesTheFirstFiveAndCountsTheOthers) {
  const auto message = [](const std::vector<Loss>& losses) {
    return std::string(test::error_of([&] { check_losses(losses, k2, false); }).what());
  };
  std::vector<Loss> losses;
  for (const char* what : {"a", "b", "c", "d", "e"}) losses.push_back({what});
  EXPECT_TRUE(message(losses).ends_with(" cannot hold a; b; c; d; e")) << message(losses);
  losses.push_back({"f"});
  losses.push_back({"g"});
  EXPECT_TRUE(message(losses).ends_with(" cannot hold a; b; c; d; e; and 2 more")) << message(losses);
  losses.push_back({"x", true});
  losses.push_back({"y", true});
  EXPECT_TRUE(message(losses).ends_with(" cannot hold x; y")) << message(losses);
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
  EXPECT_EQ(count("none", k2), 1U) << "2 needs at least one part";
}

// A CSR tensor of one row with these columns, and a bool tensor whose last byte is `last`.
std::vector<std::byte> contents(const std::vector<std::uint64_t>& columns, std::uint8_t last) {
  const std::vector<std::uint8_t> bools = {0, 1, 1};
  const std::vector<float> values(columns.size());
  const std::vector<std::uint64_t> ends = {0, columns.size()};
  const auto array = [](DType dtype, const auto& elements) {
    return ArrayView{.dtype = dtype, .shape = {elements.size()}, .data = std::as_bytes(std::span(elements)).data()};
  };
  std::vector<std::byte> file = test::written({}, [&](Writer& writer) {
    writer.add("bool", array(DType::boolean, bools));
    writer.add_csr("csr", {1, 9}, array(DType::f32, values), array(DType::u64, columns), array(DType::u64, ends));
  });
  const Source source = test::open_bytes(file);
  file[source.tensor("bool").data().offset() + 2] = std::byte{last};  // the Writer would have cleaned it
  return file;
}

std::size_t content_losses(const Source& source, std::string_view name) {
  return losses_of_content(source.tensor(name), k2).size();
}

TEST(Losses, TellsTheSameOfContentsHoweverOftenItIsAsked) {
  const Source good = test::open_bytes(contents({1, 2, 5}, 1));
  const Source bad = test::open_bytes(contents({5, 1, 2}, 7));
  const Source twice = test::open_bytes(contents({1, 5, 1}, 1));
  for (int times = 0; times < 3; ++times) {
    EXPECT_EQ(content_losses(good, "bool"), 0U);
    EXPECT_EQ(content_losses(good, "csr"), 0U);
    EXPECT_EQ(content_losses(bad, "bool"), 1U);
    EXPECT_EQ(content_losses(bad, "csr"), 1U);
    EXPECT_FALSE(losses_of_content(bad.tensor("csr"), k2)[0].fatal);
    EXPECT_TRUE(losses_of_content(twice.tensor("csr"), k2)[0].fatal);
    EXPECT_EQ(losses_of_content(bad.tensor("csr"), k12).size(), 0U) << "1.2 has no rule for the order";
  }
}

TEST(Losses, ReadsAFileAnewThatWasChanged) {
  const test::TempDir dir;
  const auto put = [&](const std::vector<std::byte>& file) {
    std::ofstream(dir / "f.zt", std::ios::binary) << as_text(file);
  };
  put(contents({1, 2}, 1));
  const Source source = open(dir / "f.zt");
  EXPECT_EQ(content_losses(source, "bool"), 0U);
  put(contents({2, 1}, 3));
  std::filesystem::last_write_time(dir / "f.zt", std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(content_losses(source, "bool"), 1U);
  EXPECT_EQ(test::code_of([&] { content_losses(source, "csr"); }), Code::mismatch) << "its digest is of other bytes";
}

TEST(ThreadsContents, AreToldToAllThatAsk) {
  const Source source = test::open_bytes(contents({5, 1, 2}, 7));
  test::together(6, [&](std::size_t) {
    EXPECT_EQ(content_losses(source, "bool"), 1U);
    EXPECT_EQ(content_losses(source, "csr"), 1U);
  });
}

}  // namespace
}  // namespace zt::write
