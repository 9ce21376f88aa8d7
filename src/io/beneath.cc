#include "io/beneath.h"

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "io/descriptor.h"
#include "ztensor/paths.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;

constexpr int kRead = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;  // does not wait for the writer of a FIFO
constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;

[[noreturn]] void refuse(const char* rule, const fs::path& path, std::string message) {
  Error error(Code::refused, rule, std::move(message));
  error.enter_file(utf8_of(path));
  throw error;
}

// The last component, and what is in front of it.
std::pair<std::string, std::string> split(std::string_view relative) {
  const std::size_t slash = relative.rfind('/');
  if (slash == std::string_view::npos) return {"", std::string(relative)};
  return {std::string(relative.substr(0, slash)), std::string(relative.substr(slash + 1))};
}

// Fails with ELOOP if a component is a link.
int open_components(int folder, std::string_view relative, int flags) {
  Descriptor here;
  while (true) {
    const std::size_t slash = relative.find('/');
    const bool last = slash == std::string_view::npos;
    const std::string name(relative.substr(0, slash));
    const int base = here ? here.get() : folder;
    os::Status status;
    if (!os::status_at(base, name.c_str(), status)) return -1;
    if (status.kind == os::Kind::link) {
      errno = ELOOP;
      return -1;
    }
    // If a link takes the name now, O_NOFOLLOW fails.
    Descriptor next(retry([&] { return os::openat(base, name.c_str(), (last ? flags : kFolder) | O_NOFOLLOW, 0); }));
    if (last || !next) return next.release();
    here = std::move(next);
    relative.remove_prefix(slash + 1);
  }
}

// Opens a path below a folder through no link; fails with ELOOP if there is one.
Descriptor open_plain(int folder, const std::string& relative, int flags, Walk walk) {
  if (walk == Walk::kernel) {
    Descriptor file(retry([&] { return os::open_beneath(folder, relative.c_str(), flags); }));
    // Old systems lack the call, and filters of old containers forbid what they do not know.
    if (file || (errno != ENOSYS && errno != EPERM)) return file;
  }
  return Descriptor(open_components(folder, relative, flags));
}

// The blob that a link of a download cache names: "../../blobs/<hash>", relative to the folder of `snapshots`.
struct Blob {
  std::string up;        // "../..", from the folder of the link
  std::string relative;  // "blobs/<hash>"
};

bool is_hash(std::string_view text) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return (text.size() == 40 || text.size() == 64) && std::ranges::all_of(text, hex);  // of git, or SHA-256
}

// Empty unless the text of the link, in the folder `physical`, has that form.
std::optional<Blob> blob_of(std::string_view link, const fs::path& physical) {
  constexpr std::string_view kUp = "../";
  constexpr std::string_view kBlobs = "blobs/";
  fs::path root = physical;
  std::string child;
  std::string up;
  std::size_t steps = 0;
  for (; link.starts_with(kUp); link.remove_prefix(kUp.size()), ++steps) {
    child = utf8_of(root.filename());
    root = root.parent_path();
    up += up.empty() ? ".." : "/..";
  }
  const bool blobs = link.starts_with(kBlobs) && is_hash(link.substr(kBlobs.size()));
  if (!blobs || steps < 2 || child != "snapshots") return std::nullopt;
  return Blob{up, std::string(link)};
}

// The file behind a link that open_plain() did not follow. Fails with ELOOP if the link is not one of a download cache.
Descriptor open_blob(int folder, const fs::path& path, std::string_view relative, Walk walk) {
  const auto [parents, name] = split(relative);
  std::error_code unknown;
  fs::path physical = fs::canonical(path, unknown);
  if (!parents.empty()) physical /= path_of(parents);
  const Descriptor inner = parents.empty() ? Descriptor() : open_plain(folder, parents, kFolder, walk);
  if (!parents.empty() && !inner) return {};
  const int base = inner ? inner.get() : folder;
  const auto blob = blob_of(os::text_of_link_at(base, name.c_str()), physical);
  const Descriptor root(blob && !unknown ? os::openat(base, blob->up.c_str(), kFolder, 0) : -1);
  if (root) return open_plain(root.get(), blob->relative, kRead, walk);
  errno = ELOOP;
  return {};
}

void check_file(const os::Status& status, const fs::path& path, Identity by) {
  if (status.kind != os::Kind::regular) refuse("external.regular", path, "this is not a regular file");
  if (status.identity == by) refuse("external.self", path, "the file names itself as a file of its tensors");
  if (status.names > 1) {
    refuse("external.regular", path,
           "the file has further names (hard links), so it may belong elsewhere: put a copy in its place");
  }
}

}  // namespace

std::shared_ptr<const File> open_beneath(const fs::path& folder, std::string_view relative, Identity by, Walk walk) {
  const fs::path& place = folder.empty() ? fs::path(".") : folder;
  const fs::path path = place / path_of(relative);
  const Descriptor base(os::open(place, kFolder));
  if (!base) fail(errno, place, "cannot open the folder");
  Descriptor file = open_plain(base.get(), std::string(relative), kRead, walk);
  if (!file && errno == ELOOP) file = open_blob(base.get(), place, relative, walk);
  if (!file && errno == ELOOP) {
    refuse("external.link", path, "a link leads to the file: links are followed in a download cache only");
  }
  if (!file && errno == ENXIO) refuse("external.regular", path, "this is not a regular file");
  if (!file) fail(errno, path, "cannot open");
  os::Status status;
  if (!os::status_of(file.get(), status)) fail(errno, path, "cannot read its status");
  check_file(status, path, by);
  return File::take(file, status, path);
}

}  // namespace zt::io
