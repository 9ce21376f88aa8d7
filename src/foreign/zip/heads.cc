#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/zip/headers.h"
#include "ztensor/error.h"

namespace zt::foreign::zip {
namespace {

constexpr std::uint16_t kHasDescriptor = 1 << 3;
constexpr std::size_t kMostDescriptor = 24;
constexpr std::uint64_t kMostGap = 65536;
constexpr std::uint64_t kUsualExtra = 128;                // PyTorch mostly pads to a multiple of 64
constexpr std::uint64_t kBatch = std::uint64_t{4} << 20;  // bytes that are read at once

// The bytes around the heads of several entries. `entries` are sorted by place.
class HeadReader {
 public:
  HeadReader(const ByteStore& store, std::uint64_t end) : store_(store), end_(end) {}

  // Reads the heads of the entries from `first` on, as many as fit a batch, and returns the first that did not fit.
  std::size_t load(std::span<Entry* const> entries, std::size_t first) {
    windows_.clear();
    std::vector<Region> runs;
    std::uint64_t total = 0;
    std::size_t next = first;
    for (; next < entries.size() && total < kBatch; ++next) {
      const Region window = window_of(*entries[next]);
      if (!runs.empty() && window.offset <= end_of(runs.back()) + store_.request_cost()) {
        const std::uint64_t end = std::max(end_of(runs.back()), window.offset + window.length);
        total += end - end_of(runs.back());
        runs.back().length = end - runs.back().offset;
      } else {
        runs.push_back(window);
        total += window.length;
      }
      windows_.push_back({window, total - (end_of(runs.back()) - window.offset)});
    }
    read(runs, total);
    return next;
  }

  // The bytes before the head of the n-th entry that load() took, at most 24; and the bytes from its head on.
  std::span<const std::byte> before(std::size_t n, std::uint64_t head) const {
    return bytes(n).first(static_cast<std::size_t>(head - windows_[n].region.offset));
  }
  std::span<const std::byte> from(std::size_t n, std::uint64_t head) const {
    return bytes(n).subspan(static_cast<std::size_t>(head - windows_[n].region.offset));
  }
  // From now on, load() reads extra fields of up to twice this length. Archives pad all files alike.
  void expect_extra(std::uint64_t length) { extra_ = std::min<std::uint64_t>(2 * length, kFull16); }
  std::vector<std::byte> read(Region region) const {
    std::vector<std::byte> bytes(static_cast<std::size_t>(region.length));
    store_.read_at(region.offset, bytes);
    return bytes;
  }

 private:
  struct Window {
    Region region;
    std::uint64_t at;  // in buffer_
  };

  static std::uint64_t end_of(Region region) { return region.offset + region.length; }
  std::span<const std::byte> bytes(std::size_t n) const {
    return std::span(buffer_).subspan(static_cast<std::size_t>(windows_[n].at),
                                      static_cast<std::size_t>(windows_[n].region.length));
  }

  Region window_of(const Entry& entry) const {
    const std::uint64_t least = kLocalBytes + entry.raw_name.size();
    if (!checked::within(entry.head, least, end_)) {
      malformed("zip.head.bounds", "the head of " + in_quotes(entry.member.name) + " at " + std::to_string(entry.head) +
                                       " runs into the directory, or past the end");
    }
    const std::uint64_t from = entry.head - std::min<std::uint64_t>(entry.head, kMostDescriptor);
    return {from, std::min(entry.head + least + extra_, end_) - from};
  }

  void read(std::span<const Region> runs, std::uint64_t total) {
    buffer_.resize(static_cast<std::size_t>(total));
    std::vector<ReadAt> reads;
    std::size_t at = 0;
    for (const Region& run : runs) {
      const auto length = static_cast<std::size_t>(run.length);
      reads.push_back({run.offset, std::span(buffer_).subspan(at, length)});
      at += length;
    }
    store_.read_many(reads);
  }

  const ByteStore& store_;
  std::uint64_t end_;  // of the files of the archive
  std::uint64_t extra_ = kUsualExtra;
  std::vector<std::byte> buffer_;
  std::vector<Window> windows_;
};

// Whether a size in a head agrees with the directory. A head that was written before its content has zero.
bool agrees(const Entry& entry, std::uint64_t size, std::uint64_t wanted) {
  return size == wanted || (size == 0 && (entry.member.flags & kHasDescriptor) != 0);
}

// A head has all ones where its ZIP64 block has the size. Then the block has both sizes. Otherwise a block repeats what
// the directory states: PyTorch also puts the place of the head there.
void check_sizes(const Entry& entry, std::span<const std::byte> head, std::span<const std::byte> wide) {
  const Member& member = entry.member;
  bool good = wide.size() % 8 == 0;
  for (std::size_t at = 0; at + 8 <= wide.size(); at += 8) {
    const std::uint64_t value = u64(wide, at);
    good = good && (agrees(entry, value, member.length) || value == member.stored_length || value == entry.head);
  }
  const auto check = [&](std::size_t plain_at, std::size_t wide_at, std::uint64_t wanted) {
    const std::uint32_t plain = u32(head, plain_at);
    const bool is_wide = plain == kFull32 && wide.size() >= 16;
    good = good && agrees(entry, is_wide ? u64(wide, wide_at) : plain, wanted);
  };
  check(22, 0, member.length);
  check(18, 8, member.stored_length);
  if (!good) {
    malformed("zip.head.sizes", "the head of " + in_quotes(member.name) + " and the directory state different sizes");
  }
  if (!agrees(entry, u32(head, 14), member.crc)) {
    malformed("zip.head.crc", "the head of " + in_quotes(member.name) + " and the directory state different checksums");
  }
}

// Compares a head with its entry. `bytes` begin with the head; `extra` is its extra field.
void check_head(const Entry& entry, std::span<const std::byte> bytes, std::span<const std::byte> extra) {
  const Member& member = entry.member;
  if (!std::ranges::equal(bytes.subspan(kLocalBytes, entry.raw_name.size()), entry.raw_name)) {
    malformed("zip.head.name", "the head of " + in_quotes(member.name) + " has another name");
  }
  if (u16(bytes, 6) != member.flags || u16(bytes, 8) != member.method) {
    malformed("zip.head.method", "the head of " + in_quotes(member.name) + " has another method, or other flags");
  }
  check_sizes(entry, bytes, inside("file " + in_quotes(member.name), [&] { return find_zip64(extra); }));
}

// The length of the descriptor that begins `bytes` and states what the directory states, if there is one.
std::optional<std::size_t> find_descriptor(const Member& member, std::span<const std::byte> bytes) {
  const auto states = [&](std::size_t begin, std::size_t width) {
    if (bytes.size() < begin + 4 + 2 * width || u32(bytes, begin) != member.crc) return false;
    const auto size = [&](std::size_t at) { return width == 8 ? u64(bytes, at) : u32(bytes, at); };
    return size(begin + 4) == member.stored_length && size(begin + 4 + width) == member.length;
  };
  const bool marked = bytes.size() >= 4 && u32(bytes, 0) == kDescriptorMagic;
  if (marked && states(4, 8)) return 24;
  if (marked && states(4, 4)) return 16;
  if (states(0, 8)) return 20;
  if (states(0, 4)) return 12;
  return std::nullopt;
}

// Checks what lies between the content of a file and the next head: its descriptor, if it has one, and zeros.
void check_gap(const Member* member, std::span<const std::byte> bytes) {
  const std::string behind = member == nullptr ? "before the first file" : "behind the file " + in_quotes(member->name);
  if (member != nullptr && (member->flags & kHasDescriptor) != 0) {
    const auto length = find_descriptor(*member, bytes);
    if (!length) malformed("zip.descriptor", "the record " + behind + " differs from the directory, or is missing");
    bytes = bytes.subspan(*length);
  }
  if (!std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; })) {
    malformed("zip.gap", "bytes that belong to no file lie " + behind);
  }
}

class Placer {
 public:
  Placer(const ByteStore& store, std::uint64_t end) : reader_(store, end), end_(end) {}

  void place(std::span<Entry* const> entries) {
    for (std::size_t first = 0; first < entries.size();) {
      const std::size_t next = reader_.load(entries, first);
      std::size_t i = first;
      while (i < next && place_one(*entries[i], i - first)) ++i;
      first = i;  // its extra field is longer than expected, or it is not loaded
    }
    close_gap(end_, {}, "the directory");
  }

 private:
  // `n`: which of the loaded entries it is. False if more bytes must be loaded for it.
  bool place_one(Entry& entry, std::size_t n) {
    close_gap(entry.head, reader_.before(n, entry.head), in_quotes(entry.member.name));
    const auto bytes = reader_.from(n, entry.head);
    if (u32(bytes, 0) != kLocalMagic || u16(bytes, 26) != entry.raw_name.size()) {
      malformed("zip.head.form", "no head of " + in_quotes(entry.member.name) + " lies at " +
                                     std::to_string(entry.head) + ", where the directory has it");
    }
    Member& member = entry.member;
    const Region extra{kLocalBytes + entry.raw_name.size(), u16(bytes, 28)};
    member.offset = entry.head + extra.offset + extra.length;
    if (!checked::within(member.offset, member.stored_length, end_)) {
      malformed("zip.member.bounds", "the content of " + in_quotes(member.name) + " at " +
                                         std::to_string(member.offset) + " runs past the last file's end at " +
                                         std::to_string(end_));
    }
    if (extra.offset + extra.length > bytes.size()) {
      reader_.expect_extra(extra.length);
      return false;
    }
    check_head(entry, bytes,
               bytes.subspan(static_cast<std::size_t>(extra.offset), static_cast<std::size_t>(extra.length)));
    last_ = &member;
    covered_ = member.offset + member.stored_length;
    return true;
  }

  // Checks the bytes from the last content up to `next`, where `what` begins. `before`: bytes that were read already.
  void close_gap(std::uint64_t next, std::span<const std::byte> before, std::string_view what) const {
    if (next < covered_) {
      malformed("zip.member.overlap", "the content of " + in_quotes(last_->name) + " ends at " +
                                          std::to_string(covered_) + ", behind the begin of " + std::string(what) +
                                          " at " + std::to_string(next));
    }
    const std::uint64_t gap = next - covered_;
    if (gap > kMostGap) {
      malformed("zip.gap", count_text(gap, "byte") + " before " + std::string(what) +
                               (gap == 1 ? " belongs" : " belong") + " to no file");
    }
    if (gap <= before.size()) return check_gap(last_, before.last(static_cast<std::size_t>(gap)));
    check_gap(last_, reader_.read({covered_, gap}));
  }

  HeadReader reader_;
  std::uint64_t end_;
  const Member* last_ = nullptr;
  std::uint64_t covered_ = 0;  // the end of the last content
};

}  // namespace

void place_entries(const ByteStore& store, std::uint64_t end, std::vector<Entry>& entries) {
  std::vector<Entry*> by_place;
  by_place.reserve(entries.size());
  for (Entry& entry : entries) by_place.push_back(&entry);
  const auto before = [](const Entry* a, const Entry* b) { return a->head < b->head; };
  if (!std::ranges::is_sorted(by_place, before)) std::ranges::sort(by_place, before);
  Placer(store, end).place(by_place);
}

}  // namespace zt::foreign::zip
