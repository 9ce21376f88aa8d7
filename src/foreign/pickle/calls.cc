#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "base/utf8.h"
#include "foreign/pickle/machine.h"
#include "foreign/pickle/opcodes.h"

// The opcodes that name or call something, and the table of all opcodes.
namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kMostLine = 1024;

bool is_plain_name(std::string_view name) {
  const auto is_odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7F'; };
  return !name.empty() && is_utf8(name) && std::ranges::none_of(name, is_odd);
}

}  // namespace

// Python's readers take signs, underscores, spaces and numbers of any length for indices, and not all of them the same.
// One of them stops at a zero byte.
std::uint64_t Machine::text_index(bool may_succeed) {
  constexpr std::string_view kNumbers = "0123456789+-_ \t\r\v\f";
  std::string_view text;
  const Region line = input_.line(kMostLine, text);
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stopped == end && line.length == text.size()) return number;
  const std::string message = in_quotes(text) + " is not an index of the memo";
  const std::string_view number_text = text.substr(0, text.find('\0'));
  const bool is_number = number_text.find_first_not_of(kNumbers) == std::string_view::npos;
  if (may_succeed && line.length != 0 && is_number) unfollowed("pickle.memo.index", message);
  malformed("pickle.memo.index", message);
}

// Globals.

Id Machine::add_global(std::string_view module, std::string_view name) {
  if (is_exact() && (!is_plain_name(module) || !is_plain_name(name))) {
    malformed("pickle.global.name", "a global has the module " + in_quotes(module) + " and the name " +
                                        in_quotes(name) + ", which are not plain names");
  }
  const std::string key = std::string(module) + '\n' + std::string(name);
  auto [row, is_new] = globals_.try_emplace(key, static_cast<std::uint32_t>(graph_.globals.size()));
  if (is_new) {
    graph_.globals.push_back({std::string(module), std::string(name), find_meaning(module, name),
                              find_risk(module, name), false, at_, 0, 0});
  }
  Global& global = graph_.globals[row->second];
  ++global.count;
  ++global.passed;
  if (is_exact() && global.risk == Risk::danger) {
    fail(Code::refused, kDangerRule,
         "the pickle names " + in_quotes(global.full()) +
             ", which can run code: do not load this file by other means, and ask its author for safetensors or .zt");
  }
  return add({.kind = Kind::global, .a = row->second});
}

// A module or a name that stands in the stream as a line. "?" where the line is so long that no honest pickle has it.
std::string Machine::name_line() {
  std::string_view text;
  const Region line = input_.line(kMostLine, text, is_exact() ? Input::Ending::needed : Input::Ending::python);
  if (line.length == text.size()) return std::string(text);
  if (is_exact()) malformed("pickle.global.name", "a global has a name of " + std::to_string(line.length) + " bytes");
  return "?";
}

void Machine::global() {
  const std::string module = name_line();
  push(add_global(module, name_line()));
}

// Whether Python may have a text here, and no object of a class that is derived from text.
bool Machine::may_be_text(Id id) const {
  const Kind kind = graph_.kind(id);
  if (kind == Kind::persistent || kind == Kind::buffer || kind == Kind::text || kind == Kind::string8) return true;
  if (kind != Kind::call) return false;
  const Global* global = graph_.called(id);
  if (global == nullptr) return true;
  switch (global->meaning.known) {
    case Known::unknown: return !graph_.node(id).is_class;
    case Known::ordered_dict:
    case Known::default_dict:
    case Known::np_dtype:
    case Known::np_reconstruct:
    case Known::joblib_wrapper: return false;
    default: return true;
  }
}

void Machine::stack_global() {
  const Id name = pop();
  const Id module = pop();
  const auto is_name = [&](Id id) {
    const Kind kind = graph_.kind(id);
    return (kind == Kind::text || kind == Kind::string8) && graph_.has_text(id);
  };
  if (is_name(name) && is_name(module)) {
    push(add_global(std::string(graph_.text(module)), std::string(graph_.text(name))));
    return;
  }
  const bool may_be_names = may_be_text(module) && may_be_text(name);
  if (is_exact() || !may_be_names) {
    malformed("pickle.global.name", "STACK_GLOBAL takes its module or name from what is not a short text");
  }
  push(add_global(is_name(module) ? std::string(graph_.text(module)) : "?",
                  is_name(name) ? std::string(graph_.text(name)) : "?"));
}

// Calls.

Id Machine::add_call(Id callee, Id arguments, bool is_class) {
  if (graph_.kind(callee) == Kind::global) {
    Global& global = graph_.globals[graph_.node(callee).a];
    global.called = true;
    --global.passed;
  }
  return add({.kind = Kind::call, .is_class = is_class, .a = callee | std::uint64_t{arguments} << 32});
}

void Machine::check_arguments(Id arguments) const {
  if (is_exact() && graph_.kind(arguments) != Kind::tuple) {
    malformed("pickle.call.arguments", "the arguments of a call are not a tuple");
  }
}

void Machine::reduce() {
  const Id arguments = pop();
  const Id callee = pop();
  check_arguments(arguments);
  push(add_call(callee, arguments, false));
}

void Machine::new_object() {
  const Id arguments = pop();
  const Id callee = pop();
  check_arguments(arguments);
  push(add_call(callee, arguments, true));
}

void Machine::new_object_ex() {
  const Id keywords = pop();
  const Id arguments = pop();
  const Id callee = pop();
  check_arguments(arguments);
  if (is_exact() && graph_.kind(keywords) != Kind::dict) {
    malformed("pickle.call.arguments", "the keyword arguments of a call are not a dict");
  }
  push(add_call(callee, arguments, true));
  if (graph_.kind(keywords) == Kind::dict && graph_.has_members(keywords)) {
    // Nothing that we know takes keywords. So the call must not be taken for one without them.
    graph_.nodes_[stack_.back()].form = Form::quoted;
  }
}

void Machine::build() {
  const Id state = pop();
  const Id target = top();
  Node& node = graph_.nodes_[target];
  if (node.kind == Kind::call) {
    if (is_exact() && node.extra != 0) malformed("pickle.build.twice", "BUILD gives an object its state a second time");
    const Node& callee = graph_.node(static_cast<Id>(node.a));
    if (callee.kind == Kind::global) {
      Global& function = graph_.globals[callee.a];
      // These give back what they are given: it may be a class.
      const Known known = function.meaning.known;
      if (known == Known::jit_list || known == Known::jit_tag) function.risk = Risk::danger;
    }
    if (after_build_ && node.extra != 0) unfollowed("pickle.build.twice", "an object gets its state a second time");
    graph_.builds_.push_back({state, static_cast<Id>(graph_.nodes_.size()), input_.position()});
    node.extra = static_cast<std::uint32_t>(graph_.builds_.size());
    if (after_build_) skip_raw(after_build_(graph_, target, input_));
    return;
  }
  if (node.kind == Kind::global) {
    // What then is in the class or function, whoever uses it later, is as the stream wants it.
    Global& global = graph_.globals[node.a];
    global.called = true;
    global.risk = Risk::danger;
  }
  if (is_exact()) malformed("pickle.build.target", "BUILD gives a state to a value that cannot have one");
}

// Raw bytes stand between two frames.
void Machine::skip_raw(std::uint64_t length) {
  if (length == 0) return;
  if (frame_end_ != 0 && frame_end_ != input_.position()) {
    // Python reads them behind the frame, and then goes on in it.
    unfollowed("pickle.frame.bounds", "raw bytes stand inside of a frame");
  }
  frame_end_ = 0;
  input_.skip(length);
}

void Machine::persistent() {
  const Id id = pop();
  push(add({.kind = Kind::persistent, .a = id}));
}

// What only old or foreign picklers write, and no known tensor file has.

void Machine::text_persistent() {
  std::string_view text;
  const Region line = input_.line(kKeptText, text);
  if (is_exact()) fail(Code::unsupported, "pickle.opcode.unsupported", "persistent ids in text form are not supported");
  const Id id = add_span(Kind::text, line, Form::plain, text, text.size() == line.length);
  push(add({.kind = Kind::persistent, .a = id}));
}

// INST and OBJ call functions, too.
void Machine::inst() {
  const std::string module = name_line();
  const Id callee = add_global(module, name_line());
  if (is_exact()) fail(Code::unsupported, "pickle.opcode.unsupported", "opcode INST is not supported");
  const Id arguments = add_tuple(pop_mark());
  push(add_call(callee, arguments, false));
}

void Machine::obj() {
  if (is_exact()) fail(Code::unsupported, "pickle.opcode.unsupported", "opcode OBJ is not supported");
  const std::size_t from = pop_mark();
  if (from == stack_.size()) malformed("pickle.stack.underflow", "OBJ takes a class that is not there");
  const Id arguments = add_tuple(from + 1);
  const Id callee = pop();
  push(add_call(callee, arguments, false));
}

void Machine::extension(unsigned bytes) {
  const std::uint64_t number = input_.little(bytes);
  if (is_exact()) {
    fail(Code::unsupported, "pickle.opcode.unsupported",
         "extension code " + std::to_string(number) + " means something only in the program that wrote it");
  }
  push(add_global("copyreg extension", std::to_string(number)));
}

void Machine::ext1() { extension(1); }
void Machine::ext2() { extension(2); }
void Machine::ext4() { extension(4); }

void Machine::next_buffer() {
  if (is_exact()) {
    fail(Code::unsupported, "pickle.opcode.unsupported", "the pickle has its data in buffers outside of the file");
  }
  push(add({.kind = Kind::buffer}));
}

void Machine::read_only_buffer() { top(); }

namespace {

template <class Action>
struct Opcode {
  std::uint8_t code;
  Action action;
};

}  // namespace

constinit const std::array<Machine::Action, 256> Machine::kActions = [] {
  using M = Machine;
  std::array<Action, 256> actions;
  actions.fill(&M::unknown);
  const Opcode<Action> opcodes[] = {{op::kMark, &M::mark},
                                    {op::kStop, &M::stop},
                                    {op::kPop, &M::pop_one},
                                    {op::kPopMark, &M::pop_to_mark},
                                    {op::kDup, &M::dup},
                                    {op::kFloat, &M::text_float},
                                    {op::kInt, &M::text_int},
                                    {op::kBinInt, &M::bin_int},
                                    {op::kBinInt1, &M::bin_int1},
                                    {op::kLong, &M::text_long},
                                    {op::kBinInt2, &M::bin_int2},
                                    {op::kNone, &M::none},
                                    {op::kPersId, &M::text_persistent},
                                    {op::kBinPersId, &M::persistent},
                                    {op::kReduce, &M::reduce},
                                    {op::kString, &M::text_string},
                                    {op::kBinString, &M::bin_string},
                                    {op::kShortBinString, &M::short_string},
                                    {op::kUnicode, &M::text_unicode},
                                    {op::kBinUnicode, &M::bin_unicode},
                                    {op::kAppend, &M::append_one},
                                    {op::kBuild, &M::build},
                                    {op::kGlobal, &M::global},
                                    {op::kDict, &M::dict},
                                    {op::kAppends, &M::append_many},
                                    {op::kGet, &M::text_get},
                                    {op::kBinGet, &M::bin_get},
                                    {op::kInst, &M::inst},
                                    {op::kLongBinGet, &M::long_bin_get},
                                    {op::kList, &M::list},
                                    {op::kObj, &M::obj},
                                    {op::kPut, &M::text_put},
                                    {op::kBinPut, &M::bin_put},
                                    {op::kLongBinPut, &M::long_bin_put},
                                    {op::kSetItem, &M::set_item},
                                    {op::kTuple, &M::tuple},
                                    {op::kSetItems, &M::set_items},
                                    {op::kEmptyDict, &M::empty_dict},
                                    {op::kEmptyList, &M::empty_list},
                                    {op::kEmptyTuple, &M::empty_tuple},
                                    {op::kBinFloat, &M::bin_float},
                                    {op::kProto, &M::proto},
                                    {op::kNewObj, &M::new_object},
                                    {op::kExt1, &M::ext1},
                                    {op::kExt2, &M::ext2},
                                    {op::kExt4, &M::ext4},
                                    {op::kTuple1, &M::tuple1},
                                    {op::kTuple2, &M::tuple2},
                                    {op::kTuple3, &M::tuple3},
                                    {op::kNewTrue, &M::yes},
                                    {op::kNewFalse, &M::no},
                                    {op::kLong1, &M::long1},
                                    {op::kLong4, &M::long4},
                                    {op::kBinBytes, &M::bin_bytes},
                                    {op::kShortBinBytes, &M::short_bytes},
                                    {op::kShortBinUnicode, &M::short_unicode},
                                    {op::kBinUnicode8, &M::bin_unicode8},
                                    {op::kBinBytes8, &M::bin_bytes8},
                                    {op::kEmptySet, &M::empty_set},
                                    {op::kAddItems, &M::add_items},
                                    {op::kFrozenSet, &M::frozen_set},
                                    {op::kNewObjEx, &M::new_object_ex},
                                    {op::kStackGlobal, &M::stack_global},
                                    {op::kMemoize, &M::memoize},
                                    {op::kFrame, &M::frame},
                                    {op::kByteArray8, &M::byte_array},
                                    {op::kNextBuffer, &M::next_buffer},
                                    {op::kReadOnlyBuffer, &M::read_only_buffer}};
  for (const Opcode<Action>& opcode : opcodes) actions[opcode.code] = opcode.action;
  return actions;
}();

}  // namespace zt::foreign::pickle
