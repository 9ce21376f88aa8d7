#include "io/publish.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "io/descriptor.h"
#include "io/replaceable.h"
#include "io/sibling.h"
#include "io/system.h"
#include "io/target.h"
#include "io/traits.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kNewMode = 0666;  // the system applies the umask
constexpr int kMaxNames = 100;     // if so many random names are taken, we give up
constexpr std::size_t kCopied = std::size_t{1} << 20;

// Opens an unnamed file in the folder. Empty if the system has no such files, or could not name the file later.
Descriptor open_unnamed(const Target& target, mode_t mode) {
  constexpr int kFlags = O_TMPFILE | O_RDWR | O_CLOEXEC;
  Descriptor file(retry([&] { return sys::openat(target.folder.get(), ".", kFlags, mode); }));
  if (!file) {
    // File systems and kernels without O_TMPFILE; kernels that do not know the flag give EISDIR or ENOENT.
    const bool refused = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT;
    if (!refused) fail_replacing(errno, target, "cannot create a file in its folder");
    return file;
  }
  if (!os::is_nameable(file.get())) file.reset();
  return file;
}

bool sync_data(const Descriptor& file) {
  return retry([&] { return sys::fsync(file.get()); }) == 0;
}

}  // namespace

struct Publication::State {
  enum class Stage { writing, broken, over };

  State(const fs::path& path, const PublishOptions& chosen)
      : options(chosen),
        target(resolve_target(path, chosen.durable ? Folder::syncable : Folder::place)),
        process(os::process_id()) {}
  ~State() { abandon(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void open();
  void open_sibling();
  mode_t new_mode() const { return replaced_ ? guarded_mode(replaced_->mode) : kNewMode; }
  void write(std::span<const std::byte> bytes);
  void move_to(std::uint64_t position);
  void read_back(std::uint64_t offset, std::span<std::byte> out) const;
  bool publish();
  void abandon() noexcept;

  PublishOptions options;
  Target target;
  Descriptor file;
  std::string sibling;   // the temporary name of the file, or empty
  std::int64_t process;  // a forked child has a copy of this object, but the sibling belongs to its parent
  Stage stage = Stage::writing;
  std::uint64_t position = 0;  // where the next bytes go
  std::vector<std::string> notes;

 private:
  void check_renames();
  void check_written();
  int place_new();
  int place_sibling();
  int place_over_claim();
  bool link_sibling();
  void copy_to_sibling();
  void replace();

  std::optional<os::Status> replaced_;  // the file that had the name at the beginning
};

void Publication::State::open() {
  const auto existing = look(target);
  if (existing && options.create_new) fail(EEXIST, target.asked, "must not exist yet");
  if (existing) check_regular(*existing, target.asked);
  if (existing) check_replaceable(target, *existing);
  replaced_ = existing;
  if (options.unnamed) file = open_unnamed(target, new_mode());
  const bool named = !file;
  // A new unnamed file never needs a sibling, so we do not search the folder.
  if (named || existing) remove_stale_siblings(target.folder.get(), target.name);
  if (named) {
    open_sibling();
    check_renames();
  }
}

void Publication::State::open_sibling() {
  constexpr int kFlags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  for (int i = 0; i < kMaxNames; ++i) {
    std::string name = sibling_name(target.folder.get(), target.name);
    Descriptor opened(retry([&] { return sys::openat(target.folder.get(), name.c_str(), kFlags, new_mode()); }));
    if (!opened && errno == EEXIST) continue;
    if (!opened) fail_replacing(errno, target, "cannot create a file in its folder");
    // Until the sibling is locked, another save may take it for stale and remove it.
    os::Status status;
    if (!lock_sibling(opened.get())) continue;
    if (os::status_of(opened.get(), status) && status.names == 0) continue;
    sibling = std::move(name);
    file = std::move(opened);
    if (replaced_) guard_traits(target, file);
    return;
  }
  fail(EEXIST, target.asked, "cannot find a free temporary name in its folder");
}

// Checks, before a byte is written, that the file can get its name later. A system with unnamed files has links and
// renames, and needs no check.
void Publication::State::check_renames() {
  const int folder = target.folder.get();
  const std::string name = sibling_name(folder, target.name);
  if (retry([&] { return sys::renameat(folder, sibling.c_str(), folder, name.c_str()); }) == 0) {
    sibling = name;
    return;
  }
  const int os_error = errno;
  if (replaced_) fail_replacing(os_error, target, "cannot replace files in its folder");
  if (retry([&] { return sys::linkat(folder, sibling.c_str(), folder, name.c_str()); }) != 0) {
    fail(os_error, target.asked, "cannot rename files in its folder");
  }
  sys::unlinkat(folder, name.c_str());
}

void Publication::State::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t wanted = std::min(bytes.size(), kMostAtOnce);
    const ssize_t done = retry([&] { return sys::write(file.get(), bytes.data(), wanted); });
    if (done < 0) fail(errno, target.asked, "cannot write");
    if (done == 0) fail(EIO, target.asked, "cannot write");  // or the loop would never end
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    position += static_cast<std::uint64_t>(done);
  }
}

void Publication::State::move_to(std::uint64_t to) {
  if (os::lseek(file.get(), static_cast<off_t>(to), SEEK_SET) < 0) fail(errno, target.asked, "cannot write");
  position = to;
}

void Publication::State::read_back(std::uint64_t offset, std::span<std::byte> out) const {
  if (read_up_to(file.get(), offset, out, target.asked, "cannot read back") < out.size()) {
    fail(EIO, target.asked, "cannot read back");
  }
}

// Network file systems and quotas report a failed write only at close. The first descriptor holds the lock, so we close
// a second one.
void Publication::State::check_written() {
  const int copy = os::duplicate(file.get());
  if (copy < 0) fail(errno, target.asked, "cannot write");
  // Linux closes the descriptor even when it reports EINTR, so we never close twice.
  if (os::close(copy) != 0 && errno != EINTR) fail(errno, target.asked, "cannot write");
}

// Gives the file the target's name, if the name is free. Returns 0 or an errno.
int Publication::State::place_new() {
  const int folder = target.folder.get();
  if (options.durable && !sync_data(file)) fail(errno, target.asked, "cannot sync");
  if (sibling.empty()) {
    if (retry([&] { return sys::name_open(file.get(), folder, target.name.c_str()); }) == 0) return 0;
    if (!lacks_names(errno)) return errno;
    copy_to_sibling();
  }
  return place_sibling();
}

int Publication::State::place_sibling() {
  const int folder = target.folder.get();
  const char* const from = sibling.c_str();
  const char* const name = target.name.c_str();
  if (retry([&] { return sys::renameat2(folder, from, folder, name, RENAME_NOREPLACE); }) == 0) {
    sibling.clear();
    return 0;
  }
  if (!lacks_names(errno)) return errno;  // NFS and others lack this kind of rename
  if (retry([&] { return sys::linkat(folder, from, folder, name); }) == 0) {
    sys::unlinkat(folder, from);
    sibling.clear();
    return 0;
  }
  if (!lacks_names(errno) || !options.create_new) return errno;
  return place_over_claim();
}

// For systems on which no call refuses to replace a file. An empty file takes the name, which only one of many savers
// can create, and is replaced at once. A process that is killed in between leaves it.
int Publication::State::place_over_claim() {
  constexpr int kFlags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
  const int folder = target.folder.get();
  const char* const name = target.name.c_str();
  const Descriptor claim(retry([&] { return sys::openat(folder, name, kFlags, kNewMode); }));
  if (!claim) return errno;
  const auto is_ours = [&] {
    os::Status opened;
    os::Status named;
    return os::status_of(claim.get(), opened) && os::status_at(folder, name, named) &&
           opened.identity == named.identity && named.size == 0;
  };
  if (!is_ours()) return EEXIST;  // another process has replaced it or written to it
  if (retry([&] { return sys::renameat(folder, sibling.c_str(), folder, name); }) == 0) {
    sibling.clear();
    return 0;
  }
  const int os_error = errno;
  if (is_ours()) sys::unlinkat(folder, name);
  return os_error;
}

// For a mount that has unnamed files but cannot name them.
void Publication::State::copy_to_sibling() {
  const Descriptor unnamed = std::exchange(file, Descriptor());
  const std::uint64_t length = position;
  open_sibling();
  position = 0;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(length, kCopied)));
  while (position < length) {
    const auto piece =
        std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(length - position, buffer.size())));
    if (read_up_to(unnamed.get(), position, piece, target.asked, "cannot read back") < piece.size()) {
      fail(EIO, target.asked, "cannot read back");
    }
    write(piece);
  }
  check_written();
  if (options.durable && !sync_data(file)) fail(errno, target.asked, "cannot sync");
}

// Gives the file a name for a moment, because an unnamed file cannot replace another. False if a copy got the name.
bool Publication::State::link_sibling() {
  lock_sibling(file.get());  // nobody else knows this file, so the lock is free
  for (int i = 0; i < kMaxNames; ++i) {
    std::string name = sibling_name(target.folder.get(), target.name);
    const int done = retry([&] { return sys::name_open(file.get(), target.folder.get(), name.c_str()); });
    if (done == 0) {
      sibling = std::move(name);
      return true;
    }
    if (errno != EEXIST) break;
  }
  if (!lacks_names(errno)) fail(errno, target.asked, "cannot create a file in its folder");
  copy_to_sibling();
  return false;
}

void Publication::State::replace() {
  const auto existing = look(target);
  if (existing) check_regular(*existing, target.asked);
  if (existing) notes = keep_traits(target, *existing, file);  // while nobody else can open the file
  const bool copied = sibling.empty() && !link_sibling();
  if (existing && copied) notes = keep_traits(target, *existing, file);
  // Without a sync, a crash could leave neither old nor new bytes. On mounts without a sync, only `durable` fails.
  if (!sync_data(file) && (options.durable || !lacks_sync(errno))) fail(errno, target.asked, "cannot sync");
  const int folder = target.folder.get();
  const int done = retry([&] { return sys::renameat(folder, sibling.c_str(), folder, target.name.c_str()); });
  if (done != 0) fail_replacing(errno, target, "cannot replace");
  sibling.clear();
}

// False if the name must be free, but is taken.
bool Publication::State::publish() {
  check_written();
  const bool exists = look(target).has_value();
  if (exists && options.create_new) return false;
  if (!exists && replaced_) notes = keep_traits(target, *replaced_, file);  // the old file was removed meanwhile
  const int refused = exists ? EEXIST : place_new();
  if (refused == EEXIST && options.create_new) return false;
  if (refused != 0 && options.create_new) fail(refused, target.asked, "cannot create");
  // Also after another error: replace() works, or meets the same error.
  if (refused != 0) replace();
  // Children that were forked meanwhile share the lock. They would keep an append to the file from taking it.
  unlock_sibling(file.get());
  if (options.durable) sync_folder(target);
  return true;
}

void Publication::State::abandon() noexcept {
  file.reset();  // Windows may not free the name of an open file
  if (!sibling.empty() && process == os::process_id()) sys::unlinkat(target.folder.get(), sibling.c_str());
  sibling.clear();
}

Publication::Publication(const fs::path& target, const PublishOptions& options)
    : state_(std::make_unique<State>(target, options)) {
  state_->open();
}

Publication::~Publication() = default;
Publication::Publication(Publication&&) noexcept = default;
Publication& Publication::operator=(Publication&&) noexcept = default;

void Publication::write(std::span<const std::byte> bytes) {
  if (!state_ || state_->stage != State::Stage::writing) {
    fail_usage(state_ ? state_->target.asked : fs::path(),
               "this file takes no more writes: it was published, or a write failed");
  }
  state_->stage = State::Stage::broken;  // until this write has succeeded
  state_->write(bytes);
  state_->stage = State::Stage::writing;
}

std::uint64_t Publication::place(std::uint64_t alignment, std::uint64_t) {
  const std::uint64_t at = checked::round_up(state_->position, alignment);
  if (at != state_->position) state_->move_to(at);
  return at;
}

void Publication::reserve(std::uint64_t position, std::uint64_t bytes) noexcept {
  sys::reserve(state_->file.get(), position, bytes);
}

void Publication::read_back(std::uint64_t offset, std::span<std::byte> out) const { state_->read_back(offset, out); }

void Publication::rewind(std::uint64_t position) {
  const std::uint64_t length = position;
  if (retry([&] { return sys::ftruncate(state_->file.get(), length); }) != 0) {
    fail(errno, state_->target.asked, "cannot cut");
  }
  state_->move_to(position);
}

void Publication::rename_target(const std::string& name) {
  state_->target.name = name;
  state_->target.asked.replace_filename(path_of(name));
}

const std::vector<std::string>& Publication::notes() const { return state_->notes; }

void Publication::publish() {
  if (try_publish()) return;
  state_->stage = State::Stage::over;
  state_->abandon();
  fail(EEXIST, state_->target.asked, "must not exist yet");
}

bool Publication::publish_as(const std::string& name) {
  rename_target(name);
  state_->options.create_new = true;
  return try_publish();
}

bool Publication::try_publish() {
  if (!state_ || state_->stage != State::Stage::writing) {
    fail_usage(state_ ? state_->target.asked : fs::path(),
               "this file cannot be published: it was published before, or a write failed");
  }
  state_->stage = State::Stage::over;
  try {
    if (!state_->publish()) {
      state_->stage = State::Stage::writing;
      return false;
    }
  } catch (...) {
    state_->abandon();
    throw;
  }
  state_->abandon();
  return true;
}

std::optional<Identity> identify(const fs::path& path) {
  check_path(path);
  os::Status status;
  if (os::status_of(path, status)) return status.identity;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  fail(errno, path, "cannot look up the path");
}

void sync_file(const fs::path& path) {
  os::Status status;
  const Descriptor file = open_regular(path, status);
  if (!sync_data(file)) fail(errno, path, "cannot sync");
  sync_folder(resolve_target(path, Folder::syncable));
}

void remove_file(const fs::path& path, const File& expected) {
  if (expected.was_changed()) fail_usage(path, "not removed: the file was changed meanwhile");
  remove_file(path, expected.identity());
}

void remove_file(const fs::path& path, const Identity& expected) {
  const Target target = name_target(path, Folder::place);
  const auto found = look(target);
  if (!found) fail(ENOENT, path, "cannot remove");
  if (found->kind == os::Kind::link) fail_usage(path, "the path is a link: remove the file that it leads to");
  check_regular(*found, path);
  if (found->identity != expected) fail_usage(path, "not removed: the path leads to another file by now");
  if (sys::unlinkat(target.folder.get(), target.name.c_str()) != 0) fail(errno, path, "cannot remove");
}

}  // namespace zt::io
