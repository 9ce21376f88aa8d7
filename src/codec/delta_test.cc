#include "codec/delta.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/endian.h"
#include "codec/delta_fold.h"
#include "codec/delta_lists.h"
#include "codec/planes.h"
#include "codec/split.h"
#include "codec/zstd.h"
#include "errors.h"
#include "hash/xxh3.h"
#include "random.h"

namespace zt::codec {
namespace {

using Data = std::vector<std::byte>;
using test::error_of;
using test::Random;

constexpr DeltaElements kAll[] = {kDeltaBf16,
                                  kDeltaF16,
                                  kDeltaF32,
                                  kDeltaF64,
                                  kDeltaF8E4M3,
                                  kDeltaF8E5M2,
                                  delta_bits(ElementForm::bytes1),
                                  delta_bits(ElementForm::bytes2),
                                  delta_bits(ElementForm::bytes4),
                                  delta_bits(ElementForm::bytes8)};

Data hex(const char* text) {
  Data data;
  for (const char* at = text; *at != '\0';) {
    if (*at == ' ' || *at == '\n') {
      ++at;
      continue;
    }
    data.push_back(static_cast<std::byte>(std::stoi(std::string(at, 2), nullptr, 16)));
    at += 2;
  }
  return data;
}

Data join(std::initializer_list<Data> parts) {
  Data all;
  for (const Data& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// A frame of one raw block.
Data frame_of(const Data& content) {
  Data frame = {std::byte{0x28}, std::byte{0xB5}, std::byte{0x2F}, std::byte{0xFD}, std::byte{0xA0}};
  frame.resize(12);
  endian::store_le(frame.data() + 5, static_cast<std::uint32_t>(content.size()));
  const auto header = static_cast<std::uint32_t>(content.size() << 3 | 1);
  for (std::size_t i = 0; i < 3; ++i) frame[9 + i] = static_cast<std::byte>(header >> (8 * i) & 0xFF);
  frame.insert(frame.end(), content.begin(), content.end());
  return frame;
}

// bfloat16, in little-endian order. spec/delta.md §7
const Data kBase = hex("803F 00BF 003C 0040 803F 403F F63B 80BF");
const Data kNext = hex("803F 01BF FE3B 0040 803F 403F F83B 803F");

const Data kDeltaStored =
    hex("50 2a 4d 18 18 00 00 00 02 07 00 00 04 00 00 00 98 d4 10 22 81 04 af 01 50 2e 5b eb f7 c3 b5 84"
        "28 b5 2f fd 20 0c 20 00 00 00 00 00 03 20 00 00 04 05 02 01 21 00 00 00 00 00 00");
const Data kDeltaTableOfOne = hex("5e 2a 4d 18 11 00 00 00 3b 00 00 00 0c 00 00 00 01 00 00 00 00 b1 ea 92 8f");

Data decoded(ElementForm form, const Data& stored, std::uint32_t content, const Data& base, std::size_t size) {
  Data out(size);
  DeltaDecoder(form).decode(stored, content, base, out);
  return out;
}

// --- the examples ---

TEST(Delta, IsThatOfTheSpecification) {
  Data stored;
  EXPECT_EQ(DeltaEncoder(kDeltaBf16).encode(kBase, kNext, stored), 12U);
  EXPECT_EQ(stored, kDeltaStored);
  const Data part = join({kDeltaStored, kDeltaTableOfOne});
  EXPECT_EQ(encode_delta(kDeltaBf16, DeltaMode::delta, kBase, kNext), part);
  Data out(16);
  decode_delta(ElementForm::float2, part, kBase, out);
  EXPECT_EQ(out, kNext);
}

TEST(Delta, OfAPatchIsThatOfTheSpecification) {
  Data stored;
  EXPECT_EQ(DeltaEncoder(kDeltaBf16, DeltaMode::patch).encode(kBase, kNext, stored), 12U);
  const Data head =
      hex("50 2a 4d 18 18 00 00 00 03 00 00 00 04 00 00 00 98 d4 10 22 81 04 af 01 50 2e 5b eb f7 c3 b5 84");
  const Data content = hex("01 00 03 00 03 fc f0 00 7e 77 77 7f");
  EXPECT_EQ(Data(stored.begin(), stored.begin() + 32), head);
  Data found(12);
  FrameDecoder().decode(std::span(stored).subspan(32), found);
  EXPECT_EQ(found, content);
  EXPECT_EQ(decoded(ElementForm::float2, join({head, frame_of(content)}), 12, kBase, 16), kNext);
}

TEST(Delta, OfNoChangeIsThatOfTheSpecification) {
  Data stored;
  EXPECT_EQ(DeltaEncoder(kDeltaBf16).encode(kBase, kBase, stored), 0U);
  EXPECT_EQ(stored,
            hex("50 2a 4d 18 18 00 00 00 00 00 00 00 00 00 00 00 98 d4 10 22 81 04 af 01 98 d4 10 22 81 04 af 01"));
  EXPECT_EQ(decoded(ElementForm::float2, stored, 0, kBase, 16), kBase);
  EXPECT_TRUE(encode_delta(kDeltaBf16, DeltaMode::delta, kBase, kBase).empty());
}

TEST(Delta, OfAFullPieceIsThatOfTheSpecification) {
  const Data next = hex("3412 BC9A 7856 F0DE 2301 6587 2143 A9CB");
  const Data content = hex("68 79 f0 e1 46 cb 42 53 24 35 ac bd 02 0e 86 97");
  Data head(kDeltaHeadBytes);
  write_delta_head({.mode = DeltaMode::full, .result = hash::xxh3(next)}, std::span(head).first<kDeltaHeadBytes>());
  EXPECT_EQ(decoded(ElementForm::float2, join({head, frame_of(content)}), 16, kBase, 16), next);
}

// --- any two tensors ---

// A reader of the lists that follows the page word by word: it sorts, and takes one element after another.
Data plainly_decoded(DeltaElements elements, const Data& stored, std::uint32_t content, const Data& base,
                     std::size_t size) {
  const std::size_t width = width_of(elements.form), n = size / width;
  Data out = base, lists(content);
  out.resize(size);
  const DeltaHead head = read_delta_head(stored, elements.form);
  if (head.mode == DeltaMode::same) return out;
  FrameDecoder().decode(std::span(stored).subspan(kDeltaHeadBytes), lists);
  const auto number = [&](std::size_t i) {
    std::uint64_t x = 0;
    for (std::size_t k = width; k-- > 0;) x = x << 8 | std::to_integer<std::uint64_t>(out[i * width + k]);
    return x;
  };
  const auto put = [&](std::size_t i, std::uint64_t x) {
    for (std::size_t k = 0; k < width; ++k) out[i * width + k] = static_cast<std::byte>(x >> (8 * k) & 255);
  };
  const unsigned bits = 8 * static_cast<unsigned>(width);
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - bits);
  const auto unrotated = [&](std::uint64_t x) {
    return is_float(elements.form) ? (x >> 1 | x << (bits - 1)) & all : x;
  };
  const auto value = [&](std::size_t at, std::size_t k, std::size_t m) {
    std::uint64_t x = 0;
    for (std::size_t p = width; p-- > 0;) x = x << 8 | std::to_integer<std::uint64_t>(lists[at + p * m + k]);
    return x;
  };
  if (head.mode == DeltaMode::full) {
    for (std::size_t i = 0; i < n; ++i) put(i, unrotated(value(0, i, n)));
    return out;
  }
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  if (head.mode == DeltaMode::delta) {
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return (number(i) & all >> 1) >> head.shift; });
  }
  const std::size_t m = (content - head.gaps) / width;
  std::size_t at = 0, k = 0;
  for (std::size_t g = 0; g < head.gaps; ++g) {
    at += std::to_integer<std::size_t>(lists[g]);
    if (lists[g] == std::byte{255}) continue;
    const std::size_t i = order[at++];
    const std::uint64_t v = value(head.gaps, k++, m);
    if (head.mode == DeltaMode::patch) {
      put(i, unrotated(v));
    } else if (v == 1) {
      put(i, number(i) ^ (all ^ all >> 1));
    } else {
      put(i, ((v & 1) != 0 ? number(i) - (v >> 1) : number(i) + (v >> 1)) & all);
    }
  }
  EXPECT_EQ(k, m);
  return out;
}

// Elements that look like weights, or any bits.
Data some_elements(Random& random, DeltaElements elements, std::size_t n) {
  Data data = random.bytes(n * width_of(elements.form));
  const std::uint64_t kind = random.below(3);
  const std::size_t width = width_of(elements.form);
  for (std::size_t i = 0; kind != 0 && i < n; ++i) {  // few exponents
    std::byte& top = data[i * width + width - 1];
    top = static_cast<std::byte>(kind == 1 ? 0x3C + random.below(4) : random.below(2) * 0x80 + 0x38);
  }
  return data;
}

// Some elements become others: near ones, any ones, or ones of the other sign.
Data changed(Random& random, DeltaElements elements, Data data, unsigned percent) {
  const std::size_t width = width_of(elements.form);
  for (std::size_t i = 0; i < data.size(); i += width) {
    if (!random.chance(percent)) continue;
    const std::uint64_t how = random.below(8);
    if (how == 0) {
      for (std::size_t k = 0; k < width; ++k) data[i + k] = static_cast<std::byte>(random.below(256));
    } else if (how == 1) {
      data[i + width - 1] ^= std::byte{0x80};
    } else {
      data[i] = static_cast<std::byte>(std::to_integer<std::uint64_t>(data[i]) + random.between(253, 259));
    }
  }
  return data;
}

std::string describe(DeltaElements elements, std::size_t n, unsigned percent, DeltaMode kind) {
  return Random::name() + " form " + std::to_string(static_cast<int>(elements.form)) + " shift " +
         std::to_string(elements.shift) + " n " + std::to_string(n) + " percent " + std::to_string(percent) + " kind " +
         std::to_string(static_cast<int>(kind));
}

// What changes() gives, put into the base, is what decode() gives.
void expect_changes(ElementForm form, const Data& stored, std::uint32_t content, const Data& base, const Data& next) {
  const DeltaHead head = read_delta_head(stored, form);
  const Data none;
  const bool needs_base = head.mode == DeltaMode::delta;
  const DeltaChanges changes = DeltaDecoder(form).changes(stored, content, needs_base ? base : none, next.size());
  Data out = base;
  out.resize(next.size());
  if (changes.is_whole) {
    out = changes.elements;
  } else {
    ASSERT_TRUE(std::ranges::is_sorted(changes.indices));
    const std::size_t width = width_of(form);
    ASSERT_EQ(changes.elements.size(), changes.indices.size() * width);
    for (std::size_t k = 0; k < changes.indices.size(); ++k) {
      const std::size_t i = changes.indices[k];
      if (needs_base) {
        ASSERT_NE(std::memcmp(&out[i * width], &changes.elements[k * width], width), 0);
      }
      std::memcpy(&out[i * width], &changes.elements[k * width], width);
    }
  }
  ASSERT_TRUE(out == next);
}

void expect_piece(DeltaElements elements, DeltaMode kind, const Data& base, const Data& next) {
  DeltaEncoder encoder(elements, kind);
  Data stored, again;
  const std::uint32_t content = encoder.encode(base, next, stored);
  ASSERT_EQ(encoder.encode(base, next, again), content);
  ASSERT_EQ(stored, again) << "the bytes depend only on the input";
  ASSERT_TRUE(decoded(elements.form, stored, content, base, next.size()) == next);
  ASSERT_TRUE(plainly_decoded(elements, stored, content, base, next.size()) == next);
  if (base.size() >= next.size()) {  // in place
    Data here = base;
    DeltaDecoder(elements.form).decode(stored, content, here, std::span(here).first(next.size()));
    here.resize(next.size());
    ASSERT_TRUE(here == next);
  }
  expect_changes(elements.form, stored, content, base, next);
}

TEST(Delta, OfAnyTwoPiecesGivesTheSecond) {
  Random random(1501);
  for (const DeltaElements elements : kAll) {
    for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 2, 3, 31, 64, 255, 256, 257, 1000, 9001}) {
      for (const unsigned percent : {0U, 1U, 10U, 60U, 100U}) {
        for (const DeltaMode kind : {DeltaMode::delta, DeltaMode::patch}) {
          SCOPED_TRACE(describe(elements, n, percent, kind));
          const Data base = some_elements(random, elements, n);
          expect_piece(elements, kind, base, changed(random, elements, base, percent));
        }
      }
    }
  }
}

TEST(Delta, OfAWholePieceGivesTheSecond) {
  Random random(1502);
  for (const DeltaElements elements : kAll) {
    for (int round = 0; round < test::rounds(4); ++round) {
      const std::size_t n = kDeltaPieceBytes / width_of(elements.form) - (round % 2 == 0 ? 0 : random.below(40));
      const unsigned percent = random.pick({0U, 1U, 3U, 45U, 55U, 100U});
      const DeltaMode kind = random.pick({DeltaMode::delta, DeltaMode::patch});
      SCOPED_TRACE(describe(elements, n, percent, kind));
      const Data base = some_elements(random, elements, n);
      expect_piece(elements, kind, base, changed(random, elements, base, percent));
    }
  }
}

TEST(Delta, GoesOnWithZerosWhereTheBaseEnds) {
  Random random(1503);
  for (const DeltaElements elements : kAll) {
    const std::size_t width = width_of(elements.form);
    for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 7, 100, 300}) {
      Data base = some_elements(random, elements, 100);
      Data next = changed(random, elements, base, 20);
      next.resize(n * width, std::byte{3});
      SCOPED_TRACE(describe(elements, n, 20, DeltaMode::delta));
      expect_piece(elements, DeltaMode::delta, base, next);
      expect_piece(elements, DeltaMode::patch, base, next);
    }
  }
}

// Parts of several pieces, over bases of any length, and each piece alone.
TEST(Delta, OfAWholePartDecodesPieceByPiece) {
  Random random(1504);
  for (int round = 0; round < test::rounds(6); ++round) {
    const DeltaElements elements = random.pick(kAll);
    const std::size_t width = width_of(elements.form);
    Data base =
        some_elements(random, elements, kDeltaPieceBytes / width * random.between(1, 3) + random.below(3) * 100);
    Data next = changed(random, elements, base, 3);
    next.resize(next.size() + random.below(3) * (kDeltaPieceBytes / 2 / width * width + width));
    const auto kind = random.pick({DeltaMode::delta, DeltaMode::patch});
    SCOPED_TRACE(describe(elements, next.size() / width, 3, kind));
    const Data part = encode_delta(elements, kind, base, next);
    Data out(next.size());
    if (!part.empty()) {
      decode_delta(elements.form, part, base, out);
      ASSERT_TRUE(out == next);
      Data contents;  // a part is a file of zstd frames
      StreamDecoder all;
      Data room(4 * next.size() + 4096);
      const auto step = all.decode(part, room);
      EXPECT_EQ(step.used, part.size());
      EXPECT_TRUE(all.at_end() || step.made == 0);
    }
  }
}

TEST(Delta, IsNoLongerThanPlanes) {
  Random random(1505);
  const std::size_t n = kDeltaPieceBytes / 2;
  Data next(kDeltaPieceBytes);  // few values, far from the base
  for (std::size_t i = 0; i < n; ++i) {
    endian::store_le(next.data() + 2 * i, static_cast<std::uint16_t>(0x3F00 + random.below(4)));
  }
  const Data base = random.bytes(kDeltaPieceBytes);
  Data stored;
  DeltaEncoder(kDeltaBf16).encode(base, next, stored);
  EXPECT_EQ(read_delta_head(stored, ElementForm::float2).mode, DeltaMode::full);
  EXPECT_EQ(stored.size(), PlanesEncoder(ElementForm::float2, 1).encode(next).size() + kDeltaHeadBytes);
}

TEST(Delta, OfNearWeightsIsSmall) {
  Random random(1506);
  Data base(kDeltaPieceBytes), next;
  for (std::size_t i = 0; i < base.size(); i += 2) {
    const float weight = static_cast<float>(static_cast<double>(random.below(1 << 20)) * 1e-7 + 1e-4);
    endian::store_le(base.data() + i, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(weight) >> 16));
  }
  next = base;
  for (std::size_t i = 0; i < base.size(); i += 2) {
    if (random.chance(2)) next[i] ^= std::byte{1};
  }
  Data delta, patch;
  DeltaEncoder(kDeltaBf16).encode(base, next, delta);
  DeltaEncoder(kDeltaBf16, DeltaMode::patch).encode(base, next, patch);
  EXPECT_LT(delta.size(), base.size() / 75);
  EXPECT_LT(delta.size(), patch.size() * 3 / 4);
}

// --- chains ---

TEST(DeltaFold, OfAnyChainGivesItsLast) {
  Random random(1507);
  for (int round = 0; round < test::rounds(200); ++round) {
    const DeltaElements elements = random.pick(kAll);
    const std::size_t width = width_of(elements.form);
    const bool is_long = round % 20 == 0;
    const std::size_t n = is_long ? kDeltaPieceBytes / width + random.below(900) : random.below(400) + 1;
    const Data base = some_elements(random, elements, n);
    Data next = base, stored;
    std::size_t stored_size = base.size();
    std::vector<Data> chain = {base};
    for (std::uint64_t left = random.between(2, 5); left > 0; --left) {
      Data step = random.chance(10) ? some_elements(random, elements, n)
                                    : changed(random, elements, next, random.pick({0U, 1U, 30U, 100U}));
      if (random.chance(20)) step.resize(step.size() + width * random.below(500));
      if (random.chance(10)) step.resize(width * (random.below(step.size() / width) + 1));
      const auto kind = random.pick({DeltaMode::delta, DeltaMode::patch});
      SCOPED_TRACE(describe(elements, n, 0, kind) + " round " + std::to_string(round));
      const Data upper = encode_delta(elements, kind, next, step);
      stored = chain.size() == 1 ? upper
                                 : fold_delta(elements, random.pick({DeltaMode::delta, DeltaMode::patch}),
                                              {stored, stored_size}, {upper, step.size()}, base);
      stored_size = step.size();
      next = step;
      chain.push_back(step);
      Data out(next.size());
      decode_delta(elements.form, stored, base, out);
      ASSERT_TRUE(out == next);
    }
  }
}

TEST(DeltaFold, OfPatchesNeedsNoBase) {
  Random random(1508);
  const Data base = some_elements(random, kDeltaBf16, 5000), next = changed(random, kDeltaBf16, base, 5),
             last = changed(random, kDeltaBf16, next, 5);
  const Data lower = encode_delta(kDeltaBf16, DeltaMode::patch, base, next);
  const Data upper = encode_delta(kDeltaBf16, DeltaMode::patch, next, last);
  const Data folded = fold_delta(kDeltaBf16, DeltaMode::patch, {lower, next.size()}, {upper, last.size()}, {});
  Data out(last.size());
  decode_delta(ElementForm::float2, folded, base, out);
  EXPECT_TRUE(out == last);
  const Data other = encode_delta(kDeltaBf16, DeltaMode::patch, last, next);
  EXPECT_STREQ(error_of([&] {
                 fold_delta(kDeltaBf16, DeltaMode::patch, {lower, next.size()}, {other, last.size()}, {});
               }).rule(),
               "delta.base.check");
}

// --- what is refused ---

std::string rule_of(const Data& stored, std::uint32_t content, const Data& base = kBase, std::size_t size = 16) {
  Data out(size);
  const Error error = error_of([&] { DeltaDecoder(ElementForm::float2).decode(stored, content, base, out); });
  EXPECT_TRUE(error.code() == Code::malformed || error.code() == Code::mismatch) << error.what();
  return error.rule();
}

Data with(Data stored, std::size_t at, unsigned byte) {
  stored[at] = static_cast<std::byte>(byte);
  return stored;
}

TEST(DeltaRefuses, HeadersThatAreNone) {
  EXPECT_EQ(rule_of(Data(kDeltaStored.begin(), kDeltaStored.begin() + 31), 12), "delta.header");
  EXPECT_EQ(rule_of(with(kDeltaStored, 0, 0x51), 12), "delta.header");
  EXPECT_EQ(rule_of(with(kDeltaStored, 4, 0x19), 12), "delta.header");
  EXPECT_EQ(rule_of(with(kDeltaStored, 8, 4), 12), "delta.header");
  EXPECT_EQ(rule_of(with(kDeltaStored, 9, 16), 12), "delta.header");
  EXPECT_EQ(rule_of(with(kDeltaStored, 9, 3), 12), "delta.header");
  EXPECT_EQ(rule_of(with(kDeltaStored, 10, 1), 12), "delta.header");
  EXPECT_EQ(rule_of(with(kDeltaStored, 8, 3), 12), "delta.header");  // a patch has no shift
  EXPECT_EQ(rule_of(with(with(kDeltaStored, 8, 0), 9, 0), 12), "delta.header");
  EXPECT_EQ(rule_of(with(with(with(kDeltaStored, 8, 1), 9, 0), 12, 0), 16), "delta.header");  // full has no base
}

TEST(DeltaRefuses, ListsOfOtherLengths) {
  const auto piece = [](DeltaMode mode, std::uint32_t gaps, const Data& content) {
    Data head(kDeltaHeadBytes);
    write_delta_head({.mode = mode, .gaps = gaps, .base = hash::xxh3(kBase), .result = 1},
                     std::span(head).first<kDeltaHeadBytes>());
    return join({head, frame_of(content)});
  };
  const auto patch = [&](std::uint32_t gaps, const Data& content) { return piece(DeltaMode::patch, gaps, content); };
  const Data four = hex("00 00 00 00 01 01 01 01 02 02 02 02");
  EXPECT_EQ(rule_of(patch(4, four), 12), "delta.result.check");
  EXPECT_EQ(rule_of(patch(13, four), 12), "delta.lengths");
  EXPECT_EQ(rule_of(patch(3, four), 12), "delta.lengths");
  EXPECT_EQ(rule_of(patch(2, four), 12), "delta.lengths");
  EXPECT_EQ(rule_of(patch(6, four), 12), "delta.lengths");
  EXPECT_EQ(rule_of(patch(9, Data(27)), 27), "delta.lengths");  // nine of eight elements
  EXPECT_EQ(rule_of(patch(4, hex("00 00 00 ff 01 01 01 01 02 02 02 02")), 12), "delta.lengths");
  EXPECT_EQ(rule_of(patch(1, Data(1)), 1), "delta.lengths");
  EXPECT_EQ(rule_of(patch(4, Data(12)), 0xFFFFFFF0), "delta.lengths");
  EXPECT_EQ(rule_of(patch(4, hex("00 00 00 05 01 01 01 01 02 02 02 02")), 12), "delta.position");
  EXPECT_EQ(rule_of(patch(4, hex("00 00 00 04 01 01 01 01 02 02 02 02")), 12), "delta.result.check");
  EXPECT_EQ(rule_of(patch(4, Data(11)), 12), "zstd.frame.size");
  EXPECT_EQ(rule_of(patch(4, Data(13)), 12), "zstd.frame.size");
  EXPECT_EQ(rule_of(piece(DeltaMode::same, 0, {}), 0), "delta.lengths");  // it has a frame
  EXPECT_EQ(rule_of(Data(kDeltaStored.begin(), kDeltaStored.begin() + 32), 12), "zstd.truncated");
  Data full(kDeltaHeadBytes);
  write_delta_head({.mode = DeltaMode::full}, std::span(full).first<kDeltaHeadBytes>());
  EXPECT_EQ(rule_of(join({full, frame_of(Data(16))}), 15), "delta.lengths");
  EXPECT_EQ(rule_of(join({full, frame_of(Data(16))}), 16), "delta.result.check");
  EXPECT_EQ(rule_of(kDeltaStored, 12, kBase, 15), "delta.lengths");  // no whole elements
}

// A gap of 255 in a piece of few elements, and positions that only gaps of 255 reach.
TEST(DeltaRefuses, PositionsBehindTheLastElement) {
  std::vector<std::uint32_t> places;
  EXPECT_NO_THROW(read_gaps(hex("ff 00"), 1, 256, places));
  EXPECT_EQ(places, std::vector<std::uint32_t>{255});
  EXPECT_STREQ(error_of([&] { read_gaps(hex("ff 01"), 1, 256, places); }).rule(), "delta.position");
  EXPECT_STREQ(error_of([&] { read_gaps(hex("fe 00"), 2, 255, places); }).rule(), "delta.position");
}

TEST(DeltaRefuses, OtherBasesBeforeItWritesAnything) {
  Data out(16, std::byte{0x55});
  const Data other = with(kBase, 15, 0x3F);
  const Error error = error_of([&] { DeltaDecoder(ElementForm::float2).decode(kDeltaStored, 12, other, out); });
  EXPECT_STREQ(error.rule(), "delta.base.check");
  EXPECT_EQ(error.code(), Code::mismatch);
  EXPECT_EQ(out, Data(16, std::byte{0x55}));
}

TEST(DeltaRefuses, AResultThatIsNotTheOneOfItsHeader) {
  EXPECT_EQ(rule_of(with(kDeltaStored, 24, 0x51), 12), "delta.result.check");
}

TEST(DeltaRefuses, TablesThatDoNotFitThePart) {
  const Data good = join({kDeltaStored, kDeltaTableOfOne});
  const auto table_rule = [](const Data& part, std::size_t size = 16) -> std::string {
    Data out(size);
    return error_of([&] { decode_delta(ElementForm::float2, part, kBase, out); }).rule();
  };
  EXPECT_EQ(table_rule(good), "");
  EXPECT_EQ(table_rule(Data(8)), "delta.table");
  EXPECT_EQ(table_rule({}, 14), "delta.table");  // a part without bytes has the length of its base
  EXPECT_EQ(table_rule(kDeltaStored), "delta.table");
  EXPECT_EQ(table_rule(good, (std::size_t{1} << 20) + 2), "delta.table");
  const std::size_t size = good.size();
  EXPECT_EQ(table_rule(with(good, size - 1, 0)), "delta.table");
  EXPECT_EQ(table_rule(with(good, size - 5, 0x80)), "delta.table");  // with checksums
  EXPECT_EQ(table_rule(with(good, size - 9, 2)), "delta.table");
  EXPECT_EQ(table_rule(with(good, size - 17, 0x3A)), "delta.table");
  EXPECT_EQ(table_rule(with(good, size - 21, 0x12)), "delta.table");
  EXPECT_EQ(table_rule(with(good, size - 25, 0x5D)), "delta.table");
  EXPECT_EQ(table_rule(with(good, size - 13, 0x0B)), "delta.lengths");
  EXPECT_STREQ(
      error_of([] { delta_table_bytes(hex("ff ff ff ff 00 b1 ea 92 8f"), 1000, (std::uint64_t{1} << 52)); }).rule(),
      "delta.table");
}

// Whatever one changes in a part, it is refused, or gives the same elements.
TEST(DeltaRefuses, MutatedParts) {
  Random random(1509);
  for (int round = 0; round < test::rounds(6000); ++round) {
    const DeltaElements elements = random.pick(kAll);
    const std::size_t n = random.below(random.chance(20) ? 3000 : 60) + 1;
    const Data base = some_elements(random, elements, n);
    const Data next = changed(random, elements, base, random.pick({1U, 20U, 100U}));
    Data part = encode_delta(elements, random.pick({DeltaMode::delta, DeltaMode::patch}), base, next);
    if (part.empty()) continue;
    for (std::uint64_t left = random.between(1, 3); left > 0; --left) {
      const std::size_t at = random.below(random.chance(50) ? std::min<std::size_t>(part.size(), 64) : part.size());
      part[at] =
          static_cast<std::byte>(random.chance(50) ? random.below(256) : random.pick({0U, 1U, 2U, 3U, 254U, 255U}));
    }
    if (random.chance(10)) part.resize(random.below(part.size()));
    Data out(next.size());
    try {
      decode_delta(elements.form, part, base, out);
      ASSERT_TRUE(out == next || (part.empty() && out == base)) << Random::name() << " round " << round;
    } catch (const Error& error) {
      const auto codes = {Code::malformed, Code::mismatch, Code::unsupported, Code::limit};
      ASSERT_TRUE(std::ranges::find(codes, error.code()) != codes.end()) << error.what();
    }
  }
}

}  // namespace
}  // namespace zt::codec
