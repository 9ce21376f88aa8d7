// Byte planes. The first byte chooses the form of elements, and what the rest is. Laws: a piece that we encode decodes to
// its input, by libzstd and the portable join as well; stored bytes that decode give the same elements in both ways.

#include "codec/planes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "codec/split.h"
#include "codec/zstd.h"
#include "ztensor/error.h"

namespace {

using Data = std::vector<std::byte>;
using View = std::span<const std::byte>;
using zt::ElementForm;

void law(bool holds) {
  if (!holds) std::abort();
}

void check_encoder(ElementForm form, View input) {
  // Repeats make long planes of short inputs.
  const std::size_t width = zt::width_of(form);
  Data elements;
  for (std::size_t times = 0; times < 8; ++times) elements.insert(elements.end(), input.begin(), input.end());
  elements.resize(elements.size() / width * width);
  const Data stored = zt::codec::PlanesEncoder(form, 1 + static_cast<int>(input.size() % 5)).encode(elements);
  Data planes(elements.size()), joined(elements.size()), decoded(elements.size());
  zt::codec::FrameDecoder().decode(stored, planes);
  zt::codec::join_portable(form, planes, joined);
  zt::codec::PlanesDecoder(form).decode(stored, decoded);
  law(joined == elements && decoded == elements);
}

// The elements that stored bytes decode to; empty if they break a rule.
template <class Decode>
std::optional<Data> decoded_by(std::size_t size, Decode&& decode) {
  Data out(size);
  try {
    decode(out);
  } catch (const zt::Error& error) {
    law(error.code() != zt::Code::internal && error.code() != zt::Code::usage);
    return std::nullopt;
  }
  return out;
}

void check_decoder(ElementForm form, View stored, std::size_t size) {
  const auto ours = decoded_by(size, [&](Data& out) { zt::codec::PlanesDecoder(form).decode(stored, out); });
  const auto other = decoded_by(size, [&](Data& out) {
    Data planes(out.size());
    zt::codec::FrameDecoder().decode(stored, planes);
    zt::codec::join_portable(form, planes, out);
  });
  if (size % zt::width_of(form) != 0) return law(!ours);
  law(ours.has_value() == other.has_value());
  law(!ours || *ours == *other);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 100000) return 0;
  const auto form = static_cast<ElementForm>(data[0] % 7);
  const View rest = std::as_bytes(std::span(data, size)).subspan(3);
  if (data[0] < 128) {
    check_encoder(form, rest);
  } else {
    check_decoder(form, rest, data[1] * std::size_t{256} + data[2]);
  }
  return 0;
}
