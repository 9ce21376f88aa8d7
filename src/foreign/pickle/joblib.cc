#include "foreign/pickle/joblib.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "foreign/pickle/machine.h"
#include "foreign/pickle/records.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::string_view kFields[] = {"dtype",    "shape",      "order",
                                        "subclass", "allow_mmap", "numpy_array_alignment_bytes"};

[[noreturn]] void unfollowed(const std::string& message) {
  throw Error(Code::unsupported, "pickle.array.state", "the array of joblib cannot be followed: " + message);
}

// Whether the elements of an array have the bytes that ArrayType says, whatever its state claims: NumPy takes a size from
// the state only for strings and records, and whether there are objects only from the flags.
bool is_sure(const Records& records, Id dtype) {
  constexpr std::int64_t kHasObjects = 1;
  const Graph& graph = records.graph();
  const auto given = graph.kind(dtype) == Kind::call ? records.arguments(dtype) : std::span<const Id>();
  if (given.empty() || (graph.kind(given[0]) != Kind::global && !graph.has_text(given[0]))) return false;
  const ArrayType type = records.array_type(dtype);
  if (type.is_object) {
    const Build* build = graph.build(dtype);
    return build == nullptr || (graph.integer(graph.items(build->state)[7]) & kHasObjects) != 0;
  }
  if (type.dtype) return true;
  const bool is_sized = !type.name.empty() && std::string_view("USV").find(type.name[0]) != std::string_view::npos;
  return is_sized || (!type.name.empty() && type.name.substr(1) == std::to_string(type.item_bytes));
}

// The wrapper is as joblib writes it: made without arguments, and its state has joblib's fields and no others.
void check_wrapper(const Records& records, Id call) {
  const Graph& graph = records.graph();
  if (records.known(call) != Known::joblib_wrapper || graph.node(graph.arguments(call)).b != 0) {
    unfollowed("it is not made as joblib makes it");
  }
  const Id state = graph.build(call)->state;
  if (graph.kind(state) != Kind::dict) unfollowed("its state is not a dict");
  Id dtype = kNoNode;
  std::size_t count = 0;
  graph.each_member(state, [&](Id key, Id value) {
    const bool is_text = graph.kind(key) == Kind::text || graph.kind(key) == Kind::string8;
    const std::string_view name = is_text ? graph.text(key) : "";
    if (++count > std::size(kFields) || std::ranges::find(kFields, name) == std::end(kFields)) {
      unfollowed("its state has other fields than joblib's");
    }
    if (name == "dtype") dtype = value;
  });
  if (dtype == kNoNode || !is_sure(records, dtype)) unfollowed("its dtype is not one of NumPy's");
}

}  // namespace

bool is_joblib_wrapper(const Global& global) {
  return global.meaning.known == Known::joblib_wrapper || global.name == "NumpyArrayWrapper" ||
         global.module.find("numpy_pickle") != std::string::npos;
}

std::uint64_t joblib_bytes(const ByteStore& store, const Graph& graph, Id call, Region rest, Graph& objects) {
  const Global* global = graph.called(call);
  if (global == nullptr || !is_joblib_wrapper(*global)) return 0;
  const Records records(store, graph);
  try {
    check_wrapper(records, call);
    return wrapped_bytes(store, graph, call, rest, Strictness::trace, objects);
  } catch (const Error& error) {
    if (error.code() == Code::io || error.code() == Code::unsupported) throw;
    unfollowed(error.what());
  }
}

}  // namespace zt::foreign::pickle
