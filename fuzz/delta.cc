// Exact differences. The first byte chooses the form of elements, and what the rest is. Laws: a part that we encode
// decodes to its input, in place too, and its changes are those of its input; stored bytes that decode give elements
// that their changes give as well; a chain folds to its last.

#include "codec/delta.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/endian.h"
#include "codec/delta_fold.h"
#include "hash/xxh3.h"
#include "ztensor/error.h"

namespace {

using Data = std::vector<std::byte>;
using View = std::span<const std::byte>;
using zt::codec::DeltaElements;
using zt::codec::DeltaMode;

constexpr DeltaElements kAll[] = {zt::codec::kDeltaBf16,
                                  zt::codec::kDeltaF16,
                                  zt::codec::kDeltaF32,
                                  zt::codec::kDeltaF64,
                                  zt::codec::kDeltaF8E4M3,
                                  zt::codec::kDeltaF8E5M2,
                                  zt::codec::delta_bits(zt::ElementForm::bytes1),
                                  zt::codec::delta_bits(zt::ElementForm::bytes2),
                                  zt::codec::delta_bits(zt::ElementForm::bytes4),
                                  zt::codec::delta_bits(zt::ElementForm::bytes8)};

void law(bool holds) {
  if (!holds) std::abort();
}

Data cut_to_elements(View bytes, unsigned width) {
  const auto whole = bytes.first(bytes.size() / width * width);
  return {whole.begin(), whole.end()};
}

// A third of the input is the base, a third what follows, a third what comes after that.
void check_encoder(DeltaElements elements, DeltaMode kind, View input) {
  const unsigned width = zt::width_of(elements.form);
  const Data base = cut_to_elements(input.first(input.size() / 3), width);
  const Data next = cut_to_elements(input.subspan(base.size(), input.size() / 3), width);
  const Data last = cut_to_elements(input.subspan(base.size() + next.size()), width);
  if (next.empty() || last.empty()) return;
  const Data lower = zt::codec::encode_delta(elements, kind, base, next);
  const Data upper = zt::codec::encode_delta(elements, DeltaMode::delta, next, last);
  Data out(next.size()), far(last.size());
  zt::codec::decode_delta(elements.form, lower, base, out);
  law(out == next);
  const Data folded = zt::codec::fold_delta(elements, kind, {lower, next.size()}, {upper, last.size()}, base);
  zt::codec::decode_delta(elements.form, folded, base, far);
  law(far == last);
}

// The rule that `work` breaks; empty: none.
template <class Work>
std::string_view broken_by(Work&& work) {
  try {
    work();
  } catch (const zt::Error& error) {
    law(error.code() != zt::Code::internal && error.code() != zt::Code::usage);
    return error.rule();
  }
  return {};
}

// Puts the hashes of a piece right, because no input would guess them.
void check_piece(DeltaElements elements, View input, std::size_t size, std::uint32_t content) {
  const unsigned width = zt::width_of(elements.form);
  Data base(size), out(size), stored(input.begin(), input.end());
  for (std::size_t i = 0; i < size; ++i) base[i] = static_cast<std::byte>(0x3C + i % 5 % 3);
  const auto put_hash = [&](std::size_t at, View of) {
    if (stored.size() >= zt::codec::kDeltaHeadBytes) zt::endian::store_le(&stored[at], zt::hash::xxh3(of));
  };
  if (stored.size() > 8 && stored[8] != std::byte{1}) put_hash(16, base);
  zt::codec::DeltaDecoder decoder(elements.form);
  const auto decode = [&] { return broken_by([&] { decoder.decode(stored, content, base, out); }); };
  const std::string_view rule = decode();
  law(rule != "delta.base.check");
  if (!rule.empty() && rule != "delta.result.check") return;
  put_hash(24, out);
  law(decode().empty());
  zt::codec::DeltaChanges changes;
  law(broken_by([&] { changes = decoder.changes(stored, content, base, size); }).empty());
  Data other = base;
  if (changes.is_whole) other = changes.elements;
  for (std::size_t i = 0; i < changes.indices.size(); ++i) {
    std::memcpy(&other[changes.indices[i] * width], &changes.elements[i * width], width);
  }
  law(other == out);
}

void check_part(DeltaElements elements, View stored, std::size_t size) {
  const Data base(size, std::byte{0x3C});
  Data out(size);
  broken_by([&] { zt::codec::decode_delta(elements.form, stored, base, out); });
  broken_by([&] { zt::codec::fold_delta(elements, DeltaMode::delta, {stored, size}, {stored, size}, base); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || size > 100000) return 0;
  const DeltaElements elements = kAll[data[0] % std::size(kAll)];
  const View rest = std::as_bytes(std::span(data, size)).subspan(4);
  const std::size_t decoded = data[1] * std::size_t{16} + data[2];
  switch (data[0] / std::size(kAll) % 4) {
    case 0: check_encoder(elements, DeltaMode::delta, rest); break;
    case 1: check_encoder(elements, DeltaMode::patch, rest); break;
    case 2: check_piece(elements, rest, decoded, data[3] * std::uint32_t{4}); break;
    default: check_part(elements, rest, decoded); break;
  }
  return 0;
}
