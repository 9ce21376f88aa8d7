#include "foreign/pickle/nested.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "base/endian.h"
#include "foreign/pickle/opcodes.h"
#include "ztensor/error.h"

namespace zt::foreign::pickle {
namespace {

using Stream = Records::Payload;

bool is_torch_loader(const Global& global) { return global.meaning.known == Known::load_from_bytes; }

// A bytearray may get other bytes after the stream has made it.
bool is_bytearray(const ByteStore& store, Region content) {
  std::array<std::byte, 9> head;  // opcode and length
  if (content.offset < head.size()) return false;
  store.read_at(content.offset - head.size(), head);
  return std::to_integer<std::uint8_t>(head[0]) == op::kByteArray8 &&
         endian::load_le<std::uint64_t>(&head[1]) == content.length;
}

// The bytes that a node stands for, if nothing that Python does can make them others. A text stands for itself: no
// loader takes it, but none is harmed if it is followed.
std::optional<Stream> literal(const Records& records, Id node) {
  const Graph& graph = records.graph();
  if (graph.kind(node) == Kind::call && records.known(node) == Known::make_bytearray) return std::nullopt;
  try {
    const auto stored = records.payload(node);
    const bool is_fixed = stored && (stored->packing != Packing::raw || !is_bytearray(records.store(), stored->range));
    return is_fixed ? stored : std::nullopt;
  } catch (const Error& error) {
    if (error.code() == Code::io) throw;
    return std::nullopt;
  }
}

void add_arguments(const Records& records, Id call, Nested& nested) {
  const Graph& graph = records.graph();
  const auto given = graph.items(graph.arguments(call));
  const bool is_torch = is_torch_loader(*graph.called(call));
  if (is_torch && given.size() != 1) nested.hidden = "torch.storage._load_from_bytes gets arguments that are computed";
  for (const Id argument : given) {
    const auto stream = literal(records, argument);
    if (stream && stream->range.length != 0) nested.streams.push_back(*stream);
    if (!stream && is_torch) nested.hidden = "torch.storage._load_from_bytes gets bytes that are computed";
  }
}

}  // namespace

Nested find_nested(const ByteStore& store, const Graph& graph) {
  const Records records(store, graph);
  Nested nested;
  for (const Global& global : graph.globals) {
    if (is_torch_loader(global) && global.passed != 0) {
      nested.hidden = "torch.storage._load_from_bytes is passed on to what may call it";
    }
  }
  for (Id id = 0; id < graph.size(); ++id) {
    const Global* global = graph.called(id);
    if (global == nullptr) continue;
    // Whatever has one of these names in another module may load pickles, too.
    if (global->name == "loads" || global->name == "_load_from_bytes") add_arguments(records, id, nested);
  }
  const auto place = [](const Stream& stream) {
    return std::tuple(stream.range.offset, stream.range.length, stream.packing);
  };
  const auto same = [&](const Stream& a, const Stream& b) { return place(a) == place(b); };
  std::ranges::sort(nested.streams, {}, place);
  nested.streams.erase(std::unique(nested.streams.begin(), nested.streams.end(), same), nested.streams.end());
  return nested;
}

}  // namespace zt::foreign::pickle
