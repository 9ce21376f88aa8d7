#include "codec/delta.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "codec/delta_frames.h"
#include "codec/delta_lists.h"
#include "codec/entropy.h"
#include "codec/planes.h"
#include "codec/split.h"
#include "codec/zstd.h"
#include "hash/xxh3.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

using Input = std::span<const std::byte>;

ElementForm without_rotation(ElementForm form) {
  switch (width_of(form)) {
    case 1: return ElementForm::bytes1;
    case 2: return ElementForm::bytes2;
    case 4: return ElementForm::bytes4;
    default: return ElementForm::bytes8;
  }
}

// The stretch of the base that belongs to a piece of `size` bytes. `memory` holds it where the base ends early.
Input base_piece(Input base, std::size_t size, std::vector<std::byte>& memory) {
  if (base.size() >= size) return base.first(size);
  memory.assign(size, std::byte{0});
  std::ranges::copy(base, memory.begin());
  return memory;
}

[[noreturn]] void refuse_lengths(const char* why) {
  throw Error(Code::malformed, "delta.lengths", std::string("the lists of a piece of a delta ") + why);
}

bool are_equal(Input a, Input b) noexcept { return a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace

// --- DeltaEncoder ---

struct DeltaEncoder::State {
  State(DeltaElements delta_elements, DeltaMode delta_kind)
      : elements(delta_elements), kind(delta_kind), planes(elements.form, 1) {}
  std::size_t guess_planes(Input next);
  std::uint32_t add_list(DeltaHead& head, std::vector<std::byte>& stored);
  std::uint32_t add_changes(Input base, Input next, DeltaHead& head, std::vector<std::byte>& stored);

  DeltaElements elements;
  DeltaMode kind;
  DeltaLister lister;
  DeltaFrames frames;
  PlanesEncoder planes;
  DeltaList list;
  std::vector<std::byte> zeros, content, frame, sample;
};

DeltaEncoder::DeltaEncoder(DeltaElements elements, DeltaMode kind) : state_(std::make_unique<State>(elements, kind)) {
  if (kind != DeltaMode::delta && kind != DeltaMode::patch) {
    throw Error(Code::internal, "", "changes are listed as a delta or as a patch");
  }
}
DeltaEncoder::~DeltaEncoder() = default;

// About how many bytes the planes of `next` take, by a sample.
std::size_t DeltaEncoder::State::guess_planes(Input next) {
  constexpr std::size_t kRuns = 16, kElements = 256;  // in a run
  const std::size_t width = width_of(elements.form), run = kElements * width;
  sample.clear();
  if (next.size() <= kRuns * run) {
    sample.assign(next.begin(), next.end());
  } else {
    for (std::size_t i = 0; i < kRuns; ++i) {
      const auto part = next.subspan((next.size() / width - kElements) / (kRuns - 1) * i * width, run);
      sample.insert(sample.end(), part.begin(), part.end());
    }
  }
  std::vector<std::byte> apart(sample.size());
  split(elements.form, sample, apart);
  const std::size_t n = sample.size() / width;
  std::uint64_t bits = 0;  // of an element, in units of 1 / kEntropyBit
  for (std::size_t k = 0; k < width; ++k) {
    const Input plane = Input(apart).subspan(k * n, n);
    bits += entropy_of(count_bytes(plane), plane);
  }
  return static_cast<std::size_t>(next.size() / width * bits / 8 / kEntropyBit);
}

// Content: gaps, then the values as planes. spec/delta.md §3
std::uint32_t DeltaEncoder::State::add_list(DeltaHead& head, std::vector<std::byte>& stored) {
  const unsigned width = width_of(elements.form);
  head.gaps = static_cast<std::uint32_t>(list.gaps.size());
  content.assign(list.gaps.begin(), list.gaps.end());
  content.resize(list.gaps.size() + list.values.size());
  split(head.mode == DeltaMode::patch ? elements.form : without_rotation(elements.form), list.values,
        std::span(content).subspan(list.gaps.size()));
  std::array<DeltaSection, 9> sections = {};
  sections[0] = {list.gaps.size(), list.gap_cuts};
  for (std::size_t k = 0; k < width; ++k) sections[1 + k] = {list.values.size() / width, list.value_cuts};
  frames.add(content, std::span(sections).first(1 + width), stored);
  return static_cast<std::uint32_t>(content.size());
}

std::uint32_t DeltaEncoder::State::add_changes(Input base, Input next, DeltaHead& head,
                                               std::vector<std::byte>& stored) {
  head.mode = kind;
  if (kind == DeltaMode::patch) {
    lister.list_patch(width_of(elements.form), base, next, list);
  } else {
    lister.list_delta(width_of(elements.form), elements.shift, base, next, list);
    head.shift = elements.shift;
  }
  return add_list(head, stored);
}

std::uint32_t DeltaEncoder::encode(Input base, Input next, std::vector<std::byte>& stored) {
  State& state = *state_;
  if (next.size() > kDeltaPieceBytes || next.size() % width_of(state.elements.form) != 0) {
    throw Error(Code::internal, "", "these bytes are no piece of a delta");
  }
  base = base_piece(base, next.size(), state.zeros);
  stored.assign(kDeltaHeadBytes, std::byte{0});
  DeltaHead head{.result = hash::xxh3(next)};
  std::uint32_t content = 0;
  if (are_equal(base, next)) {
    head.base = head.result;
  } else {
    head.base = hash::xxh3(base);
    content = state.add_changes(base, next, head, stored);
    const std::size_t lists = stored.size() - kDeltaHeadBytes;
    // Planes save time too, so they may be as long.
    if (lists > next.size() / 8 && state.guess_planes(next) < lists + lists / 64) {
      state.planes.encode(next, state.frame);
      if (state.frame.size() <= lists) {
        head = {.mode = DeltaMode::full, .result = head.result};
        stored.resize(kDeltaHeadBytes);
        stored.insert(stored.end(), state.frame.begin(), state.frame.end());
        content = static_cast<std::uint32_t>(next.size());
      }
    }
  }
  write_delta_head(head, std::span(stored).first<kDeltaHeadBytes>());
  return content;
}

std::uint32_t DeltaEncoder::encode_patch(std::uint64_t base, std::uint64_t result,
                                         std::span<const std::uint32_t> indices, Input elements,
                                         std::vector<std::byte>& stored) {
  stored.assign(kDeltaHeadBytes, std::byte{0});
  DeltaHead head{.mode = DeltaMode::patch, .base = base, .result = result};
  list_elements(indices, elements, state_->list);
  const std::uint32_t content = state_->add_list(head, stored);
  write_delta_head(head, std::span(stored).first<kDeltaHeadBytes>());
  return content;
}

// --- DeltaDecoder ---

struct DeltaDecoder::State {
  explicit State(ElementForm element_form) : form(element_form), planes(element_form) {}
  std::span<std::byte> read_content(const DeltaHead& head, Input stored, std::uint32_t size, std::size_t n);
  Input values_of(const DeltaHead& head, std::span<std::byte> lists, std::size_t n);
  void check_full(Input stored, std::uint32_t size, std::span<std::byte> out);

  ElementForm form;
  FrameDecoder frames;
  PlanesDecoder planes;
  DeltaApplier applier;
  std::vector<std::byte> zeros, content, values;
  std::vector<std::uint32_t> places;
};

DeltaDecoder::DeltaDecoder(ElementForm form) : state_(std::make_unique<State>(form)) {}
DeltaDecoder::~DeltaDecoder() = default;

namespace {

void check_base(const DeltaHead& head, Input base) {
  if (hash::xxh3(base) == head.base) return;
  throw Error(Code::mismatch, "delta.base.check", "the base is not the one that the delta was made over");
}

void check_result(const DeltaHead& head, Input result) {
  if (hash::xxh3(result) == head.result) return;
  throw Error(Code::mismatch, "delta.result.check", "a piece of a delta does not give what its header says");
}

}  // namespace

// The content of a delta or patch. `size`: of the content, a claim. `n`: elements of the piece.
std::span<std::byte> DeltaDecoder::State::read_content(const DeltaHead& head, Input stored, std::uint32_t size,
                                                       std::size_t n) {
  const std::size_t width = width_of(form);
  if (head.gaps > size || (size - head.gaps) % width != 0) refuse_lengths("are no gaps and whole elements");
  const std::size_t m = (size - head.gaps) / width;
  if (m > n || head.gaps > m + n / 255) refuse_lengths("are longer than the piece allows");
  content.resize(std::max<std::size_t>(content.size(), size));  // at most about twice the piece
  const auto lists = std::span(content).first(size);
  const Input rest = stored.subspan(kDeltaHeadBytes);
  if (size != 0 || !rest.empty()) frames.decode(rest, lists);
  read_gaps(Input(lists).first(head.gaps), m, n, places);
  return lists;
}

// The listed values, one after another.
Input DeltaDecoder::State::values_of(const DeltaHead& head, std::span<std::byte> lists, std::size_t n) {
  const auto apart = lists.subspan(head.gaps);
  values.resize(std::max(values.size(), n * width_of(form)));
  const auto joined = std::span(values).first(apart.size());
  join(head.mode == DeltaMode::patch ? form : without_rotation(form), apart, joined);
  return joined;
}

void DeltaDecoder::State::check_full(Input stored, std::uint32_t size, std::span<std::byte> out) {
  if (size != out.size()) refuse_lengths("must be all planes of the piece");
  planes.decode(stored.subspan(kDeltaHeadBytes), out);
}

void DeltaDecoder::decode(Input stored, std::uint32_t content, Input base, std::span<std::byte> out) {
  State& state = *state_;
  const DeltaHead head = read_delta_head(stored, state.form);
  const unsigned width = width_of(state.form);
  if (out.size() > kDeltaPieceBytes || out.size() % width != 0) refuse_lengths("belong to no whole elements");
  if (head.mode == DeltaMode::full) {
    state.check_full(stored, content, out);
    return check_result(head, out);
  }
  const Input from = base_piece(base, out.size(), state.zeros);
  check_base(head, from);
  if (head.mode == DeltaMode::same) {
    if (content != 0 || stored.size() != kDeltaHeadBytes) refuse_lengths("must not be there where nothing changed");
    if (!out.empty()) std::memmove(out.data(), from.data(), out.size());
    return check_result(head, out);
  }
  const std::size_t n = out.size() / width;
  const auto lists = state.read_content(head, stored, content, n);
  const Input values = state.values_of(head, lists, n);
  if (head.mode == DeltaMode::delta) {
    state.applier.apply(width, head.shift, from, state.places, values, out);
  } else {
    if (!out.empty()) std::memmove(out.data(), from.data(), out.size());
    put_elements(width, state.places, values, out);
  }
  check_result(head, out);
}

DeltaChanges DeltaDecoder::changes(Input stored, std::uint32_t content, Input base, std::size_t size) {
  State& state = *state_;
  const DeltaHead head = read_delta_head(stored, state.form);
  const unsigned width = width_of(state.form);
  if (size > kDeltaPieceBytes || size % width != 0) refuse_lengths("belong to no whole elements");
  const std::size_t n = size / width;
  DeltaChanges out;
  if (head.mode == DeltaMode::same) {
    if (content != 0 || stored.size() != kDeltaHeadBytes) refuse_lengths("must not be there where nothing changed");
    return out;
  }
  if (head.mode == DeltaMode::patch) {
    const auto lists = state.read_content(head, stored, content, n);
    const Input values = state.values_of(head, lists, n);
    out.indices = state.places;
    out.elements.assign(values.begin(), values.end());
    return out;
  }
  if (head.mode == DeltaMode::full || (content - std::min(content, head.gaps)) / width > n / 4) {
    out.is_whole = true;
    out.elements.resize(size);
    decode(stored, content, base, out.elements);
    return out;
  }
  const Input from = base_piece(base, size, state.zeros);
  check_base(head, from);
  const auto lists = state.read_content(head, stored, content, n);
  const Input values = state.values_of(head, lists, n);
  state.applier.changes(width, head.shift, from, state.places, values, out.indices, out.elements);
  return out;
}

// --- whole parts ---

std::vector<std::byte> encode_delta(DeltaElements elements, DeltaMode kind, Input base, Input next) {
  std::vector<std::byte> part;
  if (next.empty() || (base.size() == next.size() && are_equal(base, next))) return part;
  DeltaEncoder encoder(elements, kind);
  std::vector<FrameSize> rows;
  std::vector<std::byte> stored;
  for (std::size_t at = 0; at < next.size(); at += kDeltaPieceBytes) {
    const auto piece = next.subspan(at, std::min(kDeltaPieceBytes, next.size() - at));
    const std::uint32_t content = encoder.encode(base.subspan(std::min(at, base.size())), piece, stored);
    rows.push_back({static_cast<std::uint32_t>(stored.size()), content});
    part.insert(part.end(), stored.begin(), stored.end());
  }
  const std::vector<std::byte> table = encode_seek_table(rows);
  part.insert(part.end(), table.begin(), table.end());
  return part;
}

void decode_delta(ElementForm form, Input stored, Input base, std::span<std::byte> out) {
  if (stored.empty()) {
    if (base.size() != out.size()) {
      throw Error(Code::malformed, "delta.table", "a delta without stored bytes must have the length of its base");
    }
    if (!out.empty()) std::memmove(out.data(), base.data(), out.size());
    return;
  }
  const auto footer = stored.last(std::min(stored.size(), kTableFooterBytes));
  const std::uint64_t table = delta_table_bytes(footer, stored.size(), out.size());
  DeltaDecoder decoder(form);
  std::size_t at = 0;
  for (const DeltaPiece& piece :
       read_delta_table(stored.last(static_cast<std::size_t>(table)), stored.size(), out.size())) {
    const std::size_t size = std::min(kDeltaPieceBytes, out.size() - at);
    decoder.decode(stored.subspan(static_cast<std::size_t>(piece.at), piece.stored), piece.content,
                   base.subspan(std::min(at, base.size())), out.subspan(at, size));
    at += size;
  }
}

}  // namespace zt::codec
