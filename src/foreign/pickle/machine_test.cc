#include "foreign/pickle/machine.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/utf8.h"

namespace zt::foreign::pickle {
namespace {

using namespace std::string_literals;

MemoryStore store_of(std::string_view stream) {
  const auto bytes = as_bytes(stream);
  return MemoryStore(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

Graph graph_of(std::string_view stream) {
  const MemoryStore store = store_of(stream);
  Graph graph;
  Machine(store, {0, store.size()}, graph).run();
  return graph;
}

std::string rule_of(std::string_view stream, Strictness strictness = Strictness::exact) {
  const MemoryStore store = store_of(stream);
  Graph graph;
  try {
    Machine(store, {0, store.size()}, graph, strictness).run();
  } catch (const Error& error) {
    return error.rule();
  }
  return "";
}

TEST(PickleMachine, ReadsADictOfPlainValues) {
  // pickle.dumps({'a': 1, 'b': [True, None, 1.5]}, 2)
  const Graph graph = graph_of(
      "\x80\x02}q\x00(X\x01\x00\x00\x00"s
      "aq\x01K\x01X\x01\x00\x00\x00"s
      "bq\x02]q\x03(\x88NG?\xf8\x00\x00\x00\x00\x00\x00"s
      "eu."s);
  ASSERT_EQ(graph.kind(graph.root), Kind::dict);
  EXPECT_EQ(graph.count(graph.root), 2U);
  std::string keys;
  Id last = 0;
  graph.each_member(graph.root, [&](Id key, Id value) {
    keys += graph.text(key);
    last = value;
  });
  EXPECT_EQ(keys, "ab");
  ASSERT_EQ(graph.kind(last), Kind::list);
  std::vector<Kind> kinds;
  graph.each_item(last, [&](Id item) { kinds.push_back(graph.kind(item)); });
  EXPECT_EQ(kinds, (std::vector{Kind::boolean, Kind::none, Kind::floating}));
}

TEST(PickleMachine, KeepsACallAsANode) {
  const Graph graph = graph_of(
      "\x80\x02"
      "ccollections\nOrderedDict\n)R}b.");
  ASSERT_EQ(graph.kind(graph.root), Kind::call);
  ASSERT_NE(graph.called(graph.root), nullptr);
  EXPECT_EQ(graph.called(graph.root)->meaning.known, Known::ordered_dict);
  EXPECT_NE(graph.build(graph.root), nullptr);
  EXPECT_TRUE(graph.globals[0].called);
}

TEST(PickleMachine, RefusesAGlobalThatRunsCode) {
  EXPECT_EQ(rule_of("cos\nsystem\n(S'id'\ntR."), "pickle.global.danger");
  EXPECT_EQ(rule_of("\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93."s), "pickle.global.danger");
}

TEST(PickleMachine, TracesAGlobalThatRunsCode) {
  const MemoryStore store = store_of("cos\nsystem\n(S'id'\ntR.");
  Graph graph;
  Machine(store, {0, store.size()}, graph, Strictness::trace).run();
  ASSERT_EQ(graph.globals.size(), 1U);
  EXPECT_EQ(graph.globals[0].full(), "os.system");
  EXPECT_EQ(graph.globals[0].risk, Risk::danger);
  EXPECT_TRUE(graph.globals[0].called);
}

TEST(PickleMachine, NeverTakesMoreFromTheStackThanThereIs) {
  EXPECT_EQ(rule_of("."), "pickle.stack.underflow");
  EXPECT_EQ(rule_of("(0."), "pickle.stack.underflow");
  EXPECT_EQ(rule_of("N1."), "pickle.mark.missing");
  EXPECT_EQ(rule_of("NN."), "pickle.stack.left");
  EXPECT_EQ(rule_of("}(Nu."), "pickle.items.odd");
  EXPECT_EQ(rule_of("Na."), "pickle.stack.underflow");
  EXPECT_EQ(rule_of("NNa."), "pickle.items.target");
  EXPECT_EQ(rule_of("]NNs."), "pickle.items.target");
  EXPECT_EQ(rule_of("h\x05."), "pickle.memo.unset");
  EXPECT_EQ(rule_of("}Nb."), "pickle.build.target");
}

TEST(PickleMachine, PassesOverLongBytesWithoutReadingThem) {
  std::string stream =
      "\x80\x03"
      "B\x00\x00\x10\x00"s;
  stream += std::string(0x100000, 'x') + ".";
  const Graph graph = graph_of(stream);
  EXPECT_EQ(graph.kind(graph.root), Kind::bytes);
  EXPECT_EQ(graph.span(graph.root), (Region{7, 0x100000}));
  EXPECT_FALSE(graph.has_text(graph.root));
}

TEST(PickleMachine, BeginsWithAnyOpcodeOfProtocol0) {
  EXPECT_EQ(graph_of("].").root, 4U);
  EXPECT_EQ(graph_of(").").root, 3U);
}

TEST(PickleMachine, ReadsTheTextsOfProtocol0) {
  EXPECT_EQ(graph_of("Va\\u00e4\xe4\n.").root, 4U);
  const Graph unicode = graph_of("Va\\u00e4\xe4\n.");
  EXPECT_EQ(unicode.text(unicode.root), "a\xc3\xa4\xc3\xa4");
  const Graph quoted = graph_of("S'a\\x41\\n\\'\\101'\n.");
  EXPECT_EQ(quoted.text(quoted.root), "aA\n'A");
  const Graph number = graph_of("L-12345678901L\n.");
  EXPECT_EQ(number.integer(number.root), -12345678901);
}

}  // namespace
}  // namespace zt::foreign::pickle
