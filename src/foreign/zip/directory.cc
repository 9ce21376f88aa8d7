#include "foreign/zip/directory.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>

#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/zip/headers.h"
#include "ztensor/error.h"

namespace zt::foreign::zip {
namespace {

std::vector<std::byte> read_directory(const Tail& tail, Region directory, std::uint64_t most) {
  if (directory.length > most) {
    throw Error(
        Code::limit, "zip.directory.limit",
        "the directory has " + std::to_string(directory.length) + " bytes, over the limit of " + std::to_string(most));
  }
  return tail.read(directory);
}

// `data.pkl` in a folder that is in no other folder.
bool is_torch_name(std::string_view name) {
  constexpr std::string_view kPickle = "/data.pkl";
  return name.size() > kPickle.size() && name.find('/') == name.size() - kPickle.size() && name.ends_with(kPickle);
}

Kind kind_by_names(std::span<const Entry> entries) {
  Kind kind = entries.empty() ? Kind::empty : Kind::other;
  for (const Entry& entry : entries) {
    if (is_torch_name(entry.member.name)) return Kind::torch;
    if (entry.member.name.ends_with(".npy")) kind = Kind::npz;
  }
  return kind;
}

}  // namespace

model::Fault fault_of(const Member& member) {
  const std::string file = "the file " + in_quotes(member.name) + " of the archive ";
  switch (member.obstacle) {
    case Obstacle::flags:
      return {Code::unsupported, "zip.member.flags", file + "is encrypted, or a patch: it is not read"};
    case Obstacle::method:
      return {Code::unsupported, "zip.member.method",
              file + "is compressed with method " + std::to_string(member.method) + ": only deflate is read"};
    case Obstacle::link: return {Code::refused, "zip.member.link", file + "is a link: links are not followed"};
    case Obstacle::ratio:
      return {Code::malformed, "zip.member.ratio",
              file + "has " + count_text(member.stored_length, "byte") + ", which cannot decode to " +
                  std::to_string(member.length)};
    case Obstacle::none: break;
  }
  return {Code::internal, "", file + "can be read"};
}

Directory::Directory(const ByteStore& store, const Limits& limits) {
  const Tail tail(store);
  const Ending ending = read_ending(tail);
  bytes_ = read_directory(tail, ending.directory, limits.index_bytes);
  std::vector<Entry> entries = read_entries(bytes_, ending.entries);
  by_name_.resize(entries.size());
  std::iota(by_name_.begin(), by_name_.end(), 0U);
  std::ranges::sort(by_name_, {}, [&](std::uint32_t i) { return entries[i].member.name; });
  const auto twice = std::ranges::adjacent_find(by_name_, {}, [&](std::uint32_t i) { return entries[i].member.name; });
  if (twice != by_name_.end()) {
    malformed("zip.name.twice", "two files are named " + in_quotes(entries[*twice].member.name));
  }
  place_entries(store, ending.directory.offset, entries);
  std::vector<std::uint32_t> place(entries.size());  // of each entry in members_
  members_.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    place[i] = static_cast<std::uint32_t>(members_.size());
    if (!entries[i].is_folder) members_.push_back(entries[i].member);
  }
  std::erase_if(by_name_, [&](std::uint32_t i) { return entries[i].is_folder; });
  for (std::uint32_t& i : by_name_) i = place[i];
}

const Member* Directory::find(std::string_view name) const {
  const auto name_of = [&](std::uint32_t i) { return members_[i].name; };
  const auto found = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return found != by_name_.end() && name_of(*found) == name ? &members_[*found] : nullptr;
}

bool starts_archive(const ByteStore& store) {
  std::array<std::byte, 4> magic;
  if (store.size() < kEndBytes) return false;
  store.read_at(0, magic);
  const std::uint32_t first = u32(magic, 0);
  return first == kLocalMagic || first == kEndMagic || first == kEnd64Magic;
}

Kind kind_of(const ByteStore& store) {
  if (!starts_archive(store)) return Kind::none;
  try {
    const Tail tail(store);
    const Ending ending = read_ending(tail);
    const std::vector<std::byte> bytes = read_directory(tail, ending.directory, Limits{}.index_bytes);
    return kind_by_names(read_entries(bytes, ending.entries));
  } catch (const Error& error) {
    if (error.code() == Code::io) throw;
    return Kind::broken;
  }
}

}  // namespace zt::foreign::zip
