#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/region.h"
#include "foreign/pickle/graph.h"
#include "foreign/pickle/input.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"

namespace zt::foreign::pickle {

// Text up to this length is kept in the Graph, and bytes up to 64. What is longer only has its place in the store.
inline constexpr std::size_t kKeptText = 1024;
inline constexpr std::size_t kKeptBytes = 64;
inline constexpr std::uint32_t kMostNodes = std::uint32_t{1} << 24;

inline constexpr const char* kDangerRule = "pickle.global.danger";

// How exact a machine is.
enum class Strictness : std::uint8_t {
  exact,  // refuses what only an attack has, and what a reader may take in two ways; refuses dangerous globals
  trace,  // goes on wherever Python's unpickler would go on, so that nothing that would run is missed
};

// Reads one pickle and notes what it describes. It imports nothing and calls nothing: a call is a node of the graph.
class Machine {
 public:
  // Called after BUILD with the call that got its state. Some writers put raw bytes there: returns how many bytes to
  // skip.
  using AfterBuild = std::function<std::uint64_t(const Graph&, Id call, const Input&)>;

  // The stream begins where `range` begins. `graph` is filled from the first opcode on: it has what was read before an
  // Error, too. A graph takes one stream.
  Machine(const ByteStore& store, Region range, Graph& graph, Strictness strictness = Strictness::exact);
  void after_build(AfterBuild hook) { after_build_ = std::move(hook); }

  // Runs to STOP, and returns where the store goes on behind it. Sets graph.root. Throws malformed, unsupported, limit,
  // refused (rules "pickle.*"); io.
  std::uint64_t run();

 private:
  using Action = void (Machine::*)();
  static const std::array<Action, 256> kActions;

  [[noreturn]] void fail(Code code, const char* rule, const std::string& message) const;
  [[noreturn]] void malformed(const char* rule, const std::string& message) const;
  // A fault behind which some reader of Python goes on: in a trace it is `unsupported`, so that nobody takes it for the
  // end of what runs.
  [[noreturn]] void unfollowed(const char* rule, const std::string& message) const;
  bool is_exact() const { return strictness_ == Strictness::exact; }

  // The stack. A mark closes what lies below it.
  void push(Id id) { stack_.push_back(id); }
  void push_again(Id id);
  Id pop();
  Id top() const;
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  std::size_t pop_mark();  // returns the height of the stack below the mark

  // Nodes.
  Id add(const Node& node);
  Id add_span(Kind kind, Region span, Form form, std::string_view content, bool keep);
  std::uint32_t keep(std::string_view content);
  Id add_tuple(std::size_t from);  // of the stack from a height on, which it removes
  Id add_call(Id callee, Id arguments, bool is_class);
  void append(Id container, std::size_t from, bool keyed);
  Id add_global(std::string_view module, std::string_view name);
  std::string name_line();
  bool may_be_text(Id id) const;
  void check_arguments(Id arguments) const;

  // Opcodes.
  void proto();
  void frame();
  void mark();
  void stop();
  void pop_one();
  void pop_to_mark();
  void dup();
  void none();
  void yes();
  void no();
  void bin_int();
  void bin_int1();
  void bin_int2();
  void long1();
  void long4();
  void big(std::uint64_t length);
  void bin_float();
  void text_int();
  void text_long();
  void text_float();
  void decimal(std::string_view digits, Region span);
  void text_string();
  void text_unicode();
  void payload(Kind kind, std::uint64_t length);
  void short_string();
  void bin_string();
  void short_unicode();
  void bin_unicode();
  void bin_unicode8();
  void short_bytes();
  void bin_bytes();
  void bin_bytes8();
  void byte_array();
  void empty_tuple();
  void tuple();
  void tuple1();
  void tuple2();
  void tuple3();
  void fixed_tuple(std::size_t count);
  void empty_list();
  void list();
  void append_one();
  void append_many();
  void empty_dict();
  void dict();
  void set_item();
  void set_items();
  void empty_set();
  void frozen_set();
  void add_items();
  void check_pairs(std::size_t from) const;
  Id container(std::size_t from, Kind kind) const;
  void add_to(std::size_t from, Kind kind);
  void put(std::uint64_t index);
  void get(std::uint64_t index);
  void bin_put();
  void long_bin_put();
  void text_put();
  void memoize();
  void bin_get();
  void long_bin_get();
  void text_get();
  std::uint64_t text_index(bool may_succeed);
  void global();
  void stack_global();
  void reduce();
  void new_object();
  void new_object_ex();
  void build();
  void skip_raw(std::uint64_t length);
  void persistent();
  void text_persistent();
  void inst();
  void obj();
  void extension(unsigned bytes);
  void ext1();
  void ext2();
  void ext4();
  void next_buffer();
  void read_only_buffer();
  void unknown();

  Input input_;
  Graph& graph_;
  Strictness strictness_;
  AfterBuild after_build_;
  std::vector<Id> stack_;
  std::vector<std::uint32_t> marks_;      // heights of the stack
  std::vector<Id> memo_;                  // kNoNode is unset
  std::map<std::uint64_t, Id> far_memo_;  // of indices that would make memo_ long and empty
  std::uint64_t memo_count_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> globals_;  // "module\nname"
  std::uint64_t begin_;                                        // of the stream
  std::uint64_t at_ = 0;                                       // of the current opcode
  std::uint8_t code_ = 0;                                      // the current opcode
  std::uint64_t frame_end_ = 0;                                // 0: outside of a frame
  int protocol_ = 0;
  bool stopped_ = false;
};

}  // namespace zt::foreign::pickle
