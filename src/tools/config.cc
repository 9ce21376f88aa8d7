#include "tools/config.h"

#include <algorithm>
#include <system_error>

#include "base/utf8.h"
#include "io/file.h"
#include "source/folder.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace zt::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostTotal = std::uint64_t{16} << 20;

std::vector<std::string> json_files(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  fs::directory_iterator entries(folder, failed);
  for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
    std::error_code unknown;
    const std::string name = utf8_of(entries->path().filename());
    if (name.starts_with('.') || !name.ends_with(".json") || name.ends_with(".index.json")) continue;
    if (!is_utf8(name) || !entries->is_regular_file(unknown) || entries->file_size(unknown) > kMostBytes) continue;
    names.push_back(name);
  }
  if (failed) throw Error::system(failed.value(), utf8_of(folder), "cannot list the folder");
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

fs::path folder_of(const fs::path& path) { return fs::is_directory(path) ? path : fs::absolute(path).parent_path(); }

Value::Map config_beside(const fs::path& folder, std::vector<std::string>& notes) {
  Value::Map found;
  std::uint64_t total = 0;
  for (const std::string& name : json_files(folder)) {
    try {
      const auto file = source::open_in_folder(folder, name);
      if (file->size() > kMostBytes) continue;  // it has grown
      total += file->size();
      if (total > kMostTotal) throw Error(Code::limit, "", "the JSON files before it take 16 MiB");
      std::vector<std::byte> bytes(static_cast<std::size_t>(file->size()));
      file->read_at(0, bytes);
      found.emplace_back(Value(name), json_parse(as_text(bytes)));
    } catch (const Error& error) {
      if (error.code() == Code::io) throw;
      notes.push_back(utf8_of(folder / path_of(name)) + " was left out: " + error.what());
    }
  }
  return found;
}

}  // namespace zt::tools
