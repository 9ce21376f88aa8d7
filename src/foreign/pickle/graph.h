#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/region.h"
#include "foreign/pickle/globals.h"

namespace zt::foreign::pickle {

using Id = std::uint32_t;  // a node of a Graph
inline constexpr Id kNoNode = 0xFFFFFFFF;

enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,      // fits in 64 bits with a sign
  big_integer,  // does not: `content` is its bytes, little-endian, or its decimal text
  floating,
  text,
  string8,  // a str of Python 2: text in ASCII, or bytes
  bytes,    // or a bytearray
  tuple,
  list,
  dict,
  set,  // or a frozenset
  global,
  call,        // a global that would be called, or a class that would be made: REDUCE, NEWOBJ, NEWOBJ_EX, INST, OBJ
  persistent,  // a persistent id
  buffer,      // bytes outside of the stream
};

// How the bytes of a text or string8 stand in the stream.
enum class Form : std::uint8_t {
  plain,    // as they are; text in UTF-8
  unicode,  // Latin-1 with \uXXXX and \UXXXXXXXX
  quoted,   // with the escapes of a Python string, without its quotes
};

struct Node {
  Kind kind = Kind::none;
  Form form = Form::plain;
  bool is_utf8 = true;      // of a text
  bool is_class = false;    // of a call: NEWOBJ, which makes an object of a class
  std::uint32_t extra = 0;  // of texts and bytes: 1 + where the content lies in the pool, or 0. Of calls: 1 + a build
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};
static_assert(sizeof(Node) == 24);

// The state that BUILD gives to an object.
struct Build {
  Id state = kNoNode;
  Id before = 0;               // the nodes from here on were made after it
  std::uint64_t position = 0;  // in the store, behind the opcode
};

// What a pickle describes. Nothing of it has been executed. Shared objects are shared nodes, and there may be cycles.
class Graph {
 public:
  Id root = kNoNode;
  std::vector<Global> globals;  // each module and name once, in the order of the stream

  std::size_t size() const noexcept { return nodes_.size(); }
  std::size_t item_count() const noexcept { return items_.size(); }  // of all containers
  Kind kind(Id id) const { return nodes_[id].kind; }
  const Node& node(Id id) const { return nodes_[id]; }

  bool boolean(Id id) const { return nodes_[id].a != 0; }
  std::int64_t integer(Id id) const { return static_cast<std::int64_t>(nodes_[id].a); }
  double floating(Id id) const;
  // Where the bytes of a text, string8, bytes or big_integer stand in the store.
  Region span(Id id) const { return {nodes_[id].a, nodes_[id].b}; }
  // Whether text() has the content: long contents are not kept.
  bool has_text(Id id) const { return nodes_[id].extra != 0; }
  // The decoded content of a text, string8 or bytes. "" where it is not kept.
  std::string_view text(Id id) const;

  std::span<const Id> items(Id tuple) const;
  const Global& global(Id id) const { return globals[nodes_[id].a]; }
  Id callee(Id call) const { return static_cast<Id>(nodes_[call].a & 0xFFFFFFFF); }
  Id arguments(Id call) const { return static_cast<Id>(nodes_[call].a >> 32); }  // mostly a tuple
  // The global that a call names, or null if its callee is something else.
  const Global* called(Id call) const;
  const Build* build(Id call) const;
  Id persistent_id(Id id) const { return static_cast<Id>(nodes_[id].a); }

  // Calls `visit(item)` for what was appended to a list, set or call; and `visit(key, value)` for what was set in a dict
  // or call.
  template <class F>
  void each_item(Id container, F&& visit) const;
  template <class F>
  void each_member(Id container, F&& visit) const;
  bool has_items(Id container) const { return has_chunks(container, false); }
  bool has_members(Id container) const { return has_chunks(container, true); }
  // Of items, or of members. It need not count further than `most`.
  std::uint64_t count(Id container, std::uint64_t most = ~std::uint64_t{0}) const;

 private:
  friend class Machine;
  struct Chunk {  // some items of a container, which has them one after another in several places
    std::uint32_t begin;
    std::uint32_t count;
    std::uint32_t next;  // 1 + a chunk, or 0
    bool keyed;          // keys and values take turns
  };
  bool has_chunks(Id container, bool keyed) const;
  std::uint32_t first_chunk(Id container) const { return static_cast<std::uint32_t>(nodes_[container].b); }

  std::vector<Node> nodes_;
  std::vector<Id> items_;
  std::vector<Chunk> chunks_;
  std::vector<Build> builds_;
  std::string pool_;
};

template <class F>
void Graph::each_item(Id container, F&& visit) const {
  if (kind(container) == Kind::tuple) {
    for (const Id item : items(container)) visit(item);
    return;
  }
  for (std::uint32_t at = first_chunk(container); at != 0; at = chunks_[at - 1].next) {
    const Chunk& chunk = chunks_[at - 1];
    if (chunk.keyed) continue;
    for (std::uint32_t i = 0; i < chunk.count; ++i) visit(items_[chunk.begin + i]);
  }
}

template <class F>
void Graph::each_member(Id container, F&& visit) const {
  for (std::uint32_t at = first_chunk(container); at != 0; at = chunks_[at - 1].next) {
    const Chunk& chunk = chunks_[at - 1];
    if (!chunk.keyed) continue;
    for (std::uint32_t i = 0; i + 1 < chunk.count; i += 2) {
      visit(items_[chunk.begin + i], items_[chunk.begin + i + 1]);
    }
  }
}

}  // namespace zt::foreign::pickle
