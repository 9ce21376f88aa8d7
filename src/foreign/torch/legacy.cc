#include "foreign/torch/legacy.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "foreign/pickle/machine.h"
#include "foreign/pickle/records.h"
#include "foreign/torch/front_store.h"
#include "ztensor/error.h"

namespace zt::foreign::torch {
namespace {

using pickle::Graph;
using pickle::Id;
using pickle::Kind;

constexpr std::string_view kMagic = "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";  // little-endian
constexpr std::int64_t kVersion = 1001;
constexpr std::uint64_t kCount = 8;  // bytes of the count before each storage

[[noreturn]] void bad_stream(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

// Reads the pickle at the front of `rest`, and cuts it off.
void read_pickle(const ByteStore& store, Region& rest, Graph& graph) {
  const std::uint64_t end = pickle::Machine(store, rest, graph).run();
  rest = {end, rest.offset + rest.length - end};
}

// The value of a key in a dict; kNoNode if the dict has none.
Id value_of(const Graph& graph, Id dict, std::string_view key) {
  Id found = pickle::kNoNode;
  if (graph.kind(dict) != Kind::dict) return found;
  graph.each_member(dict, [&](Id name, Id value) {
    const bool is_text = graph.kind(name) == Kind::text || graph.kind(name) == Kind::string8;
    if (is_text && graph.has_text(name) && graph.text(name) == key) found = value;
  });
  return found;
}

// Ids of classes have the source of the class with them. We have no use for it.
bool is_storage_id(const pickle::Records& records, Id node) {
  const Graph& graph = records.graph();
  const Id id = graph.persistent_id(node);
  return graph.kind(id) != Kind::tuple || graph.items(id).empty() || records.word(graph.items(id)[0]) != "module";
}

}  // namespace

bool starts_legacy(const ByteStore& store) {
  std::array<std::byte, 32> head;
  const auto bytes =
      std::span(head).first(static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), store.size())));
  store.read_at(0, bytes);
  const std::string_view text = as_text(bytes);
  const std::string integer = "\x8A\x0A" + std::string(kMagic) + ".";
  constexpr std::size_t kProto = 2, kFrame = 9;  // the bytes of these opcodes; FRAME comes from protocol 4 on
  if (!text.starts_with('\x80') || text.size() < kProto + integer.size()) return false;
  return text.substr(kProto).starts_with(integer) || text.substr(kProto + kFrame).starts_with(integer);
}

LegacyStorages::LegacyStorages(const ByteStore& store, Region stream, Graph& graph, Storages* embedded)
    : store_(store), graph_(graph), embedded_(embedded) {
  Region rest = stream;
  read_header(rest);
  inside("object", [&] { read_pickle(store_, rest, graph); });
  Graph keys;
  inside("storage keys", [&] { read_pickle(store_, rest, keys); });
  collect(graph);
  locate(keys, rest);
}

// The magic number, the version, and the machine that wrote the stream.
void LegacyStorages::read_header(Region& rest) const {
  Graph magic, version, machine;
  inside("magic number", [&] { read_pickle(store_, rest, magic); });
  std::array<std::byte, 10> number{};
  const bool is_number = magic.kind(magic.root) == Kind::big_integer && magic.span(magic.root).length == number.size();
  if (is_number) store_.read_at(magic.span(magic.root).offset, number);
  if (as_text(number) != kMagic) bad_stream("torch.legacy.magic", "the stream does not begin with the magic number");
  inside("version", [&] { read_pickle(store_, rest, version); });
  if (version.kind(version.root) != Kind::integer || version.integer(version.root) != kVersion) {
    throw Error(Code::unsupported, "torch.legacy.version", "the stream is of another version than 1001");
  }
  inside("machine", [&] { read_pickle(store_, rest, machine); });
  const Id little = value_of(machine, machine.root, "little_endian");
  if (little == pickle::kNoNode || machine.kind(little) != Kind::boolean || !machine.boolean(little)) {
    throw Error(Code::unsupported, "torch.legacy.endian",
                "the stream was written on a big-endian machine: save it anew with a recent version of torch");
  }
}

// The storages that the object names. Each of their places depends on the lengths of the others.
void LegacyStorages::collect(const Graph& graph) {
  const pickle::Records records(store_, graph);
  for (Id node = 0; node < graph.size(); ++node) {
    if (graph.kind(node) != Kind::persistent || !is_storage_id(records, node)) continue;
    const pickle::StorageRecord storage = records.storage(node);
    Root& root = roots_.try_emplace(storage.key, Root{.storage = storage, .type = "", .bytes = 0}).first->second;
    if (storage_bytes(root.storage) != storage_bytes(storage)) {
      bad_stream("torch.legacy.claims", "storage " + in_quotes(storage.key) + " has two lengths");
    }
    root.bytes = storage_bytes(storage);
  }
}

void LegacyStorages::locate(const Graph& keys, Region rest) {
  if (keys.kind(keys.root) != Kind::list) bad_stream("torch.legacy.keys", "the keys of the storages are not a list");
  const pickle::Records records(store_, keys);
  std::vector<const Root*> order;
  std::uint64_t at = rest.offset;
  const std::uint64_t end = rest.offset + rest.length;
  keys.each_item(keys.root, [&](Id item) {
    const std::string_view key = records.word(item);
    const auto found = roots_.find(key);
    if (found == roots_.end() || found->second.is_listed) {
      bad_stream("torch.legacy.keys", "key " + in_quotes(key) + " is listed twice, or names no storage of the object");
    }
    Root& root = found->second;
    root.is_listed = true;
    if (!checked::within(at, kCount, end) || !checked::within(at + kCount, root.bytes, end)) {
      bad_stream("torch.legacy.bounds", "storage " + in_quotes(key) + " runs past the end");
    }
    root.offset = at + kCount;
    at = root.offset + root.bytes;
    order.push_back(&root);
  });
  if (order.size() != roots_.size()) bad_stream("torch.legacy.keys", "a storage of the object is not listed");
  if (at != end) bad_stream("torch.legacy.tail", "bytes follow the last storage, which ends at " + std::to_string(at));
  read_counts(order);
}

void LegacyStorages::read_counts(std::span<const Root* const> roots) const {
  std::vector<std::byte> counts(roots.size() * kCount);
  std::vector<ReadAt> reads;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    reads.push_back({roots[i]->offset - kCount, std::span(counts).subspan(i * kCount, kCount)});
  }
  store_.read_many(reads);
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const auto count = endian::load_le<std::uint64_t>(&counts[i * kCount]);
    const pickle::StorageRecord& storage = roots[i]->storage;
    if (count != storage.elements) {
      bad_stream("torch.legacy.count", "storage " + in_quotes(storage.key) + " has " + count_text(count, "element") +
                                           ", but claims " + std::to_string(storage.elements));
    }
  }
}

StoragePlace LegacyStorages::place(const pickle::StorageRecord& storage) {
  if (storage.is_embedded) {
    if (embedded_ == nullptr)
      bad_stream("torch.storage.embedded", "the bytes of a storage hold another storage's bytes");
    return embedded_->place(storage);
  }
  Root& root = roots_.at(storage.key);  // collect() has seen all ids
  check_same_type(storage, root.type);
  const Region bytes = view_of(storage, {root.offset, root.bytes});
  return {.recipe = {.offset = bytes.offset, .stored_length = bytes.length, .decoded_length = bytes.length},
          .type = storage.type,
          .dtype = storage.dtype};
}

// The bytes of a storage that is a part of another, from which its id says (key, offset, elements).
Region LegacyStorages::view_of(const pickle::StorageRecord& storage, Region root) const {
  if (storage.view == pickle::kNoNode || graph_.kind(storage.view) == Kind::none) return root;
  const pickle::Records records(store_, graph_);
  const auto items = graph_.items(storage.view);
  if (graph_.kind(storage.view) != Kind::tuple || items.size() != 3) {
    bad_stream("torch.legacy.view", "the view of storage " + in_quotes(storage.key) + " is not a tuple of three items");
  }
  const std::uint64_t offset = records.natural(items[1], "torch.legacy.view", "the offset of a view");
  const std::uint64_t elements = records.natural(items[2], "torch.legacy.view", "the length of a view");
  if (!checked::within(offset, elements, storage.elements)) {
    bad_stream("torch.legacy.view", "a view runs past the end of storage " + in_quotes(storage.key));
  }
  const std::uint64_t width = storage.elements == 0 ? 0 : root.length / storage.elements;
  return {root.offset + offset * width, elements * width};
}

namespace {

// The one storage that a stream of torch.save holds.
StoragePlace read_embedded(const ByteStore& store, Region stream) {
  constexpr std::uint64_t kUsualPickles = 8192;  // bytes: the pickles take some hundreds, and are read by windows
  const FrontStore front(store, stream, kUsualPickles);
  Graph graph;
  LegacyStorages storages(front, stream, graph, nullptr);
  if (graph.kind(graph.root) != Kind::persistent) {
    bad_stream("torch.storage.embedded", "the bytes of a storage hold another object");
  }
  return storages.place(pickle::Records(front, graph).storage(graph.root));
}

}  // namespace

StoragePlace EmbeddedStorages::place(const pickle::StorageRecord& storage) {
  if (!storage.is_embedded) {
    throw Error(Code::malformed, "torch.storage.id", "a storage lies outside of the file that names it");
  }
  auto known = known_.find(storage.payload.offset);
  if (known == known_.end()) known = known_.emplace(storage.payload.offset, read(storage)).first;
  if (const Error* error = std::get_if<Error>(&known->second)) throw Error(*error);
  return std::get<StoragePlace>(known->second);
}

EmbeddedStorages::Answer EmbeddedStorages::read(const pickle::StorageRecord& storage) const {
  try {
    if (storage.packing == pickle::Packing::raw) return read_embedded(store_, storage.payload);
    const Region owned = owned_.place({storage.payload, storage.packing});
    const MemoryStore decoded(Bytes(nullptr, owned_.bytes(owned)));
    StoragePlace place = read_embedded(decoded, {0, owned.length});
    place.recipe.file = model::kOwnedFile;
    place.recipe.offset += owned.offset;
    return place;
  } catch (Error& error) {
    error.enter("embedded storage");
    return error;
  }
}

}  // namespace zt::foreign::torch
