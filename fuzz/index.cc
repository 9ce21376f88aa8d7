// The index of a model in several files (JSON), and JSON as configurations have it. Laws: they throw only zt::Error; each
// file of an index lies beside it, is listed once, and has a tensor; and what JSON says survives being written and read.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "source/shard_index.h"
#include "ztensor/error.h"
#include "ztensor/info.h"

namespace {

void check(const zt::source::ShardIndex& index) {
  for (const auto& [name, file] : index.tensors) {
    if (std::ranges::count(index.files, file) != 1) std::abort();
  }
  for (const std::string& file : index.files) {
    const bool has_tensor = std::ranges::any_of(index.tensors, [&](const auto& each) { return each.second == file; });
    if (!has_tensor || file.front() == '.' || file.find_first_of("/\\:\n") != std::string::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const zt::MemoryStore store(std::vector<std::byte>(begin, begin + size));
  for (const std::string_view name : {"m.safetensors.index.json", "m.bin.index.json"}) {
    try {
      check(zt::source::read_shard_index(store, name, {}));
    } catch (const zt::Error&) {}
  }
  try {
    const zt::Value value = zt::json_parse({reinterpret_cast<const char*>(data), size});
    if (!(zt::json_parse(zt::json_value(value)) == value)) std::abort();
  } catch (const zt::Error&) {}
  return 0;
}
