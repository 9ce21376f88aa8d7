#include "source/repository.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "foreign/gguf/gguf.h"
#include "posix_only.h"
#include "source/join.h"
#include "source/split_set.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using test::write_file;

using Names = std::vector<std::string>;

// Saves one tensor of four bytes for each name.
void save(const fs::path& path, const Names& names, Value attributes = {}, std::string format = "") {
  Writer writer = Writer::create(path, {.to = std::move(format), .attributes = std::move(attributes)});
  for (const std::string& name : names) {
    const std::vector<std::uint8_t> content(4, static_cast<std::uint8_t>(name.back()));
    writer.add(name, {4}, std::span<const std::uint8_t>(content));
  }
  writer.finalize();
}

Names names_of(const Source& source) {
  Names names;
  for (const Tensor tensor : source) names.emplace_back(tensor.name());
  return names;
}

void expect_content(const Source& source) {
  for (const Tensor tensor : source) {
    const std::vector<std::uint8_t> content(4, static_cast<std::uint8_t>(tensor.name().back()));
    EXPECT_EQ(tensor.read<std::uint8_t>(), content) << tensor.name();
    EXPECT_TRUE(tensor.part("data").mappable()) << tensor.name();
  }
}

std::string index_of(const std::vector<std::pair<std::string, std::string>>& tensors) {
  std::string json = R"({"metadata": {"total_size": 5.5}, "weight_map": {)";
  for (const auto& [name, file] : tensors) {
    json += (json.back() == '{' ? "\"" : ", \"") + name + "\": \"" + file + "\"";
  }
  return json + "}}";
}

std::string rule_of(const fs::path& path) {
  return test::error_of([&] { (void)open(path); }).rule();
}

class Repository : public ::testing::Test {
 protected:
  TempDir folder_;
  fs::path index_ = folder_ / "model.safetensors.index.json";
  fs::path at(const std::string& name) { return folder_ / name; }
  // Two shards, and an index.
  void save_sharded() {
    save(at("m-1.safetensors"), {"a", "b"});
    save(at("m-2.safetensors"), {"c"});
    write_file(index_, index_of({{"c", "m-2.safetensors"}, {"a", "m-1.safetensors"}, {"b", "m-1.safetensors"}}));
  }
};

TEST_F(Repository, OpensAnIndexOrItsFolderAsOneSource) {
  save_sharded();
  for (const fs::path& path : {index_, at("")}) {
    const Source source = open(path);
    EXPECT_EQ(names_of(source), (Names{"c", "a", "b"}));
    EXPECT_EQ(source.format(), "safetensors");
    EXPECT_EQ(source.paths(), (std::vector<fs::path>{index_, at("m-2.safetensors"), at("m-1.safetensors")}));
    expect_content(source);
  }
}

TEST_F(Repository, NotesTensorsThatTheIndexDoesNotHave) {
  save_sharded();
  write_file(index_, index_of({{"c", "m-2.safetensors"}, {"a", "m-1.safetensors"}}));
  EXPECT_EQ(open(index_).notes(), std::vector<std::string>{"1 tensor of the shards is not in the index"});
  save(at("m-2.safetensors"), {"c", "d"});
  EXPECT_EQ(open(index_).notes(), std::vector<std::string>{"2 tensors of the shards are not in the index"});
}

TEST_F(Repository, ConvertsAFolderWholeAndNeverOverOneOfItsFiles) {
  save_sharded();
  EXPECT_EQ(convert({at("")}, at("out.zt")).tensors, 3U);
  expect_content(open(at("out.zt")));
  fs::remove(at("out.zt"));
  for (const fs::path& output : {at("m-1.safetensors"), index_}) {
    EXPECT_EQ(test::code_of([&] { convert({at("")}, output, {.writer = {.to = "safetensors"}, .overwrite = true}); }),
              Code::usage)
        << output;
  }
}

TEST_F(Repository, NamesAShardThatIsMissingOrHasAnotherSize) {
  save_sharded();
  const Source before = open(index_);
  fs::resize_file(at("m-2.safetensors"), 100);
  EXPECT_EQ(test::code_of([&] { (void)before.tensor("c").read<std::uint8_t>(); }), Code::malformed);
  fs::remove(at("m-2.safetensors"));
  try {
    (void)open(index_);
    ADD_FAILURE() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.os_error(), ENOENT);
    EXPECT_NE(std::string(error.what()).find("m-2.safetensors"), std::string::npos);
  }
}

TEST_F(Repository, IsNamedWhereTheNameOfOneFileIsAskedFor) {
  save_sharded();
  const Error error = test::error_of([&] { (void)open(at("model.safetensors")); });
  EXPECT_EQ(error.os_error(), ENOENT);
  EXPECT_NE(std::string(error.what()).find("open '" + index_.string() + "'"), std::string::npos) << error.what();
  EXPECT_EQ(std::string(test::error_of([&] { (void)open(at("other.safetensors")); }).what()).find("index"),
            std::string::npos);
}

TEST_F(Repository, ListsATensorThatNoShardHas) {
  save_sharded();
  write_file(index_, index_of({{"a", "m-1.safetensors"}, {"z", "m-1.safetensors"}, {"c", "m-2.safetensors"}}));
  const Source source = open(index_);
  EXPECT_EQ(names_of(source), (Names{"a", "b", "c", "z"}));
  ASSERT_TRUE(source.tensor("z").unreadable());
  EXPECT_STREQ(source.tensor("z").unreadable()->rule(), "index.tensor.missing");
  ASSERT_EQ(source.notes().size(), 1U);  // of "b", which the index lacks
}

TEST_F(Repository, RefusesNamesThatLeaveTheFolder) {
  save_sharded();
  for (const char* name : {"../m.safetensors", "/m.safetensors", "s/m.safetensors", ".m.safetensors", "",
                           "a\\\\m.safetensors", "http://h/m.safetensors", "m.safetensors\\u0000"}) {
    write_file(index_, index_of({{"a", name}}));
    EXPECT_EQ(rule_of(index_), "index.shard.name") << name;
  }
  for (const char* name : {"m.bin", "m.pkl", "m.onnx", "model.safetensors.index.json"}) {
    write_file(index_, index_of({{"a", name}}));
    EXPECT_EQ(rule_of(index_), "index.shard.kind") << name;
  }
}

TEST_F(Repository, FollowsLinksOnlyWithinTheCacheOfAHub) {
  ZT_POSIX_ONLY("links that anyone may make");
  const fs::path snapshot = at("hub") / "snapshots" / "1";
  fs::create_directories(snapshot);
  fs::create_directories(at("hub") / "blobs");
  save(at("hub") / "blobs" / "one.safetensors", {"a"});
  save(at("outside.safetensors"), {"a"});
  const fs::path shard = snapshot / "m.safetensors";
  fs::create_symlink("../../blobs/one.safetensors", shard);
  write_file(snapshot / "model.safetensors.index.json", index_of({{"a", "m.safetensors"}}));
  expect_content(open(snapshot));
  fs::remove(shard);
  fs::create_symlink("../../../outside.safetensors", shard);
  EXPECT_EQ(rule_of(snapshot), "index.shard.link");
}

TEST_F(Repository, RefusesAnIndexThatIsNone) {
  write_file(index_, R"({"weight_map": []})");
  EXPECT_EQ(rule_of(index_), "index.map");
  write_file(index_, R"({"weight_map": {"a": 1}})");
  EXPECT_EQ(rule_of(index_), "index.shard.text");
  write_file(index_, index_of({{"a", "m.safetensors"}, {"a", "n.safetensors"}}));
  EXPECT_EQ(rule_of(index_), "json.key.duplicate");
  write_file(index_, R"({"weight_map": {"a": "m.safetensors"}, "metadata": )" + std::string(20, '[') +
                         std::string(20, ']') + "}");
  EXPECT_EQ(rule_of(index_), "json.depth");
}

TEST_F(Repository, RefusesAnIndexPastItsLimits) {
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 4097; ++i) many.emplace_back("t" + std::to_string(i), "m" + std::to_string(i) + ".safetensors");
  write_file(index_, index_of(many));
  EXPECT_EQ(rule_of(index_), "index.shards");
  fs::resize_file(index_, (std::uint64_t{64} << 20) + 1);
  EXPECT_EQ(rule_of(index_), "index.size");
}

TEST(Join, CountsFilesOfAllMembers) {
  model::Catalog catalog;
  catalog.format = "safetensors";
  catalog.files.resize(model::kMostFiles / 2);
  source::Join join;
  join.add(catalog, "a", 0, true);
  EXPECT_EQ(test::error_of([&] { join.add(catalog, "b", 0, false); }).rule(), std::string("index.files"));
}

TEST_F(Repository, JoinsFilesWithoutAnIndexAndTheirAttributes) {
  ZT_REPLACES_OPEN_FILES();
  Value first;
  first.set("format", "pt");
  first.set("who", "one");
  Value second;
  second.set("format", "pt");
  second.set("who", "two");
  second.set("more", "yes");
  save(at("m-00001-of-00002.safetensors"), {"b"}, first);
  save(at("m-00002-of-00002.safetensors"), {"a"}, second);
  const Source source = open(at(""));
  EXPECT_EQ(names_of(source), (Names{"b", "a"}));
  first.set("more", "yes");
  EXPECT_EQ(source.attributes(), first);
  EXPECT_EQ(source.notes().size(), 1U);
  expect_content(source);
  fs::remove(at("m-00001-of-00002.safetensors"));
  save(at("other.safetensors"), {"x"});
  EXPECT_EQ(test::code_of([&] { (void)open(at("")); }), Code::io);
}

TEST_F(Repository, TellsTwoModelsInOneFolder) {
  save(at("one.safetensors"), {"a"});
  save(at("two.safetensors"), {"a"});
  EXPECT_EQ(rule_of(at("")), "index.tensor.twice");
  fs::remove(at("two.safetensors"));
  save(at("two.zt"), {"b"});
  EXPECT_EQ(names_of(open(at(""))), Names{"b"});  // .zt comes first
  fs::remove(at("two.zt"));
  fs::remove(at("one.safetensors"));
  EXPECT_EQ(test::code_of([&] { (void)open(at("")); }), Code::usage);
}

TEST_F(Repository, TakesTheRootOfAFolderWithShardsOfGeneration2) {
  Writer writer = Writer::create(at("m.zt"), {.to = "2", .max_shard_size = 4096});
  const std::vector<std::uint8_t> content(10000, 7);
  for (const char* name : {"a", "b", "c"}) writer.add(name, {10000}, std::span<const std::uint8_t>(content));
  writer.finalize();
  save(at("m-notes.zt"), {"d"}, {}, "2");  // no shard, in spite of its name
  const Source source = open(at(""));
  EXPECT_EQ(names_of(source), (Names{"d", "a", "b", "c"}));
  EXPECT_EQ(source.tensor("c").read<std::uint8_t>(), content);
}

TEST_F(Repository, TellsAShardThatWasReplacedByOneOfTheSameSize) {
  save_sharded();
  const Source source = open(index_);
  save(at("new.safetensors"), {"c"}, {}, "safetensors");
  fs::rename(at("new.safetensors"), at("m-2.safetensors"));
  EXPECT_STREQ(test::error_of([&] { (void)source.tensor("c").read<std::uint8_t>(); }).rule(), "index.shard.changed");
  expect_content(open(index_));
}

TEST_F(Repository, ReadsNoPickleWhereTheIndexIsForSafetensors) {
  save_sharded();
  write_file(at("m-2.safetensors"), "\x80\x02]q\x01.");  // an empty list
  EXPECT_EQ(rule_of(index_), "index.shard.kind");
  fs::remove(at("m-2.safetensors"));
  save(at("other.zt"), {"c"});
  fs::rename(at("other.zt"), at("m-2.safetensors"));
  EXPECT_EQ(rule_of(index_), "index.shard.kind");
}

// A field of protobuf with bytes in it.
std::string field(int number, const std::string& content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} + content;
}

// An ONNX model whose one tensor has its bytes in the file `location`.
std::string external_model(const std::string& name, const std::string& location) {
  const std::string tensor =
      "\x08\x01\x10\x02" + field(8, name) + field(13, field(1, "location") + field(2, location)) + "\x70\x01";
  return "\x08\x08" + field(7, field(5, tensor));
}

TEST_F(Repository, KeepsTheRulesOfExternalDataForEachFileOfAFolder) {
  write_file(at("a.onnx"), external_model("a", "a.onnx"));
  write_file(at("b.onnx"), external_model("b", "b.bytes"));
  write_file(at("b.bytes"), "7");
  const Source source = open(at(""));
  EXPECT_EQ(names_of(source), (Names{"a", "b"}));
  EXPECT_EQ(test::code_of([&] { (void)source.tensor("a").read<std::uint8_t>(); }), Code::refused);
  EXPECT_EQ(source.tensor("b").read<std::uint8_t>(), std::vector<std::uint8_t>{'7'});
}

TEST_F(Repository, MissesTheOtherFilesOfASetOfWhichThereIsOne) {
  save(at("model-00001-of-00002.safetensors"), {"a"});
  EXPECT_EQ(test::code_of([&] { (void)open(at("")); }), Code::io);
}

TEST_F(Repository, PrefersTheFileOfAWholeModelToAnIndex) {
  save_sharded();
  save(at("model.safetensors"), {"whole"});
  EXPECT_EQ(names_of(open(at(""))), Names{"whole"});
  EXPECT_EQ(open(index_).size(), 3U);
}

TEST_F(Repository, HasTheSameRulesForOneFileAsForMany) {
  ZT_POSIX_ONLY("links that anyone may make");
  TempDir other;
  save(other / "m.safetensors", {"a"});
  fs::create_symlink(other / "m.safetensors", at("m.safetensors"));
  EXPECT_EQ(rule_of(at("")), "index.shard.link");
  fs::remove(at("m.safetensors"));
  save(at("m.npz"), {"a"});
  fs::rename(at("m.npz"), at("m.safetensors"));
  EXPECT_EQ(rule_of(at("")), "index.shard.kind");
}

TEST_F(Repository, TakesNoElementsOfAnOnnxModelForAModel) {
  write_file(at("a.onnx"), external_model("a", "a.bin"));
  write_file(at("a.bin"), "7");
  EXPECT_EQ(open(at("")).tensor("a").read<std::uint8_t>(), std::vector<std::uint8_t>{'7'});
  write_file(at("pytorch_model.bin"), "no model");
  EXPECT_EQ(rule_of(at("")), "format.text");
}

// Finds one file, whatever is asked for.
class Anything final : public Resolver {
 public:
  std::shared_ptr<const ByteStore> find(const ShardIdentity&) const override {
    return std::make_shared<MemoryStore>(std::vector<std::byte>(1, std::byte{42}));
  }
};

TEST_F(Repository, AsksTheCallersResolverForWhatTheFilesName) {
  write_file(at("a.onnx"), external_model("a", "none"));
  write_file(at("b.onnx"), external_model("b", "none"));
  const Source source = open(at(""), {.resolver = std::make_shared<Anything>()});
  EXPECT_EQ(source.tensor("b").read<std::uint8_t>(), std::vector<std::uint8_t>{42});
}

TEST_F(Repository, JoinsTheAttributesOfManyFiles) {
  constexpr int kKeys = 3000;
  for (int file = 0; file < 3; ++file) {
    Value attributes;
    for (int key = 0; key < kKeys; ++key) {
      attributes.set("k" + std::to_string(file) + "." + std::to_string(key), std::to_string(key));
    }
    save(at("f" + std::to_string(file) + ".safetensors"), {"t" + std::to_string(file)}, std::move(attributes));
  }
  EXPECT_EQ(open(at("")).attributes().members()->size(), 3U * kKeys);
}

// Saves a GGUF file with one tensor, and what it says about the split.
void save_part(const fs::path& path, const std::string& tensor, int number, int count, int tensors) {
  Value attributes;
  attributes.set("general.architecture", "a" + std::to_string(number));
  attributes.set("split.no", number);
  attributes.set("split.count", count);
  attributes.set("split.tensors.count", tensors);
  Writer writer = Writer::create(path, {.to = "gguf", .attributes = std::move(attributes)});
  const std::vector<float> content = {1, 2};
  writer.add(tensor, {2}, std::span<const float>(content));
  writer.finalize();
}

TEST_F(Repository, JoinsSplitGgufFiles) {
  save_part(at("m-00001-of-00002.gguf"), "a", 0, 2, 2);
  save_part(at("m-00002-of-00002.gguf"), "b", 1, 2, 2);
  for (const char* path : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", ""}) {
    const Source source = open(at(path));
    EXPECT_EQ(names_of(source), (Names{"a", "b"}));
    EXPECT_EQ(*source.attributes().find("general.architecture")->text(), "a0");
    EXPECT_EQ(source.attributes().find("split.no"), nullptr);
    EXPECT_TRUE(source.notes().empty());
    EXPECT_EQ(source.tensor("b").read<float>(), (std::vector<float>{1, 2}));
  }
  for (const auto& pair : {std::pair(1, 2), std::pair(2, 1), std::pair(2, 2)}) {  // a file of the input
    const auto name = [&](int number) { return at("m-0000" + std::to_string(number) + "-of-00002.gguf"); };
    EXPECT_EQ(test::code_of([&] { convert({name(pair.first)}, name(pair.second), {.overwrite = true}); }), Code::usage)
        << pair.first << pair.second;
  }
  convert({at("m-00001-of-00002.gguf")}, at("whole.gguf"));
  EXPECT_EQ(names_of(open(at("whole.gguf"))), (Names{"a", "b"}));
  save_part(at("m-00002-of-00002.gguf"), "b", 0, 2, 2);
  EXPECT_EQ(rule_of(at("m-00001-of-00002.gguf")), "index.split");
  save_part(at("m-00002-of-00002.gguf"), "b", 1, 3, 2);
  EXPECT_EQ(rule_of(at("m-00001-of-00002.gguf")), "index.split");
  save_part(at("m-00002-of-00002.gguf"), "b", 1, 2, 3);
  EXPECT_EQ(rule_of(at("m-00001-of-00002.gguf")), "index.split");
  save_part(at("m-00001-of-00002.gguf"), "a", 0, 2, 5);  // the last one alone is right
  save_part(at("m-00002-of-00002.gguf"), "b", 1, 2, 2);
  EXPECT_EQ(rule_of(at("m-00001-of-00002.gguf")), "index.split");
  save_part(at("m-00001-of-00002.gguf"), "a", 0, 2, 2);
  save_part(at("m-00002-of-00002.gguf"), "a", 1, 2, 2);
  EXPECT_EQ(rule_of(at("m-00001-of-00002.gguf")), "index.tensor.twice");
  fs::remove(at("m-00002-of-00002.gguf"));
  EXPECT_EQ(test::code_of([&] { (void)open(at("m-00001-of-00002.gguf")); }), Code::io);
}

TEST_F(Repository, RefusesASetOfTooManyFiles) {
  save_part(at("m-00001-of-05000.gguf"), "a", 0, 5000, 1);
  EXPECT_EQ(rule_of(at("m-00001-of-05000.gguf")), "index.shards");
}

TEST(PartNames, AreTakenApartAndMade) {
  const auto part = source::parse_part_name("a-b-00002-of-00012.gguf");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->stem, "a-b");
  EXPECT_EQ(part->number, 2U);
  EXPECT_EQ(part->count, 12U);
  EXPECT_EQ(source::part_name(*part, 3), "a-b-00003-of-00012.gguf");
  for (const char* name : {"a.gguf", "a-00000-of-00002.gguf", "a-00003-of-00002.gguf", "a-0001-of-00002.gguf",
                           "-of-00002.gguf", "00001-of-00002.gguf", "a-00001-of-2.gguf"}) {
    EXPECT_FALSE(source::parse_part_name(name)) << name;
  }
}

}  // namespace
}  // namespace zt
