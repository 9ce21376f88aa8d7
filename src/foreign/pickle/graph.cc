#include "foreign/pickle/graph.h"

#include <bit>

namespace zt::foreign::pickle {

double Graph::floating(Id id) const { return std::bit_cast<double>(nodes_[id].a); }

std::string_view Graph::text(Id id) const {
  const Node& node = nodes_[id];
  if (node.extra == 0) return {};
  // The pool has, before each content, its length in four bytes.
  const std::size_t at = node.extra - 1;
  std::uint32_t length = 0;
  for (unsigned i = 0; i < 4; ++i) length |= std::uint32_t{static_cast<std::uint8_t>(pool_[at + i])} << (8 * i);
  return std::string_view(pool_).substr(at + 4, length);
}

std::span<const Id> Graph::items(Id tuple) const {
  const Node& node = nodes_[tuple];
  if (node.kind != Kind::tuple) return {};
  return std::span(items_).subspan(static_cast<std::size_t>(node.a), static_cast<std::size_t>(node.b));
}

const Global* Graph::called(Id call) const {
  if (kind(call) != Kind::call) return nullptr;
  const Id target = callee(call);
  return kind(target) == Kind::global ? &global(target) : nullptr;
}

const Build* Graph::build(Id call) const {
  const Node& node = nodes_[call];
  return node.kind == Kind::call && node.extra != 0 ? &builds_[node.extra - 1] : nullptr;
}

bool Graph::has_chunks(Id container, bool keyed) const {
  for (std::uint32_t at = first_chunk(container); at != 0; at = chunks_[at - 1].next) {
    if (chunks_[at - 1].keyed == keyed && chunks_[at - 1].count != 0) return true;
  }
  return false;
}

std::uint64_t Graph::count(Id container, std::uint64_t most) const {
  if (kind(container) == Kind::tuple) return nodes_[container].b;
  std::uint64_t count = 0;
  for (std::uint32_t at = first_chunk(container); at != 0 && count < most; at = chunks_[at - 1].next) {
    count += chunks_[at - 1].keyed ? chunks_[at - 1].count / 2 : chunks_[at - 1].count;
  }
  return count;
}

}  // namespace zt::foreign::pickle
