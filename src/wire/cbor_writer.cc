#include "wire/cbor.h"

#include <bit>

#include "base/utf8.h"
#include "wire/float_bits.h"

namespace zt::wire {

void CborWriter::head(unsigned major, std::uint64_t number) {
  int bits = 0;  // the width of the number behind the first byte
  std::uint64_t info = number;
  if (number >= 24) {
    bits = 8;
    for (info = 24; bits < 64 && number >> bits != 0; ++info) bits *= 2;
  }
  std::byte encoded[9] = {static_cast<std::byte>(major << 5 | info)};
  std::byte* end = encoded + 1;
  while (bits > 0) *end++ = static_cast<std::byte>(number >> (bits -= 8));
  out_.insert(out_.end(), encoded, end);
}

void CborWriter::unsigned_integer(std::uint64_t value) { head(major::kUnsigned, value); }
void CborWriter::negative_integer(std::uint64_t n) { head(major::kNegative, n); }
void CborWriter::integer(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value < 0) {
    head(major::kNegative, ~bits);  // -1 - value
  } else {
    head(major::kUnsigned, bits);
  }
}
void CborWriter::bytes(std::span<const std::byte> value) {
  head(major::kBytes, value.size());
  raw(value);
}
void CborWriter::text(std::string_view value) {
  head(major::kText, value.size());
  raw(as_bytes(value));
}
void CborWriter::array(std::uint64_t count) { head(major::kArray, count); }
void CborWriter::map(std::uint64_t count) { head(major::kMap, count); }
void CborWriter::tag(std::uint64_t number) { head(major::kTag, number); }
void CborWriter::boolean(bool value) { head(major::kSimple, value ? 21 : 20); }
void CborWriter::null() { head(major::kSimple, 22); }
void CborWriter::undefined() { head(major::kSimple, 23); }
void CborWriter::simple(std::uint8_t number) { head(major::kSimple, number); }

void CborWriter::floating(double value) {
  std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  unsigned info = 27;
  if (const auto half = narrow(bits, kHalf)) {
    info = 25, bits = *half;
  } else if (const auto single = narrow(bits, kSingle)) {
    info = 26, bits = *single;
  }
  const int width = 1 << (info - 24);
  out_.push_back(static_cast<std::byte>(major::kSimple << 5 | info));
  for (int i = width - 1; i >= 0; --i) out_.push_back(static_cast<std::byte>(bits >> 8 * i));
}

void CborWriter::raw(std::span<const std::byte> items) { out_.insert(out_.end(), items.begin(), items.end()); }

}  // namespace zt::wire
