#include "write/output.h"

#include <algorithm>
#include <array>

#include "base/checked.h"

namespace zt::write {
namespace {

constexpr std::size_t kSmall = std::size_t{64} << 10;  // smaller writes are cheaper to copy than to pass on
constexpr std::uint64_t kHole = 4096;                  // the file system may leave gaps of this size or more unwritten
constexpr std::uint64_t kLeastRoom = std::uint64_t{1} << 20;  // reserving less room costs more than it saves
constexpr std::uint64_t kMostRoom = std::uint64_t{256} << 20;

}  // namespace

Output::Output(std::unique_ptr<ByteSink> sink) : sink_(std::move(sink)) {}
Output::Output(std::unique_ptr<io::WritableFile> file, std::uint64_t position)
    : sink_(std::move(file)), file_(static_cast<io::WritableFile*>(sink_.get())), position_(position) {}

void Output::write(std::span<const std::byte> bytes) {
  if (hash_) hash_->update(bytes);
  while (!bytes.empty()) {
    if (position_ < expected_ && position_ >= room_end_) take_room();
    const auto piece = bytes.first(std::min(bytes.size(), room()));
    if (piece.size() >= kSmall) {
      flush();
      sink_->write(piece);
    } else {
      buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    }
    position_ += piece.size();
    if (position_ % kBlock == 0) flush();
    bytes = bytes.subspan(piece.size());
  }
}

void Output::pad(std::uint64_t length) {
  static constexpr std::array<std::byte, 4096> kZeros = {};
  while (length > 0) {
    const std::size_t step = std::min<std::uint64_t>(length, kZeros.size());
    write(std::span(kZeros).first(step));
    length -= step;
  }
}

void Output::pad_to(std::uint64_t alignment) { pad(checked::round_up(position_, alignment) - position_); }

std::uint64_t Output::place(std::uint64_t alignment, std::uint64_t bound) {
  const std::uint64_t gap = checked::round_up(position_, alignment) - position_;
  const bool grows = file_ != nullptr && file_->grows();
  if (!grows && (file_ == nullptr || hash_ || gap < kHole)) {
    pad(gap);
    return position_;
  }
  flush();
  position_ = file_->place(alignment, bound);
  return position_;
}

void Output::expect(std::uint64_t bytes) noexcept {
  expected_ = file_ != nullptr && bytes >= kLeastRoom ? position_ + bytes : 0;
  room_end_ = position_;
}

// Takes room in steps, so that a wrong length of a part does not take the whole disk.
void Output::take_room() noexcept {
  const std::uint64_t bytes = std::min(expected_ - position_, kMostRoom);
  file_->reserve(position_, bytes);
  room_end_ = position_ + bytes;
}

void Output::flush() {
  if (buffer_.empty()) return;
  sink_->write(buffer_);
  buffer_.clear();
}

void Output::drop() noexcept {
  file_ = nullptr;
  sink_.reset();
}

void Output::read_back(std::uint64_t offset, std::span<std::byte> out) {
  flush();
  file_->read_back(offset, out);
}

void Output::rewind(std::uint64_t position) {
  flush();
  file_->rewind(position);
  expected_ = 0;
  position_ = position;
}

}  // namespace zt::write
