#include "foreign/gguf/header.h"

#include <algorithm>
#include <string>

#include "base/count_text.h"
#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::foreign::gguf {
namespace {

constexpr std::uint64_t kWindow = 256 * 1024;

}  // namespace

// Keeps the bytes that were fetched and not taken, and reads on behind them.
void HeaderCursor::fetch(std::uint64_t length) {
  const std::size_t kept = window_.size() - at_;
  std::move(window_.begin() + static_cast<std::ptrdiff_t>(at_), window_.end(), window_.begin());
  window_.resize(kept);
  at_ = 0;
  const std::uint64_t more = std::min(std::max(length, kWindow) - kept, size_ - fetched_);
  window_.resize(static_cast<std::size_t>(kept + more));
  store_.read_at(fetched_, std::span(window_).subspan(kept));
  fetched_ += more;
}

std::span<const std::byte> HeaderCursor::take(std::uint64_t length, std::string_view what) {
  if (length > left()) {
    throw Error(Code::malformed, "gguf.file.truncated",
                "offset " + std::to_string(position_) + ": " + std::string(what) + " of " + count_text(length, "byte") +
                    " runs past " + std::to_string(size_));
  }
  if (length > limit_ || position_ > limit_ - length) {
    throw Error(Code::limit, "gguf.header.limit",
                "metadata and tensor list have more bytes than the limit of " + std::to_string(limit_));
  }
  if (length > window_.size() - at_) fetch(length);
  const auto taken = std::span<const std::byte>(window_).subspan(at_, static_cast<std::size_t>(length));
  at_ += taken.size();
  position_ += length;
  return taken;
}

std::string_view HeaderCursor::string(std::string_view what) { return as_text(take(length(what), what)); }

}  // namespace zt::foreign::gguf
