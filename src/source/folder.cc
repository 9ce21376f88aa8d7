#include "source/folder.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "io/target.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::source {
namespace {

namespace fs = std::filesystem;

// The kinds of files, the preferred kind first: a folder of a hub often has the same model in several.
struct FileKind {
  std::array<std::string_view, 4> suffixes;  // the first is the usual one
  std::string_view stem = {};                // of the file that has a whole model, and of its index
  std::string_view index = {};               // what names of indexes of this kind end in
};
constexpr FileKind kKinds[] = {
    {{".zt"}},
    {{".safetensors"}, "model", ".safetensors.index.json"},
    {{".gguf"}},
    {{".bin", ".pt", ".pth", ".ckpt"}, "pytorch_model", ".bin.index.json"},
    {{".npz"}},
    {{".npy"}},
    {{".onnx"}, "model"},
    {{".pkl", ".pickle"}},
    {{".h5", ".hdf5"}},
};

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  fs::directory_iterator entries(folder, failed);
  for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
    std::error_code unknown;
    std::string name = utf8_of(entries->path().filename());
    if (!name.starts_with('.') && !entries->is_directory(unknown)) names.push_back(std::move(name));
  }
  if (failed) throw Error::system(failed.value(), utf8_of(folder), "cannot list the folder");
  std::sort(names.begin(), names.end());
  return names;
}

// The names that end in one of the suffixes.
std::vector<std::string> of_suffix(const std::vector<std::string>& names, std::span<const std::string_view> suffixes) {
  std::vector<std::string> found;
  std::ranges::copy_if(names, std::back_inserter(found), [&](const std::string& name) {
    return std::ranges::any_of(suffixes,
                               [&](std::string_view suffix) { return !suffix.empty() && name.ends_with(suffix); });
  });
  return found;
}

// The index among several: the one with the usual name.
std::string choose_index(const fs::path& folder, const std::vector<std::string>& indexes, const FileKind& kind) {
  if (indexes.size() == 1) return indexes.front();
  std::string usual = std::string(kind.stem) + std::string(kind.index);
  if (std::ranges::find(indexes, usual) != indexes.end()) return usual;
  throw Error(Code::usage, "",
              utf8_of(folder) + ": the folder has several models: open " + in_quotes(indexes[0]) + " or " +
                  in_quotes(indexes[1]));
}

// The folder that links must not leave: of the cache of a model hub, where files of a snapshot are links to blobs, the
// folder of the model; else the folder itself.
fs::path bounds_of(const fs::path& folder) {
  std::error_code unknown;
  for (fs::path at = folder; at.has_relative_path(); at = at.parent_path()) {
    fs::path model = at.parent_path();
    if (at.filename() == "snapshots" && fs::is_directory(model / "blobs", unknown)) return model;
  }
  return folder;
}

bool is_within(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

}  // namespace

FolderContent look_into(const fs::path& folder) {
  std::vector<std::string> names = names_in(folder);
  // Beside ONNX models, ".bin" is the suffix of files with elements.
  if (std::ranges::any_of(names, [](const std::string& name) { return name.ends_with(".onnx"); })) {
    std::erase_if(names,
                  [](const std::string& name) { return name.ends_with(".bin") && !name.starts_with("pytorch_model"); });
  }
  for (const FileKind& kind : kKinds) {
    const std::string usual = std::string(kind.stem) + std::string(kind.suffixes[0]);
    const bool has_usual = !kind.stem.empty() && std::ranges::find(names, usual) != names.end();
    if (has_usual) return {.index = {}, .files = {usual}};  // other loaders do not look at an index then, either
    if (!kind.index.empty()) {
      const std::vector<std::string> indexes = of_suffix(names, std::span(&kind.index, 1));
      if (!indexes.empty()) return {.index = choose_index(folder, indexes, kind), .files = {}};
    }
    std::vector<std::string> files = of_suffix(names, kind.suffixes);
    if (!files.empty()) return {.index = {}, .files = std::move(files)};
  }
  throw Error(Code::usage, "", utf8_of(folder) + ": the folder has no tensor files: name a file, or another folder");
}

std::shared_ptr<const io::File> open_in_folder(const fs::path& folder, const std::string& name) {
  const fs::path path = folder / path_of(name);
  std::shared_ptr<const io::File> file = io::File::open(path);
  if (io::is_link(path)) {
    const fs::path target = io::path_without_links(path);
    const fs::path bounds = bounds_of(io::path_without_links(folder));
    if (!is_within(target, bounds)) {
      throw Error(
          Code::refused, "index.shard.link",
          utf8_of(path) + ": the link leads out of " + utf8_of(bounds) + ": open " + utf8_of(target) + " itself");
    }
    // The link may have changed since the file was opened. The target has no links.
    if (io::File::open(target)->identity() != file->identity()) {
      throw Error(Code::mismatch, "index.shard.changed", utf8_of(path) + ": the link changed: open the model again");
    }
  }
  return file;
}

}  // namespace zt::source
