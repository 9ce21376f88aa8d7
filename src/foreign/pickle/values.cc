#include <algorithm>
#include <bit>
#include <charconv>
#include <string>
#include <system_error>

#include "base/utf8.h"
#include "foreign/pickle/escapes.h"
#include "foreign/pickle/machine.h"

// The opcodes that make numbers, texts, bytes and containers.
namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kMostDigits = 4300;  // of a decimal number: Python itself converts no more

// What a string opcode of protocol 0 has in its line, between the quotes.
Region inner(Region line, std::string_view text, std::string_view content) {
  return {line.offset + static_cast<std::uint64_t>(content.data() - text.data()), content.size()};
}

}  // namespace

// Numbers.

void Machine::bin_int() {
  const auto number = static_cast<std::int32_t>(input_.little(4));
  push(add({.kind = Kind::integer, .a = static_cast<std::uint64_t>(std::int64_t{number})}));
}

void Machine::bin_int1() { push(add({.kind = Kind::integer, .a = input_.byte()})); }
void Machine::bin_int2() { push(add({.kind = Kind::integer, .a = input_.little(2)})); }
void Machine::long1() { big(input_.byte()); }

void Machine::long4() {
  const auto length = static_cast<std::int32_t>(input_.little(4));
  if (length < 0) malformed("pickle.number.length", "a LONG4 has the length " + std::to_string(length));
  big(static_cast<std::uint64_t>(length));
}

// Two's complement, little-endian.
void Machine::big(std::uint64_t length) {
  const Region span{input_.position(), length};
  if (length > 8) {
    const bool is_short = length <= kKeptBytes;
    const std::string_view content = is_short ? input_.take(length) : std::string_view();
    if (!is_short) input_.skip(length);
    push(add_span(Kind::big_integer, span, Form::plain, content, is_short));
    return;
  }
  std::uint64_t number = input_.little(static_cast<unsigned>(length));
  if (length != 0 && length < 8 && (number >> (8 * length - 1) & 1) != 0) number |= ~std::uint64_t{0} << (8 * length);
  push(add({.kind = Kind::integer, .a = number}));
}

void Machine::bin_float() {
  const std::string_view bytes = input_.take(8);
  std::uint64_t bits = 0;
  for (const char byte : bytes) bits = bits << 8 | static_cast<std::uint8_t>(byte);
  push(add({.kind = Kind::floating, .a = bits}));
}

void Machine::decimal(std::string_view digits, Region span) {
  std::int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, number);
  if (error == std::errc() && stopped == end) {
    push(add({.kind = Kind::integer, .a = static_cast<std::uint64_t>(number)}));
    return;
  }
  if (is_exact() && (error != std::errc::result_out_of_range || stopped != end || digits.size() > kMostDigits)) {
    malformed("pickle.number.form", in_quotes(digits) + " is not a decimal number of at most 4300 digits");
  }
  push(add_span(Kind::big_integer, span, Form::quoted, digits, digits.size() <= kKeptText));
}

void Machine::text_int() {
  std::string_view text;
  const Region line = input_.line(kMostDigits + 2, text);
  if (text == "00") return no();
  if (text == "01") return yes();
  decimal(text, line);
}

void Machine::text_long() {
  std::string_view text;
  const Region line = input_.line(kMostDigits + 2, text);
  if (text.ends_with('L')) text.remove_suffix(1);
  decimal(text, line);
}

void Machine::text_float() {
  std::string_view text;
  input_.line(64, text);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (is_exact() && (error != std::errc() || stopped != end)) {
    malformed("pickle.number.form", in_quotes(text) + " is not a decimal number");
  }
  push(add({.kind = Kind::floating, .a = std::bit_cast<std::uint64_t>(number)}));
}

// Texts and bytes.

void Machine::text_unicode() {
  std::string_view text;
  const Region line = input_.line(kKeptText, text);
  const bool is_whole = text.size() == line.length;
  const auto decoded = is_whole ? decode_unicode(text) : std::string();
  if (is_exact() && !decoded) malformed("pickle.text.escape", "the text has a broken escape");
  push(add_span(Kind::text, line, Form::unicode, decoded.value_or(std::string(text)), is_whole));
}

void Machine::text_string() {
  std::string_view text;
  const Region line = input_.line(kKeptText, text);
  if (text.size() != line.length) {
    // The quotes of a long line are checked where its content is read.
    push(add_span(Kind::string8, line, Form::quoted, {}, false));
    return;
  }
  const auto content = unquote(text);
  const auto decoded = content ? decode_quoted(*content) : std::nullopt;
  if (!decoded) malformed("pickle.text.escape", "the string has no quotes around it, or a broken escape");
  push(add_span(Kind::string8, inner(line, text, *content), Form::quoted, *decoded, true));
}

void Machine::payload(Kind kind, std::uint64_t length) {
  const Region span{input_.position(), length};
  if (length <= (kind == Kind::bytes ? kKeptBytes : kKeptText)) {
    push(add_span(kind, span, Form::plain, input_.take(length), true));
  } else {
    input_.skip(length);
    push(add_span(kind, span, Form::plain, {}, false));
  }
}

void Machine::short_string() { payload(Kind::string8, input_.byte()); }

void Machine::bin_string() {
  const auto length = static_cast<std::int32_t>(input_.little(4));
  if (length < 0) malformed("pickle.text.length", "a BINSTRING has the length " + std::to_string(length));
  payload(Kind::string8, static_cast<std::uint64_t>(length));
}

void Machine::short_unicode() { payload(Kind::text, input_.byte()); }
void Machine::bin_unicode() { payload(Kind::text, input_.little(4)); }
void Machine::bin_unicode8() { payload(Kind::text, input_.little(8)); }
void Machine::short_bytes() { payload(Kind::bytes, input_.byte()); }
void Machine::bin_bytes() { payload(Kind::bytes, input_.little(4)); }
void Machine::bin_bytes8() { payload(Kind::bytes, input_.little(8)); }
void Machine::byte_array() { payload(Kind::bytes, input_.little(8)); }

// Containers.

void Machine::tuple() { push(add_tuple(pop_mark())); }
void Machine::tuple1() { fixed_tuple(1); }
void Machine::tuple2() { fixed_tuple(2); }
void Machine::tuple3() { fixed_tuple(3); }

void Machine::fixed_tuple(std::size_t count) {
  if (stack_.size() < floor() + count) malformed("pickle.stack.underflow", "a tuple takes values that are not there");
  push(add_tuple(stack_.size() - count));
}

void Machine::empty_list() { push(add({.kind = Kind::list})); }
void Machine::empty_dict() { push(add({.kind = Kind::dict})); }
void Machine::empty_set() { push(add({.kind = Kind::set})); }

void Machine::list() {
  const std::size_t from = pop_mark();
  const Id id = add({.kind = Kind::list});
  append(id, from, false);
  push(id);
}

void Machine::dict() {
  const std::size_t from = pop_mark();
  check_pairs(from);
  const Id id = add({.kind = Kind::dict});
  append(id, from, true);
  push(id);
}

void Machine::frozen_set() {
  const std::size_t from = pop_mark();
  const Id id = add({.kind = Kind::set});
  append(id, from, false);
  push(id);
}

void Machine::check_pairs(std::size_t from) const {
  if ((stack_.size() - from) % 2 != 0) malformed("pickle.items.odd", "a dict gets a key without a value");
}

// The container below a height of the stack. Calls are objects that may be containers, too.
Id Machine::container(std::size_t from, Kind kind) const {
  if (from <= floor() || from > stack_.size()) {
    malformed("pickle.stack.underflow", "items are added to a container that is not there");
  }
  const Id id = stack_[from - 1];
  const Kind found = graph_.kind(id);
  if (is_exact() && found != kind && found != Kind::call) {
    malformed("pickle.items.target", "items are added to a value that cannot have such items");
  }
  return id;
}

void Machine::add_to(std::size_t from, Kind kind) {
  const Id id = container(from, kind);
  const Kind found = graph_.kind(id);
  if (kind == Kind::dict) check_pairs(from);
  if (found == kind || found == Kind::call) {
    append(id, from, kind == Kind::dict);
  } else {
    stack_.resize(from);
  }
}

void Machine::append_one() { add_to(stack_.size() - std::min<std::size_t>(stack_.size(), 1), Kind::list); }
void Machine::append_many() { add_to(pop_mark(), Kind::list); }
void Machine::add_items() { add_to(pop_mark(), Kind::set); }
void Machine::set_item() { add_to(stack_.size() - std::min<std::size_t>(stack_.size(), 2), Kind::dict); }
void Machine::set_items() { add_to(pop_mark(), Kind::dict); }

}  // namespace zt::foreign::pickle
