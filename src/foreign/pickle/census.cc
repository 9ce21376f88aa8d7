#include "foreign/pickle/census.h"

#include <algorithm>
#include <string>

#include "base/checked.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::uint8_t kMostDepth = 64;

}  // namespace

Budget::Budget(const Graph& graph) {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
  std::uint64_t texts = 0;
  for (Id id = 0; id < graph.size(); ++id) {
    const Kind kind = graph.kind(id);
    const bool is_text = kind == Kind::text || kind == Kind::string8 || kind == Kind::bytes;
    if (is_text && graph.span(id).length <= kMostValue) texts += graph.span(id).length;
  }
  left_ = kLeast + 128 * (graph.size() + graph.item_count()) + 8 * texts;
}

void Budget::spend(std::uint64_t bytes) {
  if (bytes > left_) {
    throw Error(Code::limit, "pickle.tree.limit",
                "shared objects make the pickle's tree much larger than the pickle: this is refused");
  }
  left_ -= bytes;
}

template <class F>
void Census::each_child(Id node, F&& visit) const {
  switch (records_.sort(node)) {
    case Sort::list: records_.each_item(node, visit); return;
    case Sort::dict: records_.each_entry(node, [&](Id, Id value) { visit(value); }); return;
    case Sort::alias: {
      const Id target = records_.target(node);
      if (target != kNoNode) visit(target);
      return;
    }
    default: return;
  }
}

Census::Census(const Records& records, Id root, Budget& budget)
    : records_(records), budget_(budget), facts_(records.graph().size()) {
  struct Step {
    Id node;
    bool is_exit;
  };
  std::vector<Step> steps = {{root, false}};
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    Fact& fact = facts_[step.node];
    if (step.is_exit) {
      close(step.node);
      continue;
    }
    if (fact.is_done) continue;
    if (fact.is_open) throw Error(Code::malformed, "pickle.graph.cycle", "a container of the pickle holds itself");
    fact.is_open = true;
    steps.push_back({step.node, true});
    each_child(step.node, [&](Id child) {
      budget_.spend(Budget::kStep);  // many calls may share one list as their argument
      if (!facts_[child].is_done) steps.push_back({child, false});
    });
  }
}

void Census::close(Id node) {
  Fact& fact = facts_[node];
  const Sort sort = records_.sort(node);
  fact.holds = sort == Sort::array || sort == Sort::tensor || sort == Sort::sparse;
  std::uint8_t height = 0;
  each_child(node, [&](Id child) {
    budget_.spend(Budget::kStep);
    height = std::max(height, facts_[child].height);
    fact.holds = fact.holds || facts_[child].holds;
  });
  if (height >= kMostDepth) {
    throw Error(Code::limit, "pickle.depth.limit",
                "containers nest deeper than " + std::to_string(kMostDepth) + " levels");
  }
  fact.height = static_cast<std::uint8_t>(height + 1);
  fact.is_open = false;
  fact.is_done = true;
}

}  // namespace zt::foreign::pickle
