#include "ztensor/writer.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "child.h"
#include "errors.h"
#include "memory_file.h"
#include "temp_dir.h"
#include "ztensor/source.h"

namespace zt {
namespace {

const std::vector<float> kData = {1, 2, 3, 4};
const Shape kShape = {2, 2};
std::span<const float> data() { return kData; }

Writer memory_writer(std::vector<std::byte>& bytes, const WriterOptions& options = {}) {
  return Writer::to(std::make_unique<test::VectorSink>(bytes), options);
}

TEST(Writer, RefusesNamesThatOthersCouldNotRead) {
  std::vector<std::byte> bytes;
  Writer writer = memory_writer(bytes);
  const std::string odd[] = {"", std::string("a\0b", 3), std::string(1025, 'n'), "\xFF", "\xED\xA0\x80"};
  for (const std::string& name : odd) EXPECT_EQ(test::code_of([&] { writer.add(name, kShape, data()); }), Code::usage);
  writer.add(std::string(1024, 'n'), kShape, data());
  writer.add("\xC3\xA4", kShape, data());
  writer.finalize();  // the refused tensors left no trace
  EXPECT_EQ(test::open_bytes(bytes).size(), 2U);
}

// Whether a forked child's use of its parent's writer is refused.
bool is_refused_in_child(const std::function<void()>& use) {
  return test::in_child([&] {
    try {
      use();
    } catch (const Error& error) {
      return error.code() == Code::usage && std::string(error.what()).find("process") != std::string::npos;
    }
    return false;
  });
}

TEST(Writer, BelongsToTheProcessThatMadeIt) {
  ZT_POSIX_ONLY("fork");
  const test::TempDir dir;
  Writer(Writer::create(dir / "grown.zt")).finalize();
  const Source source = test::open_bytes([] {
    std::vector<std::byte> bytes;
    Writer stored = memory_writer(bytes);
    stored.add("s", kShape, data());
    stored.finalize();
    return bytes;
  }());
  for (const WriteMode mode : {WriteMode::replace, WriteMode::append}) {
    const auto path = dir / (mode == WriteMode::append ? "grown.zt" : "new.zt");
    Writer writer = Writer::create(path, mode);
    writer.add("w", kShape, data());
    EXPECT_TRUE(is_refused_in_child([&] { writer.add("v", kShape, data()); }));
    EXPECT_TRUE(is_refused_in_child([&] { writer.add_alias("v", "w"); }));
    EXPECT_TRUE(is_refused_in_child([&] { writer.add_stored("v", source.tensor("s")); }));
    EXPECT_TRUE(is_refused_in_child([&] { writer.remove("w"); }));
    EXPECT_TRUE(is_refused_in_child([&] { writer.set_attributes(Value()); }));
    EXPECT_TRUE(is_refused_in_child([&] { writer.set_tensor_attributes("w", Value()); }));
    EXPECT_TRUE(is_refused_in_child([&] { writer.finalize(); }));
    EXPECT_TRUE(is_refused_in_child([&] {
      { const Writer dropped = std::move(writer); }
      throw Error(Code::usage, "", "dropped in this process");
    }));
    writer.add("x", kShape, data());
    writer.finalize();
    const Source written = open(path);
    EXPECT_EQ(written.size(), 2U);
    EXPECT_EQ(written.tensor("x").read<float>(), kData);
  }
}

TEST(Writer, RefusesANameThatIsTaken) {
  std::vector<std::byte> bytes;
  Writer writer = memory_writer(bytes);
  writer.add("w", kShape, data());
  EXPECT_EQ(test::code_of([&] { writer.add("w", kShape, data()); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add_alias("w", "w"); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add_alias("v", "x"); }), Code::not_found);
  const std::uint64_t coords[] = {0, 0};
  EXPECT_EQ(test::code_of([&] { writer.add_coo("w", {1, 1}, data().first(1), coords); }), Code::usage);
  writer.finalize();
  EXPECT_EQ(test::open_bytes(bytes).tensor("w").read<float>(), kData);
}

TEST(Writer, RefusesOptionsOutOfRange) {
  std::vector<std::byte> bytes;
  for (const std::uint64_t alignment : {1U, 32U, 63U, 96U, 4U << 20}) {
    EXPECT_EQ(test::code_of([&] { memory_writer(bytes, {.alignment = alignment}); }), Code::usage) << alignment;
  }
  for (const int level : {-1, 23}) {
    EXPECT_EQ(test::code_of([&] { memory_writer(bytes, {.encoding = Encoding::zstd(level)}); }), Code::usage);
    Writer writer = memory_writer(bytes);
    EXPECT_EQ(test::code_of([&] { writer.add("w", kShape, data(), {.encoding = Encoding::zstd(level)}); }),
              Code::usage);
  }
  for (const char* format : {"1.1", "3", "onnx", "0.1"}) {
    EXPECT_EQ(test::code_of([&] { memory_writer(bytes, {.to = format}); }), Code::usage) << format;
  }
  EXPECT_EQ(test::code_of([&] { memory_writer(bytes, {.attributes = Value("text")}); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { memory_writer(bytes, {.attributes = Value(Value::Map{{1, 2}})}); }), Code::usage);
}

TEST(Writer, RefusesArraysThatContradictThemselves) {
  std::vector<std::byte> bytes;
  Writer writer = memory_writer(bytes);
  const std::byte* memory = std::as_bytes(data()).data();
  EXPECT_EQ(test::code_of([&] { writer.add("w", {3}, data()); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add("w", {~std::uint64_t{0}, 2}, data()); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add("w", {.dtype = DType::f32, .shape = {4}, .data = nullptr}); }), Code::usage);
  EXPECT_EQ(test::code_of([&] {
              writer.add("w", {.dtype = DType::f32, .shape = {4}, .data = memory, .strides = {4, 4}});
            }),
            Code::usage);
  EXPECT_EQ(
      test::code_of([&] { writer.add("w", {.dtype = DType::f4_e2m1, .shape = {4}, .data = memory, .strides = {1}}); }),
      Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add("w", Shape(65, 1), data().first(1)); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add("w", kShape, data(), {.attributes = Value(1)}); }), Code::usage);
  Value deep(1);
  for (int i = 0; i < 300; ++i) deep = Value(Value::Array{deep});
  Value attributes = Value::map();
  attributes.set("deep", deep);
  EXPECT_EQ(test::code_of([&] { writer.add("w", kShape, data(), {.attributes = attributes}); }), Code::usage);
  writer.finalize();
  EXPECT_EQ(test::open_bytes(bytes).size(), 0U);
}

TEST(Writer, RefusesSparseTensorsThatReadersWouldRefuse) {
  std::vector<std::byte> bytes;
  Writer writer = memory_writer(bytes);
  const auto csr = [&](const Shape& shape, std::vector<std::uint64_t> indices, std::vector<std::uint64_t> indptr) {
    return test::code_of([&] { writer.add_csr("w", shape, data().first(2), indices, indptr); });
  };
  EXPECT_EQ(csr({2, 3}, {0, 3}, {0, 1, 2}), Code::usage);
  EXPECT_EQ(csr({2, 3}, {0}, {0, 1, 2}), Code::usage);
  EXPECT_EQ(csr({2, 3}, {0, 1}, {0, 2}), Code::usage);
  EXPECT_EQ(csr({2, 3}, {0, 1}, {0, 3, 2}), Code::usage);
  EXPECT_EQ(csr({2, 3}, {0, 1}, {1, 1, 2}), Code::usage);
  EXPECT_EQ(csr({2}, {0, 1}, {0, 1, 2}), Code::usage);
  EXPECT_EQ(csr({2, 3}, {0, 2}, {0, 1, 2}), Code::internal);  // no error
  const std::int8_t negative[] = {0, -1};
  const ArrayView coords{.dtype = DType::i8, .shape = {1, 2}, .data = std::as_bytes(std::span(negative)).data()};
  const ArrayView values{.dtype = DType::f32, .shape = {2}, .data = std::as_bytes(data()).data()};
  EXPECT_EQ(test::code_of([&] { writer.add_coo("v", {3}, values, coords); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add_coo("v", {3}, values, values); }), Code::usage);
}

TEST(Writer, LeavesTheTargetAsItWasUntilItIsFinalized) {
  const test::TempDir folder;
  test::write_file(folder / "w.zt", "before");
  {
    Writer writer = Writer::create(folder / "w.zt");
    writer.add("w", kShape, data());
    EXPECT_EQ(test::read_file(folder / "w.zt"), "before");
  }
  Writer aborted = Writer::create(folder / "w.zt");
  aborted.add("w", kShape, data());
  aborted.abort();
  aborted.abort();
  EXPECT_EQ(test::read_file(folder / "w.zt"), "before");
  EXPECT_EQ(folder.count(), 1U);
  Writer::create(folder / "new.zt").abort();
  EXPECT_EQ(folder.count(), 1U);
  Writer writer = Writer::create(folder / "w.zt");
  writer.add("w", kShape, data());
  writer.finalize();
  EXPECT_EQ(open(folder / "w.zt").tensor("w").read<float>(), kData);
  EXPECT_EQ(folder.count(), 1U);
}

TEST(Writer, TakesNothingMoreOnceItIsClosed) {
  const test::TempDir folder;
  Writer finished = Writer::create(folder / "a.zt");
  finished.finalize();
  Writer aborted = Writer::create(folder / "b.zt");
  aborted.abort();
  for (Writer* writer : {&finished, &aborted}) {
    EXPECT_EQ(test::code_of([&] { writer->add("w", kShape, data()); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { writer->add_alias("v", "w"); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { writer->set_attributes({}); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { writer->finalize(); }), Code::usage);
  }
  EXPECT_EQ(folder.count(), 1U);
}

TEST(Writer, RefusesToReplaceWhenItWasToCreate) {
  const test::TempDir folder;
  Writer late = Writer::create(folder / "w.zt", WriteMode::create_new);
  test::write_file(folder / "w.zt", "before");
  EXPECT_EQ(test::code_of([&] { (void)Writer::create(folder / "w.zt", WriteMode::create_new); }), Code::io);
  try {
    late.finalize();
    FAIL() << "replaced a file that was created meanwhile";
  } catch (const Error& error) {
    EXPECT_EQ(error.os_error(), EEXIST);
  }
  EXPECT_EQ(test::read_file(folder / "w.zt"), "before");
  EXPECT_EQ(folder.count(), 1U);
  EXPECT_EQ(test::code_of([&] { (void)Writer::create(folder / "none" / "w.zt"); }), Code::io);
  EXPECT_EQ(test::code_of([&] { (void)Writer::create(folder / "w.onnx"); }), Code::usage);
}

// A sink with room for a limited number of bytes.
class SmallSink final : public ByteSink {
 public:
  explicit SmallSink(std::size_t room) : room_(room) {}
  void write(std::span<const std::byte> bytes) override {
    if (bytes.size() > room_) throw Error::system(ENOSPC, "", "cannot write");
    room_ -= bytes.size();
  }

 private:
  std::size_t room_;
};

TEST(Writer, CannotBeFinishedAfterAWriteFailed) {
  const std::vector<float> large(1 << 20);
  for (const Encoding encoding : {Encoding::raw(), Encoding::zstd(1)}) {
    Writer writer = Writer::to(std::make_unique<SmallSink>(encoding.is_raw() ? 1000 : 10), {.encoding = encoding});
    EXPECT_EQ(test::code_of([&] {
                writer.add("w", {large.size()}, std::span<const float>(large));
                writer.finalize();
              }),
              Code::io);
    EXPECT_EQ(test::code_of([&] { writer.add("v", kShape, data()); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { writer.finalize(); }), Code::usage);
  }
}

TEST(Writer, CannotBeFinishedAfterACallbackStoppedIt) {
  const test::TempDir folder;
  const std::vector<float> large(3 << 20);
  Writer writer = Writer::create(folder / "w.zt");
  writer.set_progress([](std::uint64_t, std::uint64_t) { return false; });
  // The callback is called at most ten times a second, so some adds may pass first.
  const Code code = test::code_of([&] {
    for (int i = 0; i < 10000; ++i) writer.add(std::to_string(i), {large.size()}, std::span<const float>(large));
  });
  EXPECT_EQ(code, Code::cancelled);
  writer.set_progress({});
  EXPECT_EQ(test::code_of([&] { writer.finalize(); }), Code::usage);
  EXPECT_FALSE(std::filesystem::exists(folder / "w.zt"));
}

TEST(Writer, AliasesShareTheirBytes) {
  const auto bytes = test::written({}, [](Writer& writer) {
    writer.add("w", kShape, data(), {.attributes = Value(Value::Map{{"a", 1}})});
    writer.add_alias("v", "w");
  });
  const Source source = test::open_bytes(bytes);
  EXPECT_EQ(source.tensor("v").read<float>(), kData);
  EXPECT_EQ(source.tensor("v").data().offset(), source.tensor("w").data().offset());
  EXPECT_TRUE(source.tensor("v").attributes() == source.tensor("w").attributes());
}

TEST(Writer, NamesTheRuleOfItsFormatWhenTheIndexIsTooLarge) {
  const std::pair<const char*, std::string> rules[] = {
      {"1.0", "zt10.manifest.limit"}, {"1.2", "zt12.manifest.limit"}, {"2", "zt2.manifest.limit"}};
  for (const auto& [format, rule] : rules) {
    std::vector<std::byte> bytes;
    Writer writer = memory_writer(bytes, {.to = format, .limits = {.index_bytes = 16}});
    writer.add("w", kShape, data());
    try {
      writer.finalize();
      FAIL() << format;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::limit);
      EXPECT_EQ(error.rule(), rule);
    }
  }
}

TEST(Writer, IsUnusableAfterAPlanThatFailed) {
  const Source source = test::open_bytes(test::written({}, [](Writer& writer) {
    writer.add(std::string(60, 'a'), kShape, data());
    writer.add(std::string(60, 'b'), kShape, data());
  }));
  const std::vector<Tensor> tensors(source.begin(), source.end());
  std::vector<std::byte> bytes;
  Writer writer = memory_writer(bytes, {.to = "safetensors", .limits = {.index_bytes = 100}});
  EXPECT_EQ(test::code_of([&] { static_cast<void>(writer.plan(tensors)); }), Code::limit);
  EXPECT_EQ(test::code_of([&] { writer.add("w", kShape, data()); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.finalize(); }), Code::usage);
  writer.abort();
  EXPECT_TRUE(bytes.empty());
}

TEST(Writer, PlansOnlyTensorsThatItsFormatHolds) {
  const Source source =
      test::open_bytes(test::written({}, [](Writer& writer) { writer.add_object("none", {2}, "acme.layout", {}); }));
  std::vector<std::byte> bytes;
  Writer writer = memory_writer(bytes, {.to = "safetensors"});
  const std::vector<Tensor> tensors(source.begin(), source.end());
  EXPECT_STREQ(test::error_of([&] { static_cast<void>(writer.plan(tensors)); }).rule(), "write.beyond");
  writer.add("w", kShape, data());
  writer.finalize();  // the refused plan left no trace
  EXPECT_EQ(test::open_bytes(bytes).size(), 1U);
}

TEST(Writer, ReportsOnlyLossesOfTensorsThatItTook) {
  const std::vector<std::byte> eights(4);
  const Source source = test::open_bytes(test::written(
      {}, [&](Writer& writer) { writer.add("w", {.dtype = DType::f8_e5m2, .shape = {4}, .data = eights.data()}); }));
  std::vector<std::byte> bytes;
  Writer writer = memory_writer(bytes, {.to = "1.0", .lossy = true});
  writer.add("w", kShape, data());
  const Tensor tensor = source.tensor("w");
  EXPECT_EQ(test::code_of([&] { writer.add_stored("w", tensor); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { writer.add_stored("v", tensor, Encoding::zstd(99)); }), Code::usage);
  EXPECT_TRUE(writer.losses().empty());
  writer.add_stored("v", tensor);
  EXPECT_EQ(writer.losses().size(), 1U);
}

}  // namespace
}  // namespace zt
