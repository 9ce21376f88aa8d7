#include "grow/growth.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/checked.h"
#include "grow/file_end.h"
#include "io/locked_file.h"
#include "ztensor/error.h"

namespace zt::grow {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxSpare = std::uint64_t{64} << 20;

}  // namespace

struct Growth::State {
  enum class Stage { opened, growing, broken, over };

  State(const fs::path& path, const GrowthOptions& chosen) : options(chosen), file(path, chosen.durable) {}
  ~State() { abort(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void begin(Tail chosen, const Live& live);
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound);
  void write(std::span<const std::byte> bytes);
  Grown commit(std::span<const std::byte> manifest, const std::function<std::vector<std::byte>(std::uint64_t)>& footer,
               std::optional<Region> region, std::uint64_t alignment);
  void abort() noexcept;
  void enter();
  void leave() { stage = Stage::growing; }

  GrowthOptions options;
  io::LockedFile file;
  std::unique_ptr<FileEnd> end;
  Tail tail = Tail::footer;
  Stage stage = Stage::opened;
  bool changed = false;        // there are changes to take back
  std::uint64_t start = 0;     // of the part that is being written
  std::uint64_t position = 0;  // where data ends

 private:
  std::uint64_t place_manifest(std::span<const std::byte> manifest, std::optional<Region> region,
                               std::uint64_t alignment);
  std::uint64_t spare() const { return std::min((position - end->base()) / 8, kMaxSpare); }
};

void Growth::State::enter() {
  if (stage != Stage::growing)
    io::fail_usage(file.path(), "this append takes no more data: it was not begun, has failed, or is over");
  stage = Stage::broken;  // until this step has succeeded
}

void Growth::State::begin(Tail chosen, const Live& live) {
  if (stage != Stage::opened) io::fail_usage(file.path(), "this append was begun before: begin it once");
  tail = chosen;
  end = tail == Tail::footer ? make_footer_end(file, live) : make_sized_end(file, live, options.hop_limit);
  start = position = end->base();
  stage = Stage::growing;
}

std::uint64_t Growth::State::place(std::uint64_t alignment, std::uint64_t bound) {
  const auto fit = [&](std::uint64_t from) {
    const auto at = checked::align_up(from, alignment);
    const auto past = at ? checked::add(*at, bound) : std::nullopt;
    if (!past || !checked::add(*past, kMaxSpare)) io::fail(EFBIG, file.path(), "cannot grow");
    return std::pair(*at, *past);
  };
  auto [at, past] = fit(position);
  changed = true;
  if (!end->has_room(past)) {
    // Prefer a place after the current footer if that wastes little: a reader that has just read the size may look
    // there.
    const auto [later, later_past] = fit(std::max(position, end->spared()));
    if (later - at <= std::max(alignment, bound / 8)) std::tie(at, past) = std::pair(later, later_past);
    end->make_room(position, past, past + spare());
  }
  start = position = at;
  return at;
}

void Growth::State::write(std::span<const std::byte> bytes) {
  const auto past = checked::add(position, bytes.size());
  if (!past || !checked::add(*past, kMaxSpare)) io::fail(EFBIG, file.path(), "cannot grow");
  changed = true;
  if (!end->has_room(*past)) end->make_room(position, *past, *past + spare());
  file.write(position, bytes);
  position = *past;
}

std::uint64_t Growth::State::place_manifest(std::span<const std::byte> manifest, std::optional<Region> region,
                                            std::uint64_t alignment) {
  if (!region) return end->place_manifest(position, manifest.size(), alignment);
  if (tail != Tail::footer) io::fail_usage(file.path(), "a 1.x manifest must lie at the end: give no region");
  if (manifest.size() > region->length) io::fail_usage(file.path(), "the manifest is longer than its region");
  const auto past = checked::add(region->offset, region->length);
  if (!past || (*past > end->base() && !end->has_room(*past)))
    io::fail_usage(file.path(), "the region of the manifest is not in the file");
  end->make_room(position, position, position);
  return region->offset;
}

Grown Growth::State::commit(std::span<const std::byte> manifest,
                            const std::function<std::vector<std::byte>(std::uint64_t)>& footer,
                            std::optional<Region> region, std::uint64_t alignment) {
  changed = true;
  const std::uint64_t offset = place_manifest(manifest, region, alignment);
  file.write(offset, manifest);
  const std::vector<std::byte> last = footer(offset);
  if (last.size() != end->footer_length())
    io::fail_usage(file.path(), "the new footer has another length than the file's footer");
  file.sync();
  file.check_written();
  file.check_place();
  end->commit(last);
  // From here on readers may have the new version. So nothing is taken back, even if the version may not outlast a
  // crash.
  changed = false;
  stage = Stage::over;
  file.sync();
  Grown grown{.manifest = offset, .size = offset + manifest.size()};
  try {
    grown.size = file.store()->size_now();
  } catch (const Error&) {  // the size is not known, but the new version exists
  }
  return grown;
}

void Growth::State::abort() noexcept {
  if (changed && file.is_owner()) file.truncate(end->base());
  changed = false;
  stage = Stage::over;
}

Growth::Growth(const fs::path& path, const GrowthOptions& options) : state_(std::make_unique<State>(path, options)) {}
Growth::~Growth() = default;
Growth::Growth(Growth&&) noexcept = default;
Growth& Growth::operator=(Growth&&) noexcept = default;

std::shared_ptr<const ByteStore> Growth::store() const { return state_->file.store(); }

void Growth::begin(Tail tail, const Live& live) { state_->begin(tail, live); }

std::uint64_t Growth::place(std::uint64_t alignment, std::uint64_t bound) {
  state_->enter();
  const std::uint64_t at = state_->place(alignment, bound);
  state_->leave();
  return at;
}

void Growth::reserve(std::uint64_t position, std::uint64_t bytes) noexcept { state_->file.reserve(position, bytes); }

void Growth::write(std::span<const std::byte> bytes) {
  state_->enter();
  state_->write(bytes);
  state_->leave();
}

void Growth::rewind(std::uint64_t position) {
  if (position < state_->start || position > state_->position) {
    io::fail_usage(state_->file.path(), "the position lies outside the part that is being written");
  }
  state_->position = position;
}

void Growth::read_back(std::uint64_t offset, std::span<std::byte> out) const { state_->file.read(offset, out); }

Grown Growth::commit(std::span<const std::byte> manifest,
                     const std::function<std::vector<std::byte>(std::uint64_t)>& footer, std::optional<Region> region,
                     std::uint64_t alignment) {
  state_->enter();
  return state_->commit(manifest, footer, region, alignment);
}

void Growth::abort() noexcept { state_->abort(); }

}  // namespace zt::grow
