#include "foreign/numpy/literal.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void refuse_shape(const char* what) {
  throw Error(Code::malformed, "npy.shape.form",
              std::string("the shape ") + what + ": expected a tuple of plain numbers");
}

}  // namespace

void Literal::refuse(std::string_view wanted) const {
  throw Error(Code::malformed, "npy.header.form",
              "byte " + std::to_string(at_) + " of the header's text: expected " + std::string(wanted) + ", found " +
                  (at_ < text_.size() ? in_quotes(text_.substr(at_, 16)) : "the end"));
}

void Literal::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
}

bool Literal::take(char mark) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != mark) return false;
  ++at_;
  return true;
}

void Literal::expect(char mark) {
  if (!take(mark)) refuse(std::string("'") + mark + "'");
}

bool Literal::at_string() {
  skip_space();
  return at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"');
}

std::string_view Literal::string() {
  if (!at_string()) refuse("a text in quotes");
  const char quote = text_[at_];
  const std::size_t begin = ++at_;
  for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
    if (text_[at_] == '\0' || text_[at_] == '\n' || text_[at_] == '\r') refuse("a text on one line");
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
  }
  if (at_ == text_.size()) refuse("the quote that ends a text");
  return text_.substr(begin, at_++ - begin);
}

bool Literal::boolean() {
  skip_space();
  for (const std::string_view word : {"True", "False"}) {
    if (!text_.substr(at_).starts_with(word)) continue;
    at_ += word.size();
    return word == "True";
  }
  refuse("True or False");
}

std::uint64_t Literal::number() {
  skip_space();
  std::uint64_t value = 0;
  const std::string_view rest = text_.substr(at_);
  if (rest.empty() || !is_digit(rest.front())) refuse_shape("has something else than a number");
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  const auto length = static_cast<std::size_t>(end - rest.data());
  if (error != std::errc()) refuse_shape("has a number of more than 64 bits");
  if (rest.front() == '0' && length > 1) refuse_shape("has a number with a leading zero");
  at_ += length;
  if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2
  return value;
}

void Literal::shape(std::vector<std::uint64_t>& out, std::size_t most) {
  if (!take('(')) refuse_shape("is no tuple");
  bool comma = true;  // whether another number may follow
  while (!take(')')) {
    if (!comma) refuse_shape("lacks a comma");
    const std::uint64_t dimension = number();
    if (out.size() == most) {
      throw Error(Code::limit, "npy.shape.rank", "the shape has more than " + std::to_string(most) + " dimensions");
    }
    out.push_back(dimension);
    comma = take(',');
  }
  if (out.size() == 1 && !comma) refuse_shape("is a number in parentheses");
}

char Literal::skip_nested() {
  skip_space();
  const char first = at_ < text_.size() ? text_[at_] : '\0';
  if (first != '[' && first != '(') refuse("a text, a list or a tuple");
  std::string closing;  // the brackets that are open
  do {
    if (at_string()) {
      string();
    } else if (take('[')) {
      closing += ']';
    } else if (take('(')) {
      closing += ')';
    } else if (at_ < text_.size() && text_[at_] == closing.back()) {
      closing.pop_back();
      ++at_;
    } else if (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == ',' || text_[at_] == 'L')) {
      ++at_;
    } else {
      refuse("a part of the type");
    }
  } while (!closing.empty());
  return first;
}

void Literal::finish() {
  skip_space();
  if (at_ != text_.size()) refuse("nothing more");
}

}  // namespace zt::foreign::numpy
