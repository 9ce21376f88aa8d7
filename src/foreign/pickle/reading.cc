#include "foreign/pickle/reading.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "foreign/pickle/joblib.h"
#include "foreign/pickle/machine.h"
#include "foreign/pickle/nested.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::string_view kTorchMagic = "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";

enum class Loader : std::uint8_t { plain, joblib };

// The classes that stand in persistent ids ("module", class, source file, source), which torch's old files have for each
// module of a model. torch imports the class, looks for its source, compares the two sources, and may write a patch.
// So even a class that makes only data is no longer inert there.
std::vector<Global> classes_by_id(const Graph& graph) {
  std::vector<Global> classes;
  for (Id node = 0; node < graph.size(); ++node) {
    if (graph.kind(node) != Kind::persistent) continue;
    const Id id = graph.persistent_id(node);
    if (graph.kind(id) != Kind::tuple || graph.items(id).size() < 2) continue;
    const Id kind = graph.items(id)[0], named = graph.items(id)[1];
    const bool is_word =
        graph.kind(kind) == Kind::text || graph.kind(kind) == Kind::string8 || graph.kind(kind) == Kind::bytes;
    if (!is_word || graph.text(kind) != "module" || graph.kind(named) != Kind::global) continue;
    classes.push_back(graph.global(named));
    classes.back().risk = std::max(classes.back().risk, Risk::unknown);
  }
  return classes;
}

// Puts together what several graphs say.
class Collector {
 public:
  explicit Collector(Reading& reading) : reading_(reading) {}

  // Adds the globals that are not there yet. Of two with the same name, the higher risk counts.
  void add(const std::vector<Global>& globals) {
    for (const Global& global : globals) {
      const auto [place, is_new] = rows_.try_emplace(global.module + '\n' + global.name, reading_.globals.size());
      if (is_new) {
        reading_.globals.push_back(global);
      } else {
        Global& known = reading_.globals[place->second];
        known.risk = std::max(known.risk, global.risk);
        known.called = known.called || global.called;
      }
    }
  }

  void add(const ByteStore& store, const Graph& graph) {
    add(graph.globals);
    add(classes_by_id(graph));
    const Nested nested = find_nested(store, graph);
    reading_.streams.insert(reading_.streams.end(), nested.streams.begin(), nested.streams.end());
    if (!nested.hidden.empty()) lose(nested.hidden);
  }

  void lose(const std::string& fault) {
    if (!reading_.is_lost) reading_.fault = fault;
    reading_.is_lost = true;
  }

 private:
  Reading& reading_;
  std::map<std::string, std::size_t> rows_;
};

bool is_torch_magic(const Graph& graph) {
  return graph.root != kNoNode && graph.kind(graph.root) == Kind::big_integer && graph.text(graph.root) == kTorchMagic;
}

Reading read_as(Loader loader, const ByteStore& store, Region range) {
  Reading reading;
  reading.end = range.offset + range.length;
  Graph graph;
  std::deque<Graph> inner;  // of arrays of objects: a fault does not lose what they named before it
  Machine machine(store, range, graph, Strictness::trace);
  if (loader == Loader::joblib) {
    machine.after_build([&](const Graph& so_far, Id call, const Input& input) {
      if (inner.empty() || inner.back().size() != 0) inner.emplace_back();
      return joblib_bytes(store, so_far, call, {input.position(), input.left()}, inner.back());
    });
  }
  try {
    reading.end = machine.run();
  } catch (const Error& error) {
    if (error.code() == Code::io) throw;
    reading.fault = error.what();
    reading.is_lost = error.code() != Code::malformed;
  }
  reading.is_torch_magic = is_torch_magic(graph);
  Collector collector(reading);
  collector.add(store, graph);
  for (const Graph& objects : inner) collector.add(store, objects);
  const bool is_passed_on = std::ranges::any_of(
      graph.globals, [](const Global& global) { return is_joblib_wrapper(global) && global.passed != 0; });
  if (loader == Loader::joblib && is_passed_on) collector.lose("a wrapper of joblib is passed on to what may call it");
  return reading;
}

}  // namespace

Reading read_pickle(const ByteStore& store, Region range) {
  Reading plain = read_as(Loader::plain, store, range);
  if (std::ranges::none_of(plain.globals, is_joblib_wrapper)) return plain;
  const Reading joblib = read_as(Loader::joblib, store, range);
  Reading both{joblib.end, {}, joblib.streams, joblib.fault, joblib.is_lost, joblib.is_torch_magic};
  Collector collector(both);
  collector.add(joblib.globals);
  collector.add(plain.globals);
  both.streams.insert(both.streams.end(), plain.streams.begin(), plain.streams.end());
  // Most arrays are no opcodes, and so the plain reading stops there.
  if (plain.is_lost) collector.lose(plain.fault);
  return both;
}

}  // namespace zt::foreign::pickle
