#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/blocks.h"
#include "base/checked.h"
#include "base/compression.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/pickle/machine.h"
#include "foreign/pickle/pickle.h"
#include "foreign/torch/legacy.h"
#include "foreign/torch/lister.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kHeadBytes = 16;

constexpr std::string_view kTorchLegacy = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";

// The first opcodes of pickles without PROTO, and PROTO itself, of whatever protocol.
bool may_be_old(std::string_view head) {
  constexpr std::string_view kFirst = "(]})cIJKLMNFGSTUVX.\x80";
  return !head.empty() && kFirst.find(head[0]) != std::string_view::npos;
}

Id read_graph(const ByteStore& store, Region range, Graph& graph, WrappedArrays& wrapped) {
  Machine machine(store, range, graph);
  machine.after_build([&](const Graph& so_far, Id call, const Input& input) {
    Graph objects;  // nobody reads them
    return wrapped_bytes(store, so_far, call, {input.position(), input.left()}, Strictness::exact, objects, &wrapped);
  });
  const std::uint64_t end = machine.run();
  if (end != range.offset + range.length) {
    throw Error(Code::malformed, "pickle.stream.trailing",
                count_text(range.offset + range.length - end, "byte follows", "bytes follow") +
                    " the pickle, which ends at offset " + std::to_string(end));
  }
  return graph.root;
}

// Lists the arrays of NumPy and the tensors of torch, whose storages lie in bytes of the pickle.
void list_all(const Records& records, Id root, const Limits& limits, model::Catalog& catalog) {
  OwnedPayloads owned(catalog, records.store());
  torch::TensorRows rows(catalog, limits);
  torch::EmbeddedStorages storages(records.store(), owned);
  torch::TensorLister lister(rows, storages, owned);
  list_leaves(records, root, lister, catalog);
}

}  // namespace

bool has_pickle_name(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.ends_with(".pkl") || lower.ends_with(".pickle") || lower.ends_with(".joblib");
}

bool sniff(const ByteStore& store, std::string_view name) {
  const std::string head = head_of(store, kHeadBytes);
  if (head.starts_with(kTorchLegacy)) return false;
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) return true;
  return has_pickle_name(name) && (may_be_old(head) || find_compression(head) != nullptr);
}

void refuse_compressed(const ByteStore& store) {
  const std::string head = head_of(store, kHeadBytes);
  if (const Compression* compression = find_compression(head)) {
    throw Error(Code::unsupported, "pickle.file.compressed",
                "the pickle is compressed with " + std::string(compression->name) + ": decompress it first, with " +
                    std::string(compression->tool));
  }
}

model::Catalog decode(const ByteStore& store, const Limits& limits) {
  refuse_compressed(store);
  Graph graph;
  WrappedArrays wrapped;
  const Id root = read_graph(store, {0, store.size()}, graph, wrapped);
  model::Catalog catalog;
  catalog.format = "pickle";
  Records records(store, graph);
  records.read_wrapped(wrapped);
  list_all(records, root, limits, catalog);
  catalog.shrink();
  return catalog;
}

void list_object_array(const ByteStore& store, Region range, const Limits& limits, model::Catalog& catalog) {
  Graph graph;
  WrappedArrays wrapped;
  Id root = read_graph(store, range, graph, wrapped);
  Records records(store, graph);
  records.read_wrapped(wrapped);
  const Id objects = records.objects(root);
  if (objects == kNoNode) {
    throw Error(Code::malformed, "pickle.array.objects", "the pickle does not hold an array of objects");
  }
  root = objects;
  if (records.array(graph.root).shape.empty()) {
    if (graph.count(objects) != 1) {
      throw Error(Code::malformed, "pickle.array.length", "an array without dimensions does not hold one object");
    }
    graph.each_item(objects, [&](Id item) { root = item; });
  }
  list_all(records, root, limits, catalog);
}

}  // namespace zt::foreign::pickle
