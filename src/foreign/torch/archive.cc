#include "foreign/torch/archive.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/zip/member.h"
#include "ztensor/error.h"

namespace zt::foreign::torch {
namespace {

using zip::Directory;
using zip::Member;

constexpr std::string_view kPickle = "data.pkl";
constexpr std::uint64_t kMostInfo = 64;  // bytes of a file that holds one word

std::string_view folder_of(std::string_view name) { return name.substr(0, name.find('/') + 1); }

template <class F>
bool any(const Directory& directory, F&& matches) {
  return std::ranges::any_of(directory.members(), [&](const Member& member) { return matches(member.name); });
}

[[noreturn]] void refuse_other(const Directory& directory) {
  const auto ends = [&](std::string_view end) {
    return any(directory, [&](std::string_view name) { return name.ends_with(end); });
  };
  const bool is_package = any(directory, [](std::string_view name) {
    return name.substr(folder_of(name).size()).starts_with(".data/") && name.ends_with(".storage");
  });
  const char* what = "a ZIP archive without a file `data.pkl` in its top folder: no file of PyTorch, and no npz file";
  if (is_package || ends("/.data/extern_modules")) {
    what = "a package of torch.package: save the state_dict with torch.save";
  } else if (ends("/archive_format") || directory.find("archive_format") != nullptr) {
    what = "an export of torch.export (.pt2): save the state_dict with torch.save";
  } else if (ends("/model.json") &&
             any(directory, [](std::string_view name) { return name.find("/tensors/") != std::string_view::npos; })) {
    what = "TorchScript of PyTorch 1.0: save the model with a later version";
  } else if (directory.find("model.weights.h5") != nullptr) {
    what = "a Keras model (.keras): its weights are the file model.weights.h5 in the archive";
  }
  throw Error(Code::unsupported, "torch.archive.kind", "the file is " + std::string(what));
}

// The one file `data.pkl` in a folder.
const Member& find_pickle(const Directory& directory) {
  const Member* found = nullptr;
  for (const Member& member : directory.members()) {
    const std::string_view folder = folder_of(member.name);
    if (folder.empty() || member.name.substr(folder.size()) != kPickle) continue;
    if (found != nullptr) {
      throw Error(Code::malformed, "torch.archive.twice",
                  "the archive has both " + in_quotes(found->name) + " and " + in_quotes(member.name));
    }
    found = &member;
  }
  const std::string format = found == nullptr ? "" : std::string(folder_of(found->name)) + "archive_format";
  if (found == nullptr || directory.find(format) != nullptr) refuse_other(directory);
  return *found;
}

// The word in a small file, without the white space around it; empty: there is no such file.
std::optional<std::string> read_word(const ByteStore& store, const Directory& directory, const std::string& name,
                                     const char* rule) {
  const Member* member = directory.find(name);
  if (member == nullptr) return std::nullopt;
  if (member->length > kMostInfo) {
    throw Error(Code::malformed, rule,
                "the file " + in_quotes(name) + " of the archive has " + count_text(member->length, "byte") +
                    ": expected one word");
  }
  std::string word(as_text(zip::read_member(store, *member, kMostInfo)));
  while (!word.empty() && (word.back() == '\n' || word.back() == '\r' || word.back() == ' ')) word.pop_back();
  return word;
}

void check_version(const ByteStore& store, const Directory& directory, const std::string& name, unsigned most) {
  const auto word = read_word(store, directory, name, "torch.archive.version");
  if (!word) return;
  unsigned version = 0;
  const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), version);
  if (error != std::errc() || end != word->data() + word->size() || version == 0 || version > most) {
    throw Error(Code::unsupported, "torch.archive.version",
                "the file " + in_quotes(name) + " of the archive says " + in_quotes(*word) + ": versions 1 to " +
                    std::to_string(most) + " are known");
  }
}

}  // namespace

ArchiveInfo read_info(const ByteStore& store, const Directory& directory) {
  constexpr unsigned kMostVersion = 10;  // of the archive
  constexpr unsigned kMostFormat = 1;    // of the order of its files
  ArchiveInfo info;
  info.pickle = &find_pickle(directory);
  info.folder = folder_of(info.pickle->name);
  for (const Member& member : directory.members()) {
    if (folder_of(member.name) != info.folder) {
      throw Error(Code::malformed, "torch.archive.folder",
                  "the file " + in_quotes(member.name) + " of the archive is not in the folder " +
                      in_quotes(info.folder) + ", as all others are");
    }
  }
  check_version(store, directory, info.folder + "version", kMostVersion);
  check_version(store, directory, info.folder + ".data/version", kMostVersion);
  check_version(store, directory, info.folder + ".format_version", kMostFormat);
  const auto order = read_word(store, directory, info.folder + "byteorder", "torch.archive.byteorder");
  if (order && *order != "little" && *order != "big") {
    throw Error(Code::malformed, "torch.archive.byteorder",
                "the byte order is " + in_quotes(*order) + ": expected little or big");
  }
  info.is_big_endian = order == "big";
  info.constants = directory.find(info.folder + "constants.pkl");
  return info;
}

}  // namespace zt::foreign::torch
