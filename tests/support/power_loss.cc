#include "power_loss.h"

#include <algorithm>
#include <random>
#include <span>

#include "base/utf8.h"
#include "temp_dir.h"

namespace zt::test {
namespace {

constexpr std::uint64_t kSector = 512;

}  // namespace

PowerLoss::PowerLoss(const std::filesystem::path& path) : first_(read_file(path)) {
  io::os::Status status;
  if (!io::os::status_of(path, status)) throw std::system_error(errno, std::generic_category(), path.string());
  file_ = status.identity;
  io::sys::set_hook(this);
}

PowerLoss::~PowerLoss() { io::sys::set_hook(nullptr); }

io::sys::Verdict PowerLoss::before(const io::sys::Event& event) noexcept {
  io::os::Status status;
  if (!io::os::status_of(event.file, status) || status.identity != file_) return {};
  using io::sys::Call;
  if (event.call == Call::sync || event.call == Call::datasync) {
    changes_.push_back({Change::Kind::sync, 0, {}});
    return {.pretend = true};
  }
  if (event.call == Call::truncate) changes_.push_back({Change::Kind::truncate, event.offset, {}});
  if (event.call != Call::pwrite) return {};
  // Sector by sector.
  std::span<const std::byte> left = event.bytes;
  for (std::uint64_t offset = event.offset; !left.empty();) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(left.size(), kSector - offset % kSector));
    changes_.push_back({Change::Kind::write, offset, std::string(as_text(left.first(length)))});
    left = left.subspan(length);
    offset += length;
  }
  return {};
}

void PowerLoss::apply(const Change& change, std::string& content) {
  const auto offset = static_cast<std::size_t>(change.offset);
  if (change.kind == Change::Kind::truncate) content.resize(offset);
  if (change.kind != Change::Kind::write) return;
  content.resize(std::max(content.size(), offset + change.bytes.size()));
  std::ranges::copy(change.bytes, content.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::size_t PowerLoss::syncs() const {
  const auto is_sync = [](const Change& change) { return change.kind == Change::Kind::sync; };
  return static_cast<std::size_t>(std::ranges::count_if(changes_, is_sync));
}

void PowerLoss::each(std::size_t tries, std::uint64_t seed,
                     const std::function<void(const std::string&, std::size_t)>& look) const {
  std::mt19937_64 random(seed);
  std::string synced = first_;
  std::vector<const Change*> loose;
  std::size_t syncs = 0;
  for (const Change& change : changes_) {
    if (change.kind != Change::Kind::sync) loose.push_back(&change);
    for (std::size_t attempt = 0; attempt < tries; ++attempt) {
      std::string content = synced;
      const std::uint64_t dropped = attempt == 0 ? 0 : attempt == 1 ? 8 : 1 + random() % 7;  // of eight
      for (const Change* kept : loose) {
        if (random() % 8 >= dropped) apply(*kept, content);
      }
      look(content, syncs);
    }
    if (change.kind != Change::Kind::sync) continue;
    for (const Change* kept : loose) apply(*kept, synced);
    loose.clear();
    ++syncs;
    look(synced, syncs);
  }
}

}  // namespace zt::test
