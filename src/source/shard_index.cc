#include "source/shard_index.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/utf8.h"
#include "wire/json.h"
#include "ztensor/error.h"

namespace zt::source {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 20;
constexpr std::size_t kMostShards = 4096;
constexpr std::uint32_t kIndexDepth = 16;

// A shard is a file beside the index: its name is one component, which no system takes for anything else.
void check_shard_name(std::string_view file) {
  constexpr std::string_view kAllowed = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-+ ";
  if (file.empty() || file.front() == '.' || file.find_first_not_of(kAllowed) != std::string_view::npos) {
    throw Error(Code::refused, "index.shard.name", in_quotes(file) + " is not the name of a file beside the index");
  }
}

bool is_pickled(std::string_view file) {
  return file.ends_with(".bin") || file.ends_with(".pt") || file.ends_with(".pth");
}

// An index must not turn a request for safetensors into a read of pickles, nor the reverse.
void check_shard_kind(std::string_view index, std::string_view file) {
  const bool wants_safetensors = index.ends_with(".safetensors.index.json");
  const bool wants_pickles = index.ends_with(".bin.index.json");
  const bool fits = wants_safetensors ? file.ends_with(".safetensors")
                    : wants_pickles   ? is_pickled(file)
                                      : file.ends_with(".safetensors") || is_pickled(file);
  if (fits) return;
  throw Error(Code::unsupported, "index.shard.kind",
              "shard " + in_quotes(file) + " is not of the kind that the index is for");
}

wire::JsonDocument parse(const ByteStore& store, const Limits& limits) {
  const std::uint64_t size = store.size();
  const std::uint64_t most = std::min(kMostBytes, limits.index_bytes);
  if (size > most) {
    throw Error(Code::limit, "index.size",
                "the index has " + std::to_string(size) + " bytes, over the limit of " + std::to_string(most));
  }
  wire::JsonText text(static_cast<std::size_t>(size));
  store.read_at(0, text.bytes());
  wire::JsonDocument document(std::move(text), kIndexDepth);
  wire::check_unique_keys(document.root());
  return document;
}

}  // namespace

// docs/formats/index.md
ShardIndex read_shard_index(const ByteStore& store, std::string_view name, const Limits& limits) {
  const wire::JsonDocument document = parse(store, limits);
  std::optional<wire::JsonView> map;
  for (wire::JsonMembersView members(document.root()); members.next();) {
    if (members.key() == "weight_map") map = members.value();
  }
  if (!map || !map->is_object()) {
    throw Error(Code::malformed, "index.map", "the index has no object 'weight_map'");
  }
  ShardIndex index;
  std::set<std::string_view> seen;  // texts in the document
  for (wire::JsonMembersView members(*map); members.next();) {
    const auto file = members.value().text();
    if (!file) {
      throw Error(Code::malformed, "index.shard.text",
                  "the file of tensor " + in_quotes(members.key()) + " is not a string");
    }
    if (seen.insert(*file).second) {
      check_shard_name(*file);
      check_shard_kind(name, *file);
      if (index.files.size() == kMostShards) {
        throw Error(Code::limit, "index.shards", "the index names more than " + std::to_string(kMostShards) + " files");
      }
      index.files.emplace_back(*file);
    }
    index.tensors.emplace_back(members.key(), *file);
  }
  return index;
}

}  // namespace zt::source
