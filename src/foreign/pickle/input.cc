#include "foreign/pickle/input.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/count_text.h"
#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kLeastWindow = 4096;
constexpr std::size_t kMostWindow = 262144;

}  // namespace

Input::Input(const ByteStore& store, Region range)
    : store_(store), end_(range.offset + range.length), window_at_(range.offset), next_window_(kLeastWindow) {}

void Input::need(std::uint64_t length) const {
  if (length <= left()) return;
  throw Error(Code::malformed, "pickle.stream.truncated",
              "offset " + std::to_string(position()) + ": the next item has " + count_text(length, "byte") +
                  ", but only " + std::to_string(left()) + " are left");
}

std::string_view Input::rest() const noexcept { return as_text(window_).substr(at_); }

void Input::refill(std::size_t length) {
  window_at_ += at_;
  at_ = 0;
  const std::uint64_t left = end_ - window_at_;
  window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::max(length, next_window_), left)));
  next_window_ = std::min(kMostWindow, 2 * next_window_);
  store_.read_at(window_at_, window_);
}

std::uint8_t Input::byte() {
  if (at_ == window_.size()) {
    need(1);
    refill(1);
  }
  return static_cast<std::uint8_t>(window_[at_++]);
}

std::string_view Input::take(std::uint64_t length) {
  need(length);
  const auto size = static_cast<std::size_t>(length);
  if (window_.size() - at_ < size) refill(size);
  at_ += size;
  return as_text(window_).substr(at_ - size, size);
}

void Input::skip(std::uint64_t length) {
  need(length);
  if (length <= window_.size() - at_) {
    at_ += static_cast<std::size_t>(length);
    return;
  }
  window_at_ += at_ + length;
  at_ = 0;
  window_.clear();
  next_window_ = kLeastWindow;
}

Region Input::line(std::size_t most, std::string_view& text, Ending ending) {
  Region range{position(), 0};
  line_.clear();
  for (;;) {
    if (at_ == window_.size()) {
      if (ending == Ending::python && left() == 0 && range.length != 0) {
        const bool is_whole = line_.size() == range.length--;
        text = std::string_view(line_.data(), is_whole ? line_.size() - 1 : 0);
        return range;
      }
      need(1);
      refill(1);
    }
    const std::string_view ahead = rest();
    const std::size_t end = ahead.find('\n');
    const std::string_view piece = ahead.substr(0, end);
    range.length += piece.size();
    if (range.length <= most) line_.insert(line_.end(), piece.begin(), piece.end());
    at_ += piece.size();
    if (end == std::string_view::npos) continue;
    ++at_;
    text = range.length <= most ? std::string_view(line_.data(), line_.size()) : std::string_view();
    return range;
  }
}

std::uint64_t Input::little(unsigned bytes) {
  const std::string_view text = take(bytes);
  std::uint64_t number = 0;
  for (unsigned i = 0; i < bytes; ++i) number |= std::uint64_t{static_cast<std::uint8_t>(text[i])} << (8 * i);
  return number;
}

}  // namespace zt::foreign::pickle
