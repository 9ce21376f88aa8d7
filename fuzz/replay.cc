// Runs a fuzz target over every file below the given folders. Fails if there is no file: such a replay would always
// pass.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // A copy without spare capacity, so that a sanitizer sees a read one byte past the end.
  const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::size_t replay_folder(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::fprintf(stderr, "%s\n",
                 entry.path().string().c_str());  // printed first: the last path before a crash is its cause
    replay(entry.path());
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  const auto folders = std::span(argv, static_cast<std::size_t>(argc)).subspan(1);
  for (const char* folder : folders) count += replay_folder(folder);
  std::printf("%zu inputs replayed\n", count);
  return count == 0 ? 1 : 0;
}
