#include "ztensor/convert.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "container/zt12/zt12.h"
#include "io/system.h"
#include "lacking_calls.h"
#include "memory_file.h"
#include "posix_only.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

const std::vector<float> kData = {1, 2, 3, 4};

class Convert : public testing::Test {
 protected:
  fs::path at(std::string_view name) const { return folder_ / name; }
  // Makes a file of one tensor.
  fs::path make(std::string_view name, std::string_view tensor, const WriterOptions& options = {}) const {
    Writer writer = Writer::create(at(name), options);
    writer.add(tensor, {4}, std::span<const float>(kData));
    writer.finalize();
    return at(name);
  }
  // Copies a file of the corpus.
  fs::path copy_of(std::string_view corpus, std::string_view name) const {
    fs::copy_file(fs::path(ZT_TEST_DATA) / corpus, at(name));
    return at(name);
  }
  test::TempDir folder_;
};

// The error; of code internal if there is none.
Error refusal(const std::vector<fs::path>& inputs, const fs::path& output, const ConvertOptions& options = {}) {
  try {
    convert(inputs, output, options);
  } catch (const Error& error) {
    return error;
  }
  return Error(Code::internal, "", "nothing was refused");
}

bool mentions(const Error& error, const fs::path& path) {
  return std::string(error.what()).find(path.string()) != std::string::npos;
}

TEST_F(Convert, RefusesAnOutputThatIsAnInputThroughLinksToo) {
  ZT_POSIX_ONLY("links that anyone may make");
  const fs::path in = make("in.zt", "w");
  const std::string before = test::read_file(in);
  fs::create_hard_link(in, at("hard.zt"));
  fs::create_symlink(in, at("soft.zt"));
  ConvertOptions force;
  force.overwrite = true;
  for (const fs::path& output : {in, at("hard.zt"), at("soft.zt"), at(".") / "in.zt"}) {
    EXPECT_EQ(refusal({in}, output, force).code(), Code::usage) << output;
  }
  EXPECT_EQ(refusal({at("soft.zt")}, in, force).code(), Code::usage);
  EXPECT_EQ(test::read_file(in), before);
  EXPECT_EQ(folder_.count(), 3U);
}

TEST_F(Convert, ReplacesAnExistingOutputOnlyWhenToldTo) {
  const fs::path in = make("in.zt", "w");
  test::write_file(at("out.zt"), "before");
  const Error error = refusal({in}, at("out.zt"));
  EXPECT_EQ(error.code(), Code::io);
  EXPECT_EQ(error.os_error(), EEXIST);
  EXPECT_STREQ(error.rule(), "write.exists");
  EXPECT_EQ(test::read_file(at("out.zt")), "before");
  ConvertOptions force;
  force.overwrite = true;
  convert(std::vector{in}, at("out.zt"), force);
  EXPECT_EQ(open(at("out.zt")).tensor("w").read<float>(), kData);
}

TEST_F(Convert, SaysWhatAnOutputIsBeforeItSaysThatItIsThere) {
  fs::create_directory(at("folder"));
  for (const bool overwrite : {false, true}) {
    ConvertOptions options;
    options.overwrite = overwrite;
    // The inputs are not there: nothing was opened yet.
    EXPECT_EQ(refusal({at("none.zt")}, at("folder"), options).os_error(), EISDIR);
    EXPECT_STREQ(refusal({at("none.zt")}, "/dev/null", options).rule(), "write.regular");
    const Error missing = refusal({at("none.zt")}, at("missing/out.zt"), options);
    EXPECT_EQ(missing.os_error(), ENOENT);
    EXPECT_TRUE(mentions(missing, at("missing/out.zt"))) << missing.what();
  }
}

TEST_F(Convert, ReportsWhatTheOutputCouldNotKeepOfTheOneItReplaces) {
  ZT_POSIX_ONLY("modes of files");
  const fs::path in = make("in.zt", "w");
  make("out.zt", "w");
  fs::permissions(at("out.zt"), fs::perms(0640));
  const test::Lacking mount([](const io::sys::Event& event) { return event.call == io::sys::Call::chmod ? EPERM : 0; });
  ConvertOptions force;
  force.overwrite = true;
  EXPECT_EQ(convert(std::vector{in}, at("out.zt"), force).notes,
            std::vector<std::string>{at("out.zt").string() + ": its mode could not be kept: Operation not permitted"});
}

TEST_F(Convert, TellsTheFormatsOfInputsFromThatOfTheOutput) {
  const fs::path in = make("in.zt", "w");
  ConvertOptions options;
  options.from = "zt-2";
  EXPECT_STREQ(refusal({in}, at("out.zt"), options).rule(), "convert.format");
}

TEST_F(Convert, NamesBothFilesThatHaveATensor) {
  const fs::path a = make("a.zt", "w");
  const fs::path b = make("b.zt", "w");
  const Error error = refusal({a, b}, at("out.zt"));
  EXPECT_EQ(error.code(), Code::usage);
  EXPECT_TRUE(mentions(error, a) && mentions(error, b)) << error.what();
  EXPECT_EQ(refusal({a, a}, at("out.zt")).code(), Code::usage);
  EXPECT_EQ(folder_.count(), 2U);
}

TEST_F(Convert, RefusesWhatItCannotDoBeforeItWrites) {
  const fs::path in = make("in.zt", "w");
  EXPECT_EQ(refusal({}, at("out.zt")).code(), Code::usage);
  EXPECT_EQ(refusal({in}, at("out.onnx")).code(), Code::usage);
  EXPECT_EQ(refusal({at("none.zt")}, at("out.zt")).code(), Code::io);
  ConvertOptions options;
  options.from = "safetensors";
  EXPECT_EQ(refusal({in}, at("out.zt"), options).code(), Code::usage);
  options.from = "auto";
  options.include = {"v*"};
  EXPECT_EQ(refusal({in}, at("out.zt"), options).code(), Code::usage);
  options.include = {"*"};
  options.delete_originals = true;
  EXPECT_EQ(refusal({in}, at("out.zt"), options).code(), Code::usage);
  EXPECT_EQ(folder_.count(), 1U);
}

TEST_F(Convert, TakesWhatIsIncludedAndNotExcluded) {
  Writer writer = Writer::create(at("in.zt"));
  for (const char* name : {"a.0", "a.1", "b.0"}) writer.add(name, {4}, std::span<const float>(kData));
  writer.finalize();
  ConvertOptions options;
  options.include = {"a.*"};
  options.exclude = {"*.1"};
  EXPECT_EQ(convert(std::vector{at("in.zt")}, at("out.zt"), options).tensors, 1U);
  EXPECT_TRUE(open(at("out.zt")).find("a.0"));
}

TEST_F(Convert, StopsAtAnUnreadableTensorUnlessToldToSkipIt) {
  const fs::path in = copy_of("conformance/reject/zt12/part.dtype.zt", "in.zt");
  EXPECT_STREQ(refusal({in}, at("out.zt")).rule(), "zt12.part.dtype");
  EXPECT_EQ(folder_.count(), 1U);
  ConvertOptions options;
  options.skip_unreadable = true;
  options.delete_originals = true;
  const ConvertReport report = convert(std::vector{in}, at("out.zt"), options);
  EXPECT_EQ(report.tensors, 1U);
  EXPECT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.notes.size(), 1U);  // the note that the original was kept
  EXPECT_TRUE(fs::exists(in));
  EXPECT_TRUE(open(at("out.zt")).find("good"));
}

TEST_F(Convert, LeavesNothingBehindWhenADigestIsWrong) {
  const fs::path in = copy_of("conformance/reject/digest/mismatch.sha256.zt", "in.zt");
  for (const auto& recode : {std::optional<Encoding>(), std::optional(Encoding::zstd(1))}) {
    ConvertOptions options;
    options.recode = recode;
    EXPECT_STREQ(refusal({in}, at("out.zt"), options).rule(), "digest.mismatch");
    EXPECT_EQ(folder_.count(), 1U);
  }
}

TEST_F(Convert, RefusesWhatCanBeReadButNotWritten) {
  const auto rule = [&](std::string_view corpus, std::string_view name) {
    const Error error = refusal({copy_of(corpus, name)}, at("out.zt"));
    EXPECT_EQ(error.code(), Code::unsupported) << error.what();
    return std::string(error.rule());
  };
  EXPECT_EQ(rule("conformance/accept/zt12/name.empty.zt", "a.zt"), "write.name");
  EXPECT_EQ(rule("conformance/accept/zt12/attribute.key.zt", "b.zt"), "convert.attribute.key");
  EXPECT_EQ(folder_.count(), 2U);
}

// Two tensors of the same bytes are stored once, but the digests of both are checked.
TEST_F(Convert, ChecksWhatEachOfTwoTiedTensorsSays) {
  Writer writer = Writer::create(at("in.zt"));
  writer.add("w", {4}, std::span<const float>(kData));
  writer.add_alias("v", "w");
  writer.finalize();
  std::string bytes = test::read_file(at("in.zt"));
  const std::size_t digest = bytes.rfind("crc32c:0x");
  bytes[digest + 9] = bytes[digest + 9] == '0' ? '1' : '0';
  test::write_file(at("in.zt"), bytes);
  ASSERT_EQ(check(open(at("in.zt"))).findings.size(), 1U);
  EXPECT_STREQ(refusal({at("in.zt")}, at("out.zt")).rule(), "digest.mismatch");
}

TEST_F(Convert, DeletesOriginalsThatWereReadWhole) {
  const fs::path a = make("a.zt", "a");
  const fs::path b = make("b.zt", "b");
  ConvertOptions options;
  options.delete_originals = true;
  convert(std::vector{a, b}, at("out.zt"), options);
  EXPECT_FALSE(fs::exists(a));
  EXPECT_FALSE(fs::exists(b));
  EXPECT_EQ(open(at("out.zt")).size(), 2U);
}

TEST_F(Convert, DeletesNothingThroughALink) {
  ZT_POSIX_ONLY("links that anyone may make");
  const fs::path in = make("in.zt", "w");
  fs::create_symlink(in, at("soft.zt"));
  ConvertOptions options;
  options.delete_originals = true;
  EXPECT_EQ(refusal({at("soft.zt")}, at("out.zt"), options).code(), Code::usage);
  EXPECT_TRUE(fs::exists(in));
  EXPECT_TRUE(fs::is_symlink(at("soft.zt")));
  EXPECT_FALSE(fs::exists(at("out.zt")));
}

// The last call of the progress callback comes after the output is in place, and before it is read back.
TEST_F(Convert, KeepsOriginalsWhenTheOutputReadsBackOtherwise) {
  const fs::path in = make("in.zt", "w");
  ConvertOptions options;
  options.delete_originals = true;
  options.recode = Encoding::raw();
  options.writer.checksum = Checksum::none;
  options.progress = [&](std::uint64_t, std::uint64_t) {
    if (!fs::exists(at("out.zt"))) return true;
    std::string bytes = test::read_file(at("out.zt"));
    bytes[open(at("out.zt")).tensor("w").data().offset()] ^= 1;
    test::write_file(at("out.zt"), bytes);
    return true;
  };
  const Error error = refusal({in}, at("out.zt"), options);
  EXPECT_EQ(error.code(), Code::mismatch);
  EXPECT_STREQ(error.rule(), "convert.readback");
  EXPECT_EQ(open(in).tensor("w").read<float>(), kData);
}

TEST_F(Convert, KeepsFileAttributesAndSaysWhereTheyDiffer) {
  const auto with = [](Value::Map members) { return WriterOptions{.attributes = Value(std::move(members))}; };
  const fs::path a = make("a.zt", "a", with({{"k", 1}, {"same", "x"}}));
  const fs::path b = make("b.zt", "b", with({{"k", 2}, {"same", "x"}, {"more", 3}}));
  const ConvertReport report = convert(std::vector{a, b}, at("out.zt"));
  EXPECT_EQ(report.notes.size(), 1U);
  EXPECT_TRUE(open(at("out.zt")).attributes() == Value(Value::Map{{"k", 1}, {"same", "x"}, {"more", 3}}));
  const fs::path foreign = copy_of("conformance/accept/safetensors/metadata.safetensors", "in.safetensors");
  convert(std::vector{foreign}, at("from.zt"));
  const Value attributes = open(at("from.zt")).attributes();
  EXPECT_EQ(*attributes.find("ztensor.source.format")->text(), "safetensors");
  EXPECT_EQ(*attributes.find("format")->text(), "pt");
}

// --- other generations

ConvertOptions to(std::string format, bool lossy = false) {
  ConvertOptions options;
  options.writer.to = std::move(format);
  options.writer.lossy = lossy;
  options.check_output = true;
  return options;
}

std::string refused_rule(const fs::path& in, const fs::path& out, const ConvertOptions& options) {
  const Error error = refusal({in}, out, options);
  EXPECT_FALSE(fs::exists(out)) << "refused before a byte is written";
  return error.rule();
}

TEST_F(Convert, NamesWhatAGenerationCannotHoldBeforeItWrites) {
  const std::vector<std::byte> bytes(16, std::byte{2});
  const auto one = [&](std::string_view name, const std::function<void(Writer&)>& fill) {
    Writer writer = Writer::create(at(name));
    fill(writer);
    writer.finalize();
    return at(name);
  };
  const ArrayView bools{.dtype = DType::boolean, .shape = {4}, .data = bytes.data()};
  const ArrayView eights{.dtype = DType::f8_e5m2, .shape = {4}, .data = bytes.data()};
  const std::uint64_t indptr[] = {0, 2};
  const std::uint64_t falling[] = {1, 0};
  const std::uint64_t twice[] = {1, 1};
  const auto values = std::span(kData).first(2);
  const fs::path odd = one("bool.zt", [&](Writer& w) { w.add("b", bools, {.checksum = Checksum::none}); });
  std::string with_twos = test::read_file(odd);  // our writer does not make such a file
  with_twos.replace(open(odd).tensor("b").data().offset(), 4, "\2\2\2\2");
  test::write_file(odd, with_twos);
  const fs::path eight = one("eight.zt", [&](Writer& w) { w.add("e", eights); });
  const fs::path unsorted = one("unsorted.zt", [&](Writer& w) { w.add_csr("m", {1, 2}, values, falling, indptr); });
  const fs::path repeated = one("repeated.zt", [&](Writer& w) { w.add_coo("m", {2}, values, twice); });
  const fs::path tagged = one("tagged.zt", [&](Writer& w) {
    w.add("t", {4}, std::span(kData), {.attributes = Value(Value::Map{{"k", Value::tagged(1, 2)}})});
  });
  for (const fs::path& path : {odd, unsorted, tagged}) {
    EXPECT_EQ(refused_rule(path, at("out.zt"), to("2")), "write.loss") << path;
  }
  EXPECT_EQ(refused_rule(eight, at("out.zt"), to("1.0")), "write.loss");
  for (const bool lossy : {false, true}) {
    EXPECT_EQ(refused_rule(repeated, at("out.zt"), to("2", lossy)), "write.beyond") << "nothing sensible is left of it";
  }

  const auto lossy = [&](const fs::path& path, const char* format) {
    ConvertOptions options = to(format, true);
    options.overwrite = true;
    const ConvertReport report = convert({&path, 1}, at("lossy.zt"), options);
    EXPECT_EQ(report.losses.size(), 1U) << path;
    return open(at("lossy.zt"));
  };
  for (const char* format : {"1.0", "1.2", "2"}) {
    EXPECT_EQ(refused_rule(odd, at("out.zt"), to(format)), "write.loss") << format;
    EXPECT_EQ(lossy(odd, format).tensor("b").data().read(), std::vector<std::byte>(4, std::byte{1})) << format;
  }
  EXPECT_EQ(lossy(unsorted, "2").tensor("m").read_csr<float>().values, (std::vector<float>{2, 1}));
  EXPECT_EQ(lossy(tagged, "2").tensor("t").attributes(), Value(Value::Map{{"k", 2}}));
  EXPECT_EQ(lossy(eight, "1.0").tensor("e").dtype(), DType::u8);
}

TEST_F(Convert, NotesTiesThatAFormatLacks) {
  Writer writer = Writer::create(at("in.zt"));
  writer.add("w", {4}, std::span(kData));
  writer.add_alias("tied", "w");
  writer.add("other", {4}, std::span(kData));
  writer.finalize();
  const ConvertReport report = convert({at("in.zt")}, at("out.safetensors"));
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_NE(report.notes[0].find("'tied' with 'w'"), std::string::npos) << report.notes[0];
  EXPECT_TRUE(convert({at("in.zt")}, at("out.zt")).notes.empty());
}

TEST_F(Convert, MovesWhatIsStoredAlikeAndKeepsTies) {
  const std::vector<float> zeros(1 << 20);
  Writer writer = Writer::create(at("in.zt"));
  writer.add("z", {1 << 20}, std::span(zeros), {.encoding = Encoding::zstd()});
  writer.add("w", {4}, std::span(kData));
  writer.add_alias("tied", "w");
  writer.finalize();
  ConvertOptions floor = to("2");
  floor.writer.canonical = false;
  convert({{at("in.zt")}}, at("two.zt"), floor);
  convert({{at("two.zt")}}, at("back.zt"), to("1.2"));
  const Source in = open(at("in.zt"));
  const Source two = open(at("two.zt"));
  const Source back = open(at("back.zt"));
  EXPECT_EQ(two.tensor("z").data().stored_length(), in.tensor("z").data().stored_length()) << "not compressed anew";
  EXPECT_EQ(two.tensor("tied").data().offset(), two.tensor("w").data().offset());
  EXPECT_EQ(back.tensor("tied").data().offset(), back.tensor("w").data().offset());
  EXPECT_TRUE(diff(in, back).same());
  EXPECT_EQ(content_id(in), content_id(two));
  EXPECT_TRUE(verify(two).unreadable.empty());
  convert({{at("two.zt")}}, at("canonical.zt"), to("2"));
  EXPECT_TRUE(check(open(at("canonical.zt")), {.canonical = true}).findings.empty());
  EXPECT_EQ(content_id(in), content_id(open(at("canonical.zt"))));
}

TEST_F(Convert, RefusesAnOutputThatIsAShardOfAnInput) {
  ZT_POSIX_ONLY("links that anyone may make");
  ConvertOptions sharded = to("2");
  sharded.writer.max_shard_size = 1 << 20;
  const fs::path in = make("in.zt", "w");
  convert({&in, 1}, at("root.zt"), sharded);
  const fs::path shard = open(at("root.zt")).paths().at(1);
  ConvertOptions force = to("1.2");
  force.overwrite = true;
  EXPECT_EQ(refusal({at("root.zt")}, shard, force).code(), Code::usage);
  fs::create_directory(at("elsewhere"));
  fs::create_symlink("../root.zt", at("elsewhere/link.zt"));
  EXPECT_EQ(refusal({at("elsewhere/link.zt")}, shard, force).code(), Code::usage);
  EXPECT_EQ(open(at("root.zt")).tensor("w").read<float>(), kData);
}

// A file of 1.2 whose tensors "a" and "b" have the same bytes, 0 to 3.
std::vector<std::byte> same_bytes(DType a, DType b) {
  namespace zt12 = container::zt12;
  constexpr std::uint64_t kAt = 64;
  model::Catalog catalog;
  const std::uint64_t shape[] = {4};
  for (const auto& [name, dtype] : {std::pair("a", a), std::pair("b", b)}) {
    catalog.add_tensor(name, shape, "dense", {});
    model::PartRow& part =
        catalog.add_part("data", dtype, {.offset = kAt, .stored_length = 4, .decoded_length = 4}, "");
    part.storage = catalog.intern(zt12::kEncoder.storage(dtype));
    part.logical = catalog.intern(zt12::kEncoder.logical(dtype));
  }
  std::vector<std::byte> file = zt12::kEncoder.head();
  file.resize(kAt);
  for (unsigned i = 0; i < 4; ++i) file.push_back(static_cast<std::byte>(i));
  const std::vector<std::byte> manifest = zt12::kEncoder.manifest(catalog);
  const std::vector<std::byte> footer = zt12::kEncoder.footer(file.size(), manifest);
  file.insert(file.end(), manifest.begin(), manifest.end());
  file.insert(file.end(), footer.begin(), footer.end());
  return file;
}

TEST_F(Convert, CleansTheBoolOfATieAndNotTheOtherTensor) {
  const std::pair<DType, DType> orders[] = {{DType::boolean, DType::u8}, {DType::u8, DType::boolean}};
  for (const auto& [a, b] : orders) {
    const std::vector<std::byte> file = same_bytes(a, b);
    test::write_file(at("in.zt"), as_text(file));
    for (const char* format : {"1.2", "2"}) {
      ConvertOptions options = to(format, true);
      options.overwrite = true;
      const std::vector<fs::path> inputs = {at("in.zt")};
      convert(inputs, at("out.zt"), options);
      const Source out = open(at("out.zt"));
      const Tensor mask = out.tensor(a == DType::boolean ? "a" : "b");
      const Tensor raw = out.tensor(a == DType::boolean ? "b" : "a");
      EXPECT_EQ(mask.data().read(), (std::vector{std::byte{0}, std::byte{1}, std::byte{1}, std::byte{1}})) << format;
      EXPECT_EQ(raw.read<std::uint8_t>(), (std::vector<std::uint8_t>{0, 1, 2, 3})) << format;
    }
  }
}

TEST_F(Convert, ChecksADigestOfDecodedBytesThatItDropsToo) {
  const WriterOptions packed{.to = "2", .encoding = Encoding::zstd()};
  const std::vector<float> values(1000, 1.5F);
  Writer writer = Writer::create(at("in.zt"), packed);
  writer.add("w", {values.size()}, std::span<const float>(values));
  writer.finalize();
  std::string bytes = test::read_file(at("in.zt"));
  const Part part = open(at("in.zt")).tensor("w").data();
  for (std::uint64_t i = 8; i < 16; ++i) bytes[part.offset() + i] ^= '\x10';
  test::write_file(at("in.zt"), bytes);
  ConvertOptions options = to("2");
  options.check_output = false;
  options.writer.checksum = Checksum::none;
  const Error error = refusal({at("in.zt")}, at("out.zt"), options);
  EXPECT_TRUE(error.code() == Code::mismatch || error.code() == Code::malformed) << error.what();
  EXPECT_FALSE(fs::exists(at("out.zt")));
}

TEST_F(Convert, KeepsTheAlgorithmOfADigestWhereItRecodes) {
  for (const char* format : {"1.2", "2"}) {
    const fs::path in = make(std::string("in-") + format, "w", {.to = format, .checksum = Checksum::sha256});
    const fs::path out = at(std::string("out-") + format);
    const std::vector<fs::path> inputs = {in};
    ConvertOptions options = to(format);
    options.recode = Encoding::zstd();
    options.writer.canonical = false;
    convert(inputs, out, options);
    EXPECT_TRUE(open(out).tensor("w").data().digest().starts_with("sha256:")) << format;
    options.writer.checksum = std::string_view(format) == "2" ? Checksum::xxh3 : Checksum::crc32c;
    options.overwrite = true;
    convert(inputs, out, options);
    EXPECT_FALSE(open(out).tensor("w").data().digest().starts_with("sha256:")) << "another one was asked for";
  }
}

}  // namespace
}  // namespace zt
