#include "foreign/pickle/machine.h"

#include <algorithm>
#include <utility>

#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/pickle/opcodes.h"

// The loop of the machine, its stack, its nodes and its memo. The opcodes that make values are in values.cc, and those
// that name or call something are in calls.cc.
namespace zt::foreign::pickle {
namespace {

constexpr std::uint64_t kMostMemo = std::uint64_t{1} << 24;
constexpr std::uint64_t kMemoGap = 8;
constexpr Id kNoneNode = 0, kTrueNode = 1, kFalseNode = 2, kEmptyTupleNode = 3;

}  // namespace

Machine::Machine(const ByteStore& store, Region range, Graph& graph, Strictness strictness)
    : input_(store, range), graph_(graph), strictness_(strictness), begin_(range.offset) {
  add({.kind = Kind::none});
  add({.kind = Kind::boolean, .a = 1});
  add({.kind = Kind::boolean, .a = 0});
  add({.kind = Kind::tuple});
}

void Machine::fail(Code code, const char* rule, const std::string& message) const {
  throw Error(code, rule, "offset " + std::to_string(at_) + ": " + message);
}

void Machine::malformed(const char* rule, const std::string& message) const { fail(Code::malformed, rule, message); }

void Machine::unfollowed(const char* rule, const std::string& message) const {
  fail(is_exact() ? Code::malformed : Code::unsupported, rule, message);
}

std::uint64_t Machine::run() {
  while (!stopped_) {
    at_ = input_.position();
    if (frame_end_ != 0 && at_ >= frame_end_) {
      // Python's reader in C drops what it has of the frame, and goes on behind it.
      if (at_ > frame_end_) unfollowed("pickle.frame.bounds", "an item runs past the end of its frame");
      frame_end_ = 0;
    }
    code_ = input_.byte();
    const bool needs_proto = code_ >= op::kProto || code_ == op::kBinBytes || code_ == op::kShortBinBytes;
    if (is_exact() && needs_proto && protocol_ == 0 && code_ != op::kProto) {
      malformed("pickle.proto.missing", "the stream has opcodes of protocol 2 to 5, but does not begin with PROTO");
    }
    (this->*kActions[code_])();
  }
  if (frame_end_ != 0 && input_.position() != frame_end_) {
    unfollowed("pickle.frame.bounds", "the stream does not stop where its frame does");
  }
  return input_.position();
}

void Machine::unknown() {
  malformed("pickle.opcode.unknown", "byte " + std::to_string(code_) + " is not an opcode of pickle");
}

void Machine::proto() {
  const std::uint8_t version = input_.byte();
  if (!is_exact()) return;
  if (at_ != begin_) malformed("pickle.proto.place", "PROTO stands inside of the stream");
  if (version < 2 || version > 5) {
    malformed("pickle.proto.version", "protocol " + std::to_string(version) + " is not one of 2 to 5");
  }
  protocol_ = version;
}

void Machine::frame() {
  const std::uint64_t length = input_.little(8);
  if (frame_end_ != 0 && frame_end_ != input_.position()) {
    unfollowed("pickle.frame.nested", "a frame begins inside of another one");
  }
  if (length > input_.left()) {
    unfollowed("pickle.frame.bounds", "a frame of " + count_text(length, "byte") + " runs past the end");
  }
  frame_end_ = input_.position() + length;
}

void Machine::stop() {
  if (stack_.empty()) malformed("pickle.stack.underflow", "the stream stops with an empty stack");
  if (is_exact() && (stack_.size() > 1 || !marks_.empty())) {
    malformed("pickle.stack.left", "the stream stops with " + count_text(stack_.size(), "value") + " on the stack");
  }
  graph_.root = stack_.back();
  stopped_ = true;
}

// The stack.

Id Machine::pop() {
  if (stack_.size() <= floor()) malformed("pickle.stack.underflow", "an opcode takes a value that is not there");
  const Id id = stack_.back();
  stack_.pop_back();
  return id;
}

Id Machine::top() const {
  if (stack_.size() <= floor()) malformed("pickle.stack.underflow", "an opcode takes a value that is not there");
  return stack_.back();
}

std::size_t Machine::pop_mark() {
  if (marks_.empty()) malformed("pickle.mark.missing", "an opcode takes the values after a mark that is not there");
  const std::size_t height = marks_.back();
  marks_.pop_back();
  return height;
}

void Machine::mark() { marks_.push_back(static_cast<std::uint32_t>(stack_.size())); }

void Machine::pop_one() {
  if (!is_exact() && !marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();  // as Python does
    return;
  }
  const Id id = pop();
  if (graph_.kind(id) == Kind::global) --graph_.globals[graph_.node(id).a].passed;
}

void Machine::pop_to_mark() { stack_.resize(pop_mark()); }

void Machine::dup() { push_again(top()); }

void Machine::push_again(Id id) {
  if (graph_.kind(id) == Kind::global) ++graph_.globals[graph_.node(id).a].passed;
  push(id);
}

// Nodes.

Id Machine::add(const Node& node) {
  if (graph_.nodes_.size() >= kMostNodes) {
    fail(Code::limit, "pickle.nodes.limit", "the stream makes more than " + std::to_string(kMostNodes) + " values");
  }
  graph_.nodes_.push_back(node);
  return static_cast<Id>(graph_.nodes_.size() - 1);
}

std::uint32_t Machine::keep(std::string_view content) {
  constexpr std::size_t kMostPool = std::size_t{1} << 30;
  if (content.size() + 4 > kMostPool - graph_.pool_.size()) {
    fail(Code::limit, "pickle.nodes.limit", "the texts of the stream take more than 1 GiB");
  }
  const auto at = static_cast<std::uint32_t>(graph_.pool_.size());
  for (unsigned i = 0; i < 4; ++i) graph_.pool_ += static_cast<char>(content.size() >> (8 * i) & 0xFF);
  graph_.pool_ += content;
  return at + 1;
}

Id Machine::add_span(Kind kind, Region span, Form form, std::string_view content, bool keep_it) {
  Node node{.kind = kind, .form = form, .a = span.offset, .b = span.length};
  if (keep_it) {
    if (kind == Kind::text) node.is_utf8 = is_utf8(content);
    node.extra = keep(content);
  }
  return add(node);
}

Id Machine::add_tuple(std::size_t from) {
  const std::size_t count = stack_.size() - from;
  if (count == 0) return kEmptyTupleNode;
  const Id id = add({.kind = Kind::tuple, .a = graph_.items_.size(), .b = count});
  graph_.items_.insert(graph_.items_.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from), stack_.end());
  stack_.resize(from);
  return id;
}

// Items lie one after another as long as nothing else is appended between them.
void Machine::append(Id container, std::size_t from, bool keyed) {
  const auto count = static_cast<std::uint32_t>(stack_.size() - from);
  if (count == 0) return;
  const auto begin = static_cast<std::uint32_t>(graph_.items_.size());
  if (graph_.items_.size() + count > 0xFFFFFFF0) {
    fail(Code::limit, "pickle.nodes.limit", "the containers of the stream have more than 4 billion items");
  }
  graph_.items_.insert(graph_.items_.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from), stack_.end());
  stack_.resize(from);
  Node& node = graph_.nodes_[container];
  const auto last = static_cast<std::uint32_t>(node.b >> 32);
  if (last != 0) {
    Graph::Chunk& chunk = graph_.chunks_[last - 1];
    if (chunk.keyed == keyed && chunk.begin + chunk.count == begin) {
      chunk.count += count;
      return;
    }
  }
  graph_.chunks_.push_back({begin, count, 0, keyed});
  const std::uint64_t number = graph_.chunks_.size();
  if (last != 0) graph_.chunks_[last - 1].next = static_cast<std::uint32_t>(number);
  node.b = (last == 0 ? number : node.b & 0xFFFFFFFF) | number << 32;
}

void Machine::none() { push(kNoneNode); }
void Machine::yes() { push(kTrueNode); }
void Machine::no() { push(kFalseNode); }
void Machine::empty_tuple() { push(kEmptyTupleNode); }

// The memo.

void Machine::put(std::uint64_t index) {
  const Id id = top();
  if (is_exact() && index >= kMostMemo) {
    fail(Code::limit, "pickle.memo.limit",
         "memo index " + std::to_string(index) + " is over " + std::to_string(kMostMemo - 1));
  }
  Id* place = nullptr;
  if (index < memo_.size() + kMemoGap) {
    if (index >= memo_.size()) memo_.resize(static_cast<std::size_t>(index) + 1, kNoNode);
    place = &memo_[static_cast<std::size_t>(index)];
    if (far_memo_.erase(index) != 0) --memo_count_;
  } else {
    place = &far_memo_.try_emplace(index, kNoNode).first->second;
  }
  if (*place == kNoNode) ++memo_count_;
  *place = id;
}

void Machine::get(std::uint64_t index) {
  Id id = index < memo_.size() ? memo_[static_cast<std::size_t>(index)] : kNoNode;
  if (id == kNoNode) {
    const auto far = far_memo_.find(index);
    if (far == far_memo_.end()) {
      malformed("pickle.memo.unset", "memo index " + std::to_string(index) + " was not set before");
    }
    id = far->second;
  }
  push_again(id);
}

void Machine::memoize() { put(memo_count_); }
void Machine::bin_put() { put(input_.byte()); }
void Machine::long_bin_put() { put(input_.little(4)); }
void Machine::bin_get() { get(input_.byte()); }
void Machine::long_bin_get() { get(input_.little(4)); }
void Machine::text_put() { put(text_index(stack_.size() > floor())); }
void Machine::text_get() { get(text_index(memo_count_ != 0)); }

}  // namespace zt::foreign::pickle
