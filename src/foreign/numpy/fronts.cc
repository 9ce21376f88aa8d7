#include "foreign/numpy/fronts.h"

#include <algorithm>
#include <memory>
#include <string>

#include "base/count_text.h"
#include "codec/codecs.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

constexpr std::uint64_t kFront = 512;  // a header has 128 bytes, if its shape is short
constexpr std::uint64_t kStep = 4096;

std::size_t front_of(const zip::Member& member) {
  return static_cast<std::size_t>(std::min(member.stored_length, kFront));
}

// Decodes the front of a member, whose first stored bytes are `input`, until `out` is full.
void inflate_front(const ByteStore& store, const zip::Member& member, std::span<const std::byte> input,
                   std::span<std::byte> out) {
  const std::unique_ptr<codec::PartDecoder> decoder = codec::row_of(Codec::deflate).part_decoder();
  std::uint64_t fetched = input.size();
  std::vector<std::byte> more;
  while (!out.empty()) {
    const codec::PartDecoder::Step step = decoder->decode(input, out);
    input = input.subspan(step.used);
    out = out.subspan(step.made);
    if (step.used != 0 || step.made != 0) continue;
    if (decoder->at_end() || fetched == member.stored_length) {
      throw Error(Code::malformed, "deflate.stream.short",
                  "the deflate stream ends " + count_text(out.size(), "byte") + " before its header does");
    }
    more.resize(static_cast<std::size_t>(std::min(kStep, member.stored_length - fetched)));
    store.read_at(member.offset + fetched, more);
    fetched += more.size();
    input = more;
  }
}

std::vector<std::byte> front_from(const ByteStore& store, const zip::Member& member, std::span<const std::byte> input,
                                  std::uint64_t length) {
  std::vector<std::byte> out(static_cast<std::size_t>(std::min(length, member.length)));
  if (member.method == zip::kDeflated) {
    inflate_front(store, member, input, out);
  } else if (out.size() <= input.size()) {
    std::copy_n(input.begin(), out.size(), out.begin());
  } else {
    store.read_at(member.offset, out);
  }
  return out;
}

}  // namespace

void Fronts::load(std::span<const zip::Member* const> members) {
  members_.assign(members.begin(), members.end());
  places_.clear();
  std::size_t end = 0;
  for (const zip::Member* member : members_) {
    places_.push_back(end);
    end += front_of(*member);
  }
  buffer_.resize(end);
  std::vector<ReadAt> reads;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::size_t length = front_of(*members_[i]);
    if (length > 0) reads.push_back({members_[i]->offset, std::span(buffer_).subspan(places_[i], length)});
  }
  store_.read_many(reads);
}

std::vector<std::byte> Fronts::first(std::size_t n, std::uint64_t length) const {
  const zip::Member& member = *members_[n];
  return front_from(store_, member, std::span(buffer_).subspan(places_[n], front_of(member)), length);
}

std::vector<std::byte> first_bytes(const ByteStore& store, const zip::Member& member, std::uint64_t length) {
  std::vector<std::byte> input(front_of(member));
  store.read_at(member.offset, input);
  return front_from(store, member, input, length);
}

}  // namespace zt::foreign::numpy
