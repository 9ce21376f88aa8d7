#include "foreign/onnx/onnx.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "wire/cbor.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace zt::foreign::onnx {
namespace {

using namespace std::string_literals;

std::string varint(std::uint64_t number) {
  std::string out;
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  return out + static_cast<char>(number);
}
std::string number(std::uint64_t field, std::uint64_t value) { return varint(field << 3) + varint(value); }
std::string text(std::uint64_t field, std::string_view content) {
  return varint(field << 3 | 2) + varint(content.size()) + std::string(content);
}

std::string tensor(std::string_view name, std::uint64_t type, std::uint64_t size, const std::string& fields) {
  return number(1, size) + number(2, type) + fields + text(8, name);
}
std::string graph(const std::string& fields) { return text(2, "g") + fields; }
std::string model(const std::string& graph_fields, const std::string& more = "") {
  return number(1, 8) + text(7, graph(graph_fields)) + more;
}

MemoryStore store_of(const std::string& content) {
  const auto bytes = as_bytes(content);
  return MemoryStore(std::vector<std::byte>(bytes.begin(), bytes.end()));
}
model::Catalog decode_text(const std::string& content, const Limits& limits = {}) {
  return decode(store_of(content), limits);
}

std::string rule_of(const std::string& content, const Limits& limits = {}) {
  try {
    decode_text(content, limits);
  } catch (const Error& error) {
    return error.rule();
  }
  return "";
}

TEST(Onnx, IsRecognizedByItsContentOrItsName) {
  const std::string one = model(text(5, tensor("w", 2, 1, text(9, "x"))));
  EXPECT_TRUE(sniff(store_of(one), ""));
  EXPECT_TRUE(sniff(store_of(number(1, 8) + text(2, "producer") + text(7, graph(""))), ""));
  EXPECT_TRUE(sniff(store_of("anything"), "dir/model.onnx"));
  EXPECT_FALSE(sniff(store_of(""), ""));
  EXPECT_FALSE(sniff(store_of(number(1, 8)), "")) << "no graph";
  EXPECT_FALSE(sniff(store_of(text(7, graph(""))), "")) << "no version";
  EXPECT_FALSE(sniff(store_of(number(1, 1) + text(2, "of another format") + text(200, "x")), ""));
  EXPECT_FALSE(sniff(store_of(number(1, 8) + number(7, 1)), ""));
  EXPECT_FALSE(sniff(store_of(number(1, 8) + text(7, "text")), "")) << "no graph in field 7";
  EXPECT_FALSE(sniff(store_of(one.substr(0, 12)), "")) << "the file ends in the graph";
}

// 2^31 bytes, all zero.
class LargeStore final : public ByteStore {
 public:
  std::uint64_t size() const override { return std::uint64_t{1} << 31; }
  void read_at(std::uint64_t, std::span<std::byte> out) const override { std::ranges::fill(out, std::byte{}); }
};

TEST(Onnx, AFileHasLessThan2GiB) {
  try {
    decode(LargeStore(), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.rule(), "onnx.file.size");
    EXPECT_EQ(error.code(), Code::malformed);
  }
}

// OX-14
TEST(Onnx, UnpacksTenMillionSmallNumbersIntoAsManyBytes) {
  constexpr std::uint64_t kCount = 10'000'000;
  const model::Catalog catalog =
      decode_text(model(text(5, tensor("w", 2, kCount, text(5, std::string(kCount, '\7'))))));
  EXPECT_EQ(catalog.part(0).recipe.file, model::kOwnedFile);
  EXPECT_EQ(catalog.owned().size(), kCount);
  EXPECT_EQ(catalog.owned().back(), std::byte{7});
}

// OX-04
TEST(Onnx, DoesNotRecurseInto100000Graphs) {
  std::string head;
  std::uint64_t size = 0;
  std::string nested;
  for (int i = 0; i < 100'000; ++i) {  // from the inside: each level is a prefix of known length
    const std::string in_attribute = varint(6 << 3 | 2) + varint(size);
    const std::string in_node = varint(5 << 3 | 2) + varint(in_attribute.size() + size);
    const std::string in_graph = varint(1 << 3 | 2) + varint(in_node.size() + in_attribute.size() + size);
    std::string level = in_graph + in_node + in_attribute;
    size += level.size();
    nested.insert(nested.end(), level.rbegin(), level.rend());
  }
  std::ranges::reverse(nested);
  EXPECT_EQ(rule_of(model(nested)), "onnx.graph.depth");
}

TEST(Onnx, TensorsOfOneExternalRangeAreTiedToIt) {
  const std::string where = number(14, 1) + text(13, text(1, "location") + text(2, "w.bin"));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += text(5, tensor("w" + std::to_string(i), 1, 4, where));  // OX-22
  const model::Catalog catalog = decode_text(model(many));
  ASSERT_EQ(catalog.files.size(), 1U);
  EXPECT_EQ(catalog.files[0].name, "w.bin");
  EXPECT_EQ(catalog.files[0].size, 16U) << "the file ends with the elements";
  EXPECT_TRUE(catalog.notes.empty());
}

TEST(Onnx, PathsOfNamesStayInProportionToTheFile) {
  std::string inner;
  for (int i = 0; i < 100; ++i) inner += text(5, tensor("t" + std::to_string(i), 2, 0, ""));
  for (int i = 0; i < 30; ++i) {
    inner = text(1, text(3, std::string(200, 'n')) + text(5, text(1, "body") + text(6, graph(inner))));
  }
  const model::Catalog catalog = decode_text(model(inner));
  ASSERT_EQ(catalog.size(), 100U);
  for (std::uint32_t row = 0; row < 100; ++row) EXPECT_LT(catalog.text(catalog.tensor(row).name).size(), 600U);
}

TEST(Onnx, AttributesHaveTheFieldsOfTheModelAndItsProperties) {
  const auto entry = [](std::string_view key, std::string_view value) {
    return text(14, text(1, key) + text(2, value));
  };
  const std::string more = text(2, "maker") + text(3, "1.0") + text(4, "org") + number(5, ~std::uint64_t{0}) +
                           text(6, "words") + text(8, number(2, 17)) + text(8, text(1, "ai.onnx.ml") + number(2, 3)) +
                           entry("author", "me") + entry("domain", "other");
  const model::Catalog catalog = decode_text(model(text(10, "drawn"), more));
  const Value attributes = Value::parse(catalog.attributes);
  EXPECT_EQ(*attributes.find("ir_version"), Value(8));
  EXPECT_EQ(*attributes.find("producer_name"), Value("maker"));
  EXPECT_EQ(*attributes.find("producer_version"), Value("1.0"));
  EXPECT_EQ(*attributes.find("domain"), Value("org"));
  EXPECT_EQ(*attributes.find("model_version"), Value(-1));
  EXPECT_EQ(*attributes.find("doc_string"), Value("words"));
  EXPECT_EQ(*attributes.find("graph_name"), Value("g"));
  EXPECT_EQ(*attributes.find("graph_doc_string"), Value("drawn"));
  EXPECT_EQ(*attributes.find("author"), Value("me"));
  EXPECT_EQ(*attributes.find("metadata_props.domain"), Value("other"));
  ASSERT_NE(attributes.find("opset_import"), nullptr);
  EXPECT_EQ(*attributes.find("opset_import")->find("ai.onnx"), Value(17));
  EXPECT_EQ(*attributes.find("opset_import")->find("ai.onnx.ml"), Value(3));
}

TEST(Onnx, RefusesMoreTextThanTheLimit) {
  Limits limits;
  limits.index_bytes = 100;
  EXPECT_EQ(rule_of(model("", text(6, std::string(101, 'd'))), limits), "onnx.texts.limit");
}

TEST(Onnx, RefusesMoreTensorsThanTheSizeOfTheFileExplains) {
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += text(5, text(8, std::to_string(i)));  // 8 bytes each, all unreadable
  EXPECT_EQ(rule_of(model(many)), "onnx.tensors.limit");
  EXPECT_EQ(rule_of(model(many.substr(0, many.size() / 4))), "");
}

TEST(Onnx, CountsThePathBeforeEachName) {
  std::string inner;
  for (int i = 0; i < 5'000; ++i) inner += text(5, tensor(std::to_string(i), 2, 0, ""));
  for (int i = 0; i < 2; ++i) {
    inner = text(1, text(3, std::string(200, 'n')) + text(5, text(1, "body") + text(6, graph(inner))));
  }
  EXPECT_EQ(rule_of(model(inner)), "onnx.texts.limit");
}

TEST(Onnx, ANameThatAnotherScopeWasGivenIsNoDuplicate) {
  const auto weights = [](std::string_view first, std::string_view second) {
    return text(5, tensor(first, 2, 1, text(9, "x"))) + text(5, tensor(second, 2, 1, text(9, "y")));
  };
  const std::string node = text(1, text(3, "w") + text(5, text(1, "body") + text(6, graph(weights("a", "b")))));
  // The path of the first tensor of the subgraph is "w/body/a", which the graph has as a name of its own, too.
  const model::Catalog catalog = decode_text(model(weights("w/body/a", "w/body/a.2") + node));
  EXPECT_EQ(catalog.size(), 4U);
  EXPECT_EQ(rule_of(model(weights("a", "a"))), "onnx.name.duplicate");
  EXPECT_EQ(rule_of(model(text(1, text(3, "w") + text(5, text(1, "body") + text(6, graph(weights("a", "a"))))))),
            "onnx.name.duplicate");
}

TEST(Onnx, AFaultInTheTextsOfATensorIsThatOfTheTensor) {
  const std::string other = text(5, tensor("b", 2, 1, text(9, "y")));
  const model::Catalog catalog =
      decode_text(model(text(5, tensor("a", 2, 1, text(9, "x") + text(12, "\xff"))) + other));
  ASSERT_EQ(catalog.size(), 2U);
  EXPECT_EQ(catalog.fault(catalog.tensor(1).fault), nullptr);
}

TEST(Onnx, ATensorThatOverlapsAnyBeforeItIsNoted) {
  const auto at = [](std::string_view name, int offset, std::uint64_t size) {
    const std::string where = text(13, text(1, "location") + text(2, "w.bin")) +
                              text(13, text(1, "offset") + text(2, std::to_string(offset)));
    return text(5, tensor(name, 2, size, number(14, 1) + where));
  };
  const model::Catalog catalog = decode_text(model(at("long", 0, 100) + at("in", 10, 10) + at("in.too", 50, 10)));
  ASSERT_EQ(catalog.notes.size(), 1U);
  EXPECT_TRUE(catalog.notes[0].starts_with("2 ")) << catalog.notes[0];
}

TEST(Onnx, RefusesMoreFilesThanACatalogNumbers) {
  std::string many;
  for (int i = 0; i < 65'535; ++i) {
    const std::string where = number(14, 1) + text(13, text(1, "location") + text(2, std::to_string(i)));
    many += text(5, tensor("w" + std::to_string(i), 2, 1, where));
  }
  const model::Catalog catalog = decode_text(model(many));
  EXPECT_EQ(catalog.files.size(), model::kMostFiles);
  const model::TensorRow& last = catalog.tensor(static_cast<std::uint32_t>(catalog.size() - 1));
  ASSERT_NE(catalog.fault(last.fault), nullptr);
  EXPECT_STREQ(catalog.fault(last.fault)->rule, "onnx.external.files");
}

}  // namespace
}  // namespace zt::foreign::onnx
