#pragma once

#include <cstdint>
#include <vector>

#include "foreign/pickle/records.h"

namespace zt::foreign::pickle {

// How much may be made of a graph. Shared nodes let a small stream describe an endless tree, so what is made of a stream
// must stay in proportion to it.
class Budget {
 public:
  static constexpr std::uint64_t kStep = 8;  // what a walk spends for each child of a node
  explicit Budget(const Graph& graph);
  // Throws limit "pickle.tree.limit".
  void spend(std::uint64_t bytes);

 private:
  std::uint64_t left_;
};

// Which containers hold tensors or arrays. Objects that we do not know are leaves here, and so is what they hold.
class Census {
 public:
  // Throws malformed "pickle.graph.cycle", limit "pickle.depth.limit", "pickle.tree.limit".
  Census(const Records& records, Id root, Budget& budget);
  bool holds(Id node) const { return facts_[node].holds; }

 private:
  struct Fact {
    std::uint8_t height = 0;
    bool is_open = false;  // on the current path
    bool is_done = false;
    bool holds = false;
  };
  void close(Id node);
  template <class F>
  void each_child(Id node, F&& visit) const;

  const Records& records_;
  Budget& budget_;
  std::vector<Fact> facts_;
};

}  // namespace zt::foreign::pickle
