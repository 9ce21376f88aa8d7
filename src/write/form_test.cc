#include "write/form.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/codecs.h"
#include "errors.h"
#include "memory_file.h"

namespace zt::write {
namespace {

template <class Work>
bool passes(Work&& work) {
  return test::code_of(work) == Code::internal;  // error_of() gives this if there is no error
}

TEST(Form, LevelsOfZstdAre1To22) {
  for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1), Encoding::zstd(22)}) {
    EXPECT_TRUE(passes([&] { check_level(encoding); }));
  }
  for (const int level : {0, 23, -1}) {
    EXPECT_EQ(test::code_of([&] { check_level(Encoding::zstd(level)); }), Code::usage);
  }
}

TEST(Form, AFileIsCanonicalWhereGeneration2IsWrittenInItsPlainForm) {
  const auto is_canonical = [](WriterOptions options, const char* format) {
    options.to = format;
    return form_of_new(options, {}).canonical;
  };
  EXPECT_TRUE(is_canonical({}, "2"));
  EXPECT_TRUE(is_canonical({.checksum = Checksum::xxh3, .alignment = 65536, .canonical = true}, "2"));
  EXPECT_FALSE(is_canonical({.canonical = false}, "2"));
  EXPECT_FALSE(is_canonical({}, "1.2"));
  EXPECT_EQ(test::code_of([&] { is_canonical({.canonical = true}, "1.2"); }), Code::usage);
  std::vector<WriterOptions> ruling_out = {{.encoding = Encoding::zstd()}, {.alignment = 4096}, {.max_shard_size = 1}};
#ifdef ZT_HAVE_SHA256
  ruling_out.push_back({.checksum = Checksum::sha256});
#endif
  for (WriterOptions options : ruling_out) {
    EXPECT_FALSE(is_canonical(options, "2")) << "an option excludes the canonical form";
    options.canonical = true;
    EXPECT_EQ(test::code_of([&] { is_canonical(options, "2"); }), Code::usage) << "the canonical form was asked for";
  }
}

TEST(Form, AFileToAppendToIsNotCanonical) {
  EXPECT_FALSE(form_of_new({.to = "2"}, {}, WriteMode::append).canonical) << "append excludes the canonical form";
  EXPECT_EQ(test::code_of([] { form_of_new({.to = "2", .canonical = true}, {}, WriteMode::append); }), Code::usage)
      << "the canonical form was asked for";
}

TEST(Form, WholeShardsNeedASize) {
  EXPECT_EQ(test::code_of([] { form_of_new({.to = "2", .whole_shards = true}, {}); }), Code::usage);
  EXPECT_TRUE(form_of_new({.to = "2", .max_shard_size = 1, .whole_shards = true}, {}).options.whole_shards);
}

TEST(Form, TheNameOfTheFileSaysItsFormatUnlessItIsAskedFor) {
  const auto format_of = [](std::string_view format, const char* path) {
    WriterOptions options;
    options.to = format;
    return form_of_new(options, path).encoder->format;
  };
  EXPECT_EQ(format_of("", "m.zt"), "zt-1.2");
  EXPECT_EQ(format_of("", "m.SafeTensors"), "safetensors");
  EXPECT_EQ(format_of("", ""), "zt-1.2");
  EXPECT_EQ(format_of("2", "m.zt"), "zt-2");
  EXPECT_EQ(format_of("safetensors", "m.weights"), "safetensors");
  EXPECT_EQ(test::code_of([&] { format_of("2", "m.safetensors"); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { format_of("", "m.onnx"); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { format_of("onnx", "m.zt"); }), Code::usage);
}

// Each codec in each format that has a word for it: writes a part, reads it back, and compares the name of the codec.
TEST(Form, EveryCodecIsStoredInTheFormatsThatHaveIt) {
  const std::vector<float> values(100000, 0.5F);
  for (const char* format : {"1.0", "1.2", "2", "safetensors"}) {
    for (const codec::Row& row : codec::codecs()) {
      if (!row.is_written()) continue;
      WriterOptions options{.to = format, .encoding = row.usual};
      const model::Encoder& encoder = *form_of_new({.to = format}, {}).encoder;
      if (!encoder.has_codec(row.codec)) {
        EXPECT_EQ(test::code_of([&] { form_of_new(options, {}); }), Code::usage) << format << " " << row.name;
        continue;
      }
      const Source source = test::open_bytes(
          test::written(options, [&](Writer& writer) { writer.add("w", {values.size()}, std::span(values)); }));
      const Part part = source.tensor("w").data();
      EXPECT_EQ(part.encoding(), row.name) << format;
      EXPECT_EQ(part.stored_length() == part.length(), row.is_raw()) << format;
      EXPECT_EQ(source.tensor("w").read<float>(), values) << format << " " << row.name;
    }
  }
}

}  // namespace
}  // namespace zt::write
