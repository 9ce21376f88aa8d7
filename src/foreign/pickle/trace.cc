#include "foreign/pickle/trace.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "foreign/pickle/machine.h"
#include "foreign/pickle/records.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kTorchPickles = 5;  // before the storages of torch's old files
constexpr std::size_t kMostTraces = 65536;
constexpr std::string_view kTorchMagic = "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";

// Where a pickle loads bytes that are in it as one more pickle.
std::vector<Region> nested_pickles(const ByteStore& store, const Graph& graph) {
  const Records records(store, graph);
  std::vector<Region> ranges;
  const auto add = [&](Id node) {
    try {
      const auto stored = records.payload(node);
      if (stored && stored->packing == Packing::raw && stored->range.length != 0) ranges.push_back(stored->range);
    } catch (const Error& error) {
      if (error.code() == Code::io) throw;
    }
  };
  for (Id id = 0; id < graph.size(); ++id) {
    const Global* global = graph.called(id);
    if (global == nullptr) continue;
    const Known known = global->meaning.known;
    const bool is_loader = known == Known::load_from_bytes || known == Known::np_scalar || global->name == "loads" ||
                           global->name == "_load_from_bytes";
    if (!is_loader) continue;
    for (const Id argument : graph.items(graph.arguments(id))) {
      if (graph.kind(argument) != Kind::tuple) add(argument);
    }
  }
  std::ranges::sort(ranges, {}, &Region::offset);
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
  return ranges;
}

bool is_dangerous(const std::vector<Global>& globals) {
  return std::ranges::any_of(globals, [](const Global& global) { return global.risk == Risk::danger; });
}

class Tracer {
 public:
  explicit Tracer(const ByteStore& store) : store_(store) {}

  std::vector<Trace> run(Region range, Sure sure) {
    follow({range, sure, false});
    // What bytes of a pickle hold is followed once they are known, and not while the pickle is: nesting has no depth.
    while (!waiting_.empty() && traces_.size() < kMostTraces) {
      const Stretch next = waiting_.back();
      waiting_.pop_back();
      follow(next);
    }
    return std::move(traces_);
  }

 private:
  struct Stretch {
    Region range;
    Sure sure;
    bool is_nested;
  };

  void follow(const Stretch& stretch) {
    const std::uint64_t end = stretch.range.offset + stretch.range.length;
    std::uint64_t at = stretch.range.offset;
    std::size_t most = kMostTraces;
    for (std::size_t count = 0; at < end && count < most; ++count) {
      Graph graph;
      Trace trace = follow_one(graph, {at, end - at});
      trace.is_nested = stretch.is_nested;
      const bool is_pickle = trace.fault.empty() || is_dangerous(trace.globals) ||
                             (stretch.sure == Sure::yes && (count == 0 || !trace.globals.empty()));
      if (!is_pickle) return;
      if (count == 0 && is_torch_magic(graph)) most = kTorchPickles;
      at = trace.end;
      const bool is_broken = !trace.fault.empty();
      // Numbers of NumPy are bytes, too, and some happen to be a pickle that names nothing.
      if (!stretch.is_nested || !trace.globals.empty()) traces_.push_back(std::move(trace));
      for (const Region nested : nested_pickles(store_, graph)) {
        if (seen_ < kMostTraces) waiting_.push_back({nested, Sure::no, true});
        ++seen_;
      }
      if (is_broken) return;
    }
  }

  Trace follow_one(Graph& graph, Region range) const {
    Trace trace;
    trace.offset = range.offset;
    trace.end = range.offset + range.length;
    std::deque<Graph> inner;  // of arrays of objects: a fault does not lose what they named before it
    Machine machine(store_, range, graph, Strictness::trace);
    machine.after_build([&](const Graph& so_far, Id call, const Input& input) {
      inner.emplace_back();
      return wrapped_bytes(store_, so_far, call, {input.position(), input.left()}, Strictness::trace, inner.back());
    });
    try {
      trace.end = machine.run();
    } catch (const Error& error) {
      if (error.code() == Code::io) throw;
      trace.fault = error.what();
      trace.is_cut = error.code() == Code::limit;
    }
    trace.globals = graph.globals;
    for (const Graph& objects : inner) {
      trace.globals.insert(trace.globals.end(), objects.globals.begin(), objects.globals.end());
    }
    return trace;
  }

  bool is_torch_magic(const Graph& graph) const {
    return graph.root != kNoNode && graph.kind(graph.root) == Kind::big_integer &&
           graph.text(graph.root) == kTorchMagic;
  }

  const ByteStore& store_;
  std::vector<Trace> traces_;
  std::vector<Stretch> waiting_;
  std::size_t seen_ = 0;
};

}  // namespace

std::vector<Trace> trace_pickles(const ByteStore& store, Region range, Sure sure) {
  return Tracer(store).run(range, sure);
}

}  // namespace zt::foreign::pickle
