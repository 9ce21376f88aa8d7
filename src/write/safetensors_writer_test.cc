// Tests of the Writer only for safetensors.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "errors.h"
#include "memory_file.h"
#include "source/formats.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

const WriterOptions kForm = {.to = "safetensors"};
const std::vector<float> kFloats = {1, 2};
const std::vector<std::uint8_t> kBytes = {7, 8, 9};

std::string prefixed(std::string json) {
  std::string prefix(8, '\0');
  json.append((8 - json.size() % 8) % 8, ' ');
  prefix[0] = static_cast<char>(json.size() & 0xFF);
  prefix[1] = static_cast<char>(json.size() >> 8);
  return prefix + json;
}

std::string bytes_of(const void* data, std::size_t size) { return std::string(static_cast<const char*>(data), size); }

void add_two(Writer& writer) {
  writer.add("b", {3}, std::span<const std::uint8_t>(kBytes));
  writer.add("a", {2}, std::span<const float>(kFloats));
}

std::string two_tensors() {
  return prefixed(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                  R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})") +
         bytes_of(kFloats.data(), 8) + bytes_of(kBytes.data(), 3);
}

WriterOptions with_metadata() {
  WriterOptions options = kForm;
  options.attributes = Value(Value::Map{{Value("format"), Value("pt")}});
  return options;
}

TEST(SafetensorsWriter, WritesTheBytesOfTheReference) {
  EXPECT_EQ(as_text(test::written(with_metadata(), add_two)), two_tensors());
}

TEST(SafetensorsWriter, WritesTheSameToAPathThatIsNamedSo) {
  const test::TempDir folder;
  Writer writer = Writer::create(folder / "m.safetensors", {.attributes = with_metadata().attributes});
  EXPECT_EQ(writer.format(), "safetensors");
  add_two(writer);
  writer.finalize();
  EXPECT_EQ(test::read_file(folder / "m.safetensors"), two_tensors());
  EXPECT_EQ(writer.bytes_written(), two_tensors().size());
}

TEST(SafetensorsWriter, WritesAnEmptyFileAndEmptyTensors) {
  EXPECT_EQ(as_text(test::written(kForm, [](Writer&) {})), prefixed("{}"));
  const auto bytes = test::written(kForm, [](Writer& writer) {
    writer.add("e", {0, 3}, std::span<const float>());
    writer.add("s", {}, std::span<const float>(kFloats).first(1));
  });
  EXPECT_EQ(as_text(bytes), prefixed(R"({"e":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},)"
                                     R"("s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})") +
                                bytes_of(kFloats.data(), 4));
}

TEST(SafetensorsWriter, StoresATieOnceForEachName) {
  const auto bytes = test::written(kForm, [](Writer& writer) {
    writer.add("a", {2}, std::span<const float>(kFloats));
    writer.add_alias("b", "a");
  });
  const Source source = test::open_bytes(bytes);
  EXPECT_EQ(source.tensor("a").read<float>(), kFloats);
  EXPECT_EQ(source.tensor("b").read<float>(), kFloats);
}

TEST(SafetensorsWriter, LeavesOutWhatTheLibraryNotesForItself) {
  WriterOptions options = kForm;
  options.attributes = Value(Value::Map{{Value("ztensor.source.format"), Value("pt")}});
  EXPECT_EQ(as_text(test::written(options, [](Writer&) {})), prefixed("{}"));
}

TEST(SafetensorsWriter, RefusesByNameWhatTheFormatCannotHold) {
  const auto refuses = [](const WriterOptions& options, Code code, auto&& work) {
    const Error error = test::error_of([&] { test::written(options, work); });
    EXPECT_EQ(error.code(), code) << error.what();
  };
  WriterOptions number = kForm;
  number.attributes = Value(Value::Map{{Value("step"), Value(1)}});
  refuses(number, Code::unsupported, [](Writer&) {});
  WriterOptions packed = kForm;
  packed.encoding = Encoding::zstd();
  refuses(packed, Code::usage, [](Writer&) {});
  WriterOptions digest = kForm;
  digest.checksum = Checksum::crc32c;
  refuses(digest, Code::usage, [](Writer&) {});
  WriterOptions aligned = kForm;
  aligned.alignment = 64;
  refuses(aligned, Code::usage, [](Writer&) {});
  refuses(kForm, Code::unsupported,
          [](Writer& writer) { writer.add("__metadata__", {2}, std::span<const float>(kFloats)); });
  refuses(kForm, Code::unsupported, [](Writer& writer) {
    const std::vector<std::uint64_t> index = {0, 1};
    writer.add_coo("c", {2}, std::span<const float>(kFloats), std::span<const std::uint64_t>(index));
  });
  refuses(kForm, Code::unsupported, [](Writer& writer) {
    const std::vector<std::byte> two(2);
    writer.add("f", {.dtype = DType::f4_e2m1, .shape = {3}, .data = two.data()});
  });
  refuses(kForm, Code::unsupported, [](Writer& writer) {
    const std::vector<std::byte> one(16);
    writer.add("z", {.dtype = DType::complex128, .shape = {1}, .data = one.data()});
  });
  refuses(kForm, Code::unsupported, [](Writer& writer) {
    AddOptions options;
    options.attributes = Value(Value::Map{{Value("k"), Value("v")}});
    writer.add("t", {2}, std::span<const float>(kFloats), options);
  });
}

TEST(SafetensorsWriter, RefusesAFormatThatTheNameDoesNotSay) {
  const test::TempDir folder;
  for (const auto& pair : {std::pair("m.safetensors", "1.2"), std::pair("m.onnx", "safetensors")}) {
    WriterOptions options;
    options.to = pair.second;
    EXPECT_EQ(test::error_of([&] { (void)Writer::create(folder / pair.first, options); }).code(), Code::usage)
        << pair.first;
  }
}

class SafetensorsConvert : public testing::Test {
 protected:
  fs::path at(std::string_view name) const { return folder_ / name; }
  // A file with two tied tensors, and a compressed one.
  fs::path make(std::string_view name) const {
    Writer writer = Writer::create(at(name), {.attributes = with_metadata().attributes});
    writer.add("z", {2}, std::span<const float>(kFloats));
    writer.add_alias("y", "z");
    const std::vector<double> many(100000, 1.5);
    writer.add("x", {100000}, std::span<const double>(many), {.encoding = Encoding::zstd()});
    writer.finalize();
    return at(name);
  }
  test::TempDir folder_;
};

TEST_F(SafetensorsConvert, WritesWhatWasReadAndReadsItBack) {
  const std::vector<fs::path> inputs = {make("in.zt")};
  ConvertOptions options;
  options.check_output = true;
  const ConvertReport report = convert(inputs, at("out.safetensors"), options);
  EXPECT_EQ(report.tensors, 3U);
  EXPECT_EQ(report.bytes_out, fs::file_size(at("out.safetensors")));
  const Source source = open(at("out.safetensors"));
  EXPECT_EQ(source.format(), "safetensors");
  EXPECT_EQ(source.tensor("y").read<float>(), kFloats);
  EXPECT_EQ(source.tensor("x").read<double>(), std::vector<double>(100000, 1.5));
}

TEST_F(SafetensorsConvert, PlannedAndSpooledFilesAreTheSame) {
  const Source source = open(make("in.zt"));
  const std::vector<fs::path> inputs = {at("in.zt")};
  convert(inputs, at("planned.safetensors"));
  Writer writer = Writer::create(at("spooled.safetensors"), {.attributes = with_metadata().attributes});
  for (const Tensor tensor : source) writer.add_stored(tensor.name(), tensor);
  writer.finalize();
  EXPECT_TRUE(test::read_file(at("planned.safetensors")) == test::read_file(at("spooled.safetensors")));
}

TEST_F(SafetensorsConvert, APlanIsKeptTo) {
  const Source source = open(make("in.zt"));
  const std::vector<Tensor> tensors(source.begin(), source.end());
  Writer writer = Writer::create(at("out.safetensors"));
  const std::vector<std::size_t> order = writer.plan(tensors);
  const Tensor& last = tensors[order.back()];
  EXPECT_EQ(test::error_of([&] { writer.add_stored(last.name(), last); }).code(), Code::usage);
  EXPECT_EQ(test::error_of([&] { writer.set_attributes(with_metadata().attributes); }).code(), Code::usage);
  writer.add_stored(tensors[order[0]].name(), tensors[order[0]]);
  EXPECT_EQ(test::error_of([&] { writer.finalize(); }).code(), Code::usage);
  EXPECT_FALSE(fs::exists(at("out.safetensors")));
}

TEST_F(SafetensorsConvert, CutsAModelIntoShardsThatAnIndexNames) {
  const std::vector<fs::path> inputs = {make("in.zt")};
  ConvertOptions options;
  options.writer.max_shard_size = 16;
  convert(inputs, at("model.safetensors"), options);
  EXPECT_FALSE(fs::exists(at("model.safetensors")));
  EXPECT_EQ(test::read_file(at("model.safetensors.index.json")),
            "{\n  \"metadata\": {\n    \"total_size\": 800016\n  },\n  \"weight_map\": {\n"
            "    \"x\": \"model-00002-of-00002.safetensors\",\n"
            "    \"y\": \"model-00001-of-00002.safetensors\",\n"
            "    \"z\": \"model-00001-of-00002.safetensors\"\n  }\n}\n");
  EXPECT_EQ(open(at("model-00001-of-00002.safetensors")).size(), 2U);
  EXPECT_EQ(open(at("model-00002-of-00002.safetensors")).size(), 1U);
}

TEST_F(SafetensorsConvert, AnotherSaveOverwritesNoShardThatTheOldIndexNames) {
  const std::vector<fs::path> inputs = {make("in.zt")};
  ConvertOptions options;
  options.writer.max_shard_size = 16;
  options.overwrite = true;
  convert(inputs, at("model.safetensors"), options);
  const std::string before = test::read_file(at("model-00001-of-00002.safetensors"));
  test::write_file(at("model.safetensors"), "an older model");
  convert(inputs, at("model.safetensors"), options);
  EXPECT_TRUE(test::read_file(at("model-00001-of-00002.safetensors")) == before);
  EXPECT_TRUE(fs::exists(at("model-00001-of-00002-2.safetensors")));
  EXPECT_FALSE(fs::exists(at("model.safetensors")));
  EXPECT_NE(test::read_file(at("model.safetensors.index.json")).find("model-00001-of-00002-2"), std::string::npos);
}

TEST_F(SafetensorsConvert, AModelThatFitsOneShardIsOneFile) {
  const std::vector<fs::path> inputs = {make("in.zt")};
  ConvertOptions options;
  options.writer.max_shard_size = 1 << 20;
  convert(inputs, at("model.safetensors"), options);
  EXPECT_TRUE(fs::exists(at("model.safetensors")));
  EXPECT_FALSE(fs::exists(at("model.safetensors.index.json")));
}

// A model with one value in all tensors, in one file or in shards.
void save_model(const fs::path& path, float value, std::uint64_t max_shard_size) {
  Writer writer = Writer::create(path, {.max_shard_size = max_shard_size});
  for (const char* name : {"a", "b", "c"}) writer.add(name, {1}, std::span<const float>(&value, 1));
  writer.finalize();
}

// The value that a loader finds: it tries the single file first, then the index. All tensors have one value.
float load_model(const fs::path& path) {
  std::vector<fs::path> files = {path};
  if (!fs::exists(path)) {
    files.clear();
    const std::string index = test::read_file(path.string() + ".index.json");
    const std::size_t map = index.find("weight_map");
    for (std::size_t at = index.find("\": \"", map); at != std::string::npos; at = index.find("\": \"", at + 1)) {
      const std::size_t name = at + 4;
      files.push_back(path.parent_path() / index.substr(name, index.find('"', name) - name));
    }
    EXPECT_EQ(files.size(), 3U);
  }
  float found = -1;
  for (const fs::path& file : files) {
    for (const Tensor tensor : open(file)) {
      const float value = tensor.read<float>().at(0);
      EXPECT_TRUE(found < 0 || found == value) << "two models mixed";
      found = value;
    }
  }
  return found;
}

TEST(SafetensorsShards, LeaveTheOldModelOrTheNewOneWhereverASaveIsKilled) {
  for (const std::uint64_t old_size : {std::uint64_t{0}, std::uint64_t{4}}) {
    bool hit = true;
    for (std::size_t at = 0; hit; ++at) {
      const test::TempDir folder;
      const fs::path path = folder / "model.safetensors";
      save_model(path, 1, old_size);
      {
        const test::Faults faults(test::Faults::Kind::die, at);
        try {
          save_model(path, 2, 4);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Code::io);
        }
        hit = faults.hit();
      }
      const float found = load_model(path);
      EXPECT_TRUE(found == 1 || found == 2) << at;
      if (!hit) {
        EXPECT_EQ(found, 2);
      }
    }
  }
}

// A replaced model may be gone at once, so the new model must be on disk before. A new name needs no sync.
TEST(SafetensorsShards, AreSyncedBeforeAModelIsReplaced) {
  for (const auto& [name, shard_size] : {std::pair{"m.safetensors", 8U}, std::pair{"m.zt", 8192U}}) {
    for (const bool replaces : {false, true}) {
      const test::TempDir folder;
      const std::string format = std::string_view(name).ends_with(".zt") ? "2" : "safetensors";
      const auto save = [&, file = name](std::uint64_t most) {
        Writer writer = Writer::create(folder / file, {.to = format, .max_shard_size = most});
        for (const char* tensor : {"a", "b", "c"}) writer.add(tensor, {2}, std::vector<float>{1, 2});
        writer.finalize();
      };
      if (replaces) save(0);
      test::Faults faults;
      std::size_t synced = 0;
      std::size_t before_last = 0;  // syncs before the last change of a name
      faults.watch = [&](const io::sys::Event& event) {
        using io::sys::Call;
        if (event.call == Call::datasync || event.call == Call::sync) ++synced;
        if (event.call == Call::rename || event.call == Call::link || event.call == Call::unlink) before_last = synced;
      };
      save(shard_size);
      EXPECT_GT(folder.count(), 3U) << "expected three shards";
      EXPECT_EQ(before_last >= 3, replaces) << name << ": " << before_last;
    }
  }
}

TEST(SafetensorsWriter, WritesNoHeaderThatNoReaderOpens) {
  constexpr std::uint64_t kMost = 100'000'000;  // of the header, which follows 8 bytes
  const model::Encoder& encoder = *source::find_writable("safetensors").encoder;
  EXPECT_NO_THROW(model::check_index_size(8 + kMost, encoder, {}));
  const Error error = test::error_of([&] { model::check_index_size(8 + kMost + 8, encoder, {}); });
  EXPECT_EQ(error.code(), Code::limit);
  EXPECT_STREQ(error.rule(), "safetensors.header.limit");
  EXPECT_EQ(std::string(error.what()).find("raise"), std::string::npos) << "no limit can be raised over it";
}

}  // namespace
}  // namespace zt
