#include "codec/delta_lists.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/endian.h"
#include "codec/delta_form.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

constexpr std::size_t kMostBuckets = std::size_t{1} << kMostBucketBits;
constexpr std::uint32_t kFewElements = 16;  // of a bucket whose gaps are short anyway
constexpr std::byte kLongGap{255};          // passes over 255 elements and lists none

using Places = std::array<std::uint32_t, kMostBuckets>;  // by key

template <class Word>
Word word_at(std::span<const std::byte> elements, std::size_t i) noexcept {
  return endian::load_le<Word>(elements.data() + i * sizeof(Word));
}

template <class Word>
constexpr Word kTop = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));

// spec/delta.md §3
template <class Word>
std::size_t key_of(Word word, unsigned shift) noexcept {
  return static_cast<std::size_t>(static_cast<Word>(word & static_cast<Word>(kTop<Word> - 1)) >> shift);
}

// 0: no difference; 1: the top bit; else twice the distance, and 1 more for a distance downwards.
template <class Word>
Word value_of(Word from, Word to) noexcept {
  const auto up = static_cast<Word>(to - from);
  if (up == kTop<Word>) return 1;
  const auto twice = static_cast<Word>(up << 1);
  const auto sign = static_cast<Word>(Word{0} - static_cast<Word>(up >> (8 * sizeof(Word) - 1)));  // all ones: down
  return static_cast<Word>((twice ^ sign) + 2 * (sign & 1));
}

template <class Word>
Word moved_by(Word from, Word value) noexcept {
  const auto distance = static_cast<Word>(value >> 1);
  const auto down = static_cast<Word>(Word{0} - static_cast<Word>(value & 1));
  const auto step = static_cast<Word>((distance ^ down) - down);
  return static_cast<Word>(from + (value == 1 ? kTop<Word> : step));
}

// How many elements have each key. Four counts side by side: keys repeat, and a count waits for the one before it.
template <class Word>
void count_keys(std::span<const std::byte> elements, unsigned shift, Places& counts) noexcept {
  const std::size_t n = elements.size() / sizeof(Word);
  const std::size_t buckets = key_of(static_cast<Word>(~Word{0}), shift) + 1;
  std::array<std::array<std::uint32_t, kMostBuckets>, 4> parts;
  for (auto& part : parts) std::fill_n(part.begin(), buckets, 0);
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    ++parts[0][key_of(word_at<Word>(elements, i), shift)];
    ++parts[1][key_of(word_at<Word>(elements, i + 1), shift)];
    ++parts[2][key_of(word_at<Word>(elements, i + 2), shift)];
    ++parts[3][key_of(word_at<Word>(elements, i + 3), shift)];
  }
  for (; i < n; ++i) ++parts[0][key_of(word_at<Word>(elements, i), shift)];
  for (std::size_t k = 0; k < buckets; ++k) counts[k] = parts[0][k] + parts[1][k] + parts[2][k] + parts[3][k];
}

// Counts become the place of the first element of each key.
void counts_to_starts(std::span<std::uint32_t> counts) noexcept {
  std::uint32_t sum = 0;
  for (std::uint32_t& count : counts) {
    const std::uint32_t start = sum;
    sum += count;
    count = start;
  }
}

// Appends gaps. `next_place`: the first that the gaps so far have not passed.
class GapWriter {
 public:
  explicit GapWriter(std::vector<std::byte>& gaps) : gaps_(gaps) {}
  void list(std::uint32_t place) {
    std::uint32_t gap = place - next_place_;
    for (; gap >= 255; gap -= 255) gaps_.push_back(kLongGap);
    gaps_.push_back(static_cast<std::byte>(gap));
    next_place_ = place + 1;
  }
  void list_all(std::uint32_t first, std::uint32_t count) {
    list(first);
    gaps_.resize(gaps_.size() + count - 1);
    next_place_ = first + count;
  }

 private:
  std::vector<std::byte>& gaps_;
  std::uint32_t next_place_ = 0;
};

}  // namespace

// --- DeltaLister ---

struct DeltaLister::Memory {
  // A changed element: which key it has, and how many elements of this key are before it.
  std::vector<std::uint16_t> keys;
  std::vector<std::uint32_t> ranks;
  std::vector<std::byte> found;  // their values
  std::vector<std::uint32_t> places;
  Places counts, changed, starts;

  template <class Word>
  std::size_t find(unsigned shift, std::span<const std::byte> base, std::span<const std::byte> next);
  template <class Word>
  void list(unsigned shift, std::span<const std::byte> base, std::span<const std::byte> next, DeltaList& out);
};

DeltaLister::DeltaLister() : memory_(std::make_unique<Memory>()) {}
DeltaLister::~DeltaLister() = default;

template <class Word>
std::size_t DeltaLister::Memory::find(unsigned shift, std::span<const std::byte> base,
                                      std::span<const std::byte> next) {
  const std::size_t n = base.size() / sizeof(Word);
  keys.resize(n + 1);  // one more: each element is written, and counted if it is a change
  ranks.resize(n + 1);
  found.resize((n + 1) * sizeof(Word));
  std::size_t m = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Word from = word_at<Word>(base, i), to = word_at<Word>(next, i);
    const std::size_t key = key_of(from, shift);
    keys[m] = static_cast<std::uint16_t>(key);
    ranks[m] = counts[key]++;
    const Word value = value_of(from, to);
    std::memcpy(found.data() + m * sizeof(Word), &value, sizeof value);
    m += from != to ? 1 : 0;
  }
  return m;
}

template <class Word>
void DeltaLister::Memory::list(unsigned shift, std::span<const std::byte> base, std::span<const std::byte> next,
                               DeltaList& out) {
  const std::size_t buckets = key_of(static_cast<Word>(~Word{0}), shift) + 1;
  std::fill_n(counts.begin(), buckets, 0);
  std::fill_n(changed.begin(), buckets, 0);
  const std::size_t m = find<Word>(shift, base, next);
  for (std::size_t e = 0; e < m; ++e) ++changed[keys[e]];

  // Where the values of each bucket begin. `lists_all` of a bucket: by rank, not one after another.
  const auto lists_all = [&](std::size_t k) { return counts[k] >= kFewElements && 2 * changed[k] >= counts[k]; };
  std::uint32_t listed = 0;
  std::array<std::uint32_t, kMostBuckets> fill;
  for (std::size_t k = 0; k < buckets; ++k) {
    starts[k] = fill[k] = listed;
    listed += lists_all(k) ? counts[k] : changed[k];
  }
  out.values.assign(listed * sizeof(Word), std::byte{0});
  places.resize(listed);
  for (std::size_t e = 0; e < m; ++e) {
    const std::size_t k = keys[e];
    const std::uint32_t at = lists_all(k) ? starts[k] + ranks[e] : fill[k]++;
    places[at] = ranks[e];
    Word value;
    std::memcpy(&value, found.data() + e * sizeof(Word), sizeof value);
    endian::store_le(out.values.data() + at * sizeof(Word), value);
  }

  GapWriter gaps(out.gaps);
  std::uint32_t first = 0;  // place of the bucket
  for (std::size_t k = 0; k < buckets; first += counts[k], ++k) {
    if (changed[k] == 0) continue;
    if (lists_all(k)) {
      gaps.list_all(first, counts[k]);
    } else {
      for (std::uint32_t at = starts[k]; at < fill[k]; ++at) gaps.list(first + places[at]);
    }
    out.gap_cuts.push_back(static_cast<std::uint32_t>(out.gaps.size()));
    out.value_cuts.push_back(lists_all(k) ? starts[k] + counts[k] : fill[k]);
  }
}

void DeltaLister::list_delta(unsigned width, unsigned shift, std::span<const std::byte> base,
                             std::span<const std::byte> next, DeltaList& out) {
  out.gaps.clear();
  out.gap_cuts.clear();
  out.value_cuts.clear();
  switch (width) {
    case 1: return memory_->list<std::uint8_t>(shift, base, next, out);
    case 2: return memory_->list<std::uint16_t>(shift, base, next, out);
    case 4: return memory_->list<std::uint32_t>(shift, base, next, out);
    default: return memory_->list<std::uint64_t>(shift, base, next, out);
  }
}

void DeltaLister::list_patch(unsigned width, std::span<const std::byte> base, std::span<const std::byte> next,
                             DeltaList& out) {
  out.gaps.clear();
  out.gap_cuts.clear();
  out.value_cuts.clear();
  out.values.clear();
  GapWriter gaps(out.gaps);
  constexpr std::size_t kBlock = 64;  // bytes that are compared at once
  for (std::size_t at = 0; at < base.size(); at += kBlock) {
    const std::size_t size = std::min(kBlock, base.size() - at);
    if (std::memcmp(base.data() + at, next.data() + at, size) == 0) continue;
    for (std::size_t i = at; i < at + size; i += width) {
      if (std::memcmp(base.data() + i, next.data() + i, width) == 0) continue;
      gaps.list(static_cast<std::uint32_t>(i / width));
      out.values.insert(out.values.end(), next.data() + i, next.data() + i + width);
    }
  }
  out.gap_cuts.push_back(static_cast<std::uint32_t>(out.gaps.size()));
  out.value_cuts.push_back(static_cast<std::uint32_t>(out.values.size() / width));
}

void list_elements(std::span<const std::uint32_t> places, std::span<const std::byte> elements, DeltaList& out) {
  out.gaps.clear();
  GapWriter gaps(out.gaps);
  for (const std::uint32_t place : places) gaps.list(place);
  out.values.assign(elements.begin(), elements.end());
  out.gap_cuts.assign(1, static_cast<std::uint32_t>(out.gaps.size()));
  out.value_cuts.assign(1, static_cast<std::uint32_t>(places.size()));
}

// --- reading ---

void read_gaps(std::span<const std::byte> gaps, std::size_t count, std::size_t n, std::vector<std::uint32_t>& places) {
  const std::size_t listed = gaps.size() - static_cast<std::size_t>(std::ranges::count(gaps, kLongGap));
  if (listed != count || (!gaps.empty() && gaps.back() == kLongGap)) {
    throw Error(Code::malformed, "delta.lengths",
                "the gaps of a piece of a delta list " + std::to_string(listed) + " elements, but there are " +
                    std::to_string(count) + " values");
  }
  places.resize(count + 1);  // one more: each gap is written, and counted if it lists an element
  std::uint64_t place = 0;
  std::size_t m = 0;
  for (const std::byte gap : gaps) {
    const std::uint32_t lists = gap != kLongGap ? 1 : 0;
    place += std::to_integer<std::uint32_t>(gap);
    places[m] = static_cast<std::uint32_t>(place);  // below 2^32: there are at most n + n / 255 gaps
    m += lists;
    place += lists;
  }
  places.resize(count);
  if (place > n) {
    throw Error(Code::malformed, "delta.position",
                "a piece of a delta lists an element behind its last, of " + std::to_string(n));
  }
}

struct DeltaApplier::Memory {
  std::vector<std::byte> values;  // of each element, in the order of keys
  Places cursors;

  // Each element's value lies where its key's cursor is. `take(i, from, value)` is called for each in order.
  template <class Word, class Take>
  void walk(unsigned shift, std::span<const std::byte> base, std::span<const std::uint32_t> places,
            std::span<const std::byte> listed, Take&& take) {
    const std::size_t n = base.size() / sizeof(Word);
    values.assign(n * sizeof(Word), std::byte{0});
    put_elements(sizeof(Word), places, listed, values);
    count_keys<Word>(base, shift, cursors);
    counts_to_starts(std::span(cursors).first(key_of(static_cast<Word>(~Word{0}), shift) + 1));
    for (std::size_t i = 0; i < n; ++i) {
      const Word from = word_at<Word>(base, i);
      take(i, from, word_at<Word>(values, cursors[key_of(from, shift)]++));
    }
  }
};

DeltaApplier::DeltaApplier() : memory_(std::make_unique<Memory>()) {}
DeltaApplier::~DeltaApplier() = default;

namespace {

// Calls `work` with a zero of the word of this width.
template <class Work>
void with_word(unsigned width, Work&& work) {
  switch (width) {
    case 1: return work(std::uint8_t{});
    case 2: return work(std::uint16_t{});
    case 4: return work(std::uint32_t{});
    default: return work(std::uint64_t{});
  }
}

}  // namespace

void DeltaApplier::apply(unsigned width, unsigned shift, std::span<const std::byte> base,
                         std::span<const std::uint32_t> places, std::span<const std::byte> values,
                         std::span<std::byte> out) {
  with_word(width, [&](auto word) {
    using Word = decltype(word);
    memory_->walk<Word>(shift, base, places, values, [&](std::size_t i, Word from, Word value) {
      endian::store_le(out.data() + i * sizeof(Word), moved_by(from, value));
    });
  });
}

void DeltaApplier::changes(unsigned width, unsigned shift, std::span<const std::byte> base,
                           std::span<const std::uint32_t> places, std::span<const std::byte> values,
                           std::vector<std::uint32_t>& indices, std::vector<std::byte>& elements) {
  with_word(width, [&](auto word) {
    using Word = decltype(word);
    memory_->walk<Word>(shift, base, places, values, [&](std::size_t i, Word from, Word value) {
      if (value == 0) return;
      indices.push_back(static_cast<std::uint32_t>(i));
      elements.resize(elements.size() + sizeof(Word));
      endian::store_le(elements.data() + elements.size() - sizeof(Word), moved_by(from, value));
    });
  });
}

void put_elements(unsigned width, std::span<const std::uint32_t> places, std::span<const std::byte> values,
                  std::span<std::byte> out) noexcept {
  with_word(width, [&](auto word) {
    using Word = decltype(word);
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::memcpy(out.data() + places[i] * sizeof(Word), values.data() + i * sizeof(Word), sizeof(Word));
    }
  });
}

}  // namespace zt::codec
