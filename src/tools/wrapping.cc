#include "tools/wrapping.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/blocks.h"
#include "base/compression.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "ztensor/error.h"

namespace zt::tools {
namespace {

constexpr std::size_t kTarBlock = 512;

// Whether a stream of zlib begins here. Python takes 8 KiB at once, and gets nothing if there is a fault in them.
bool inflates(const ByteStore& store) {
  constexpr std::uint64_t kLooked = 1024;
  const std::string head = head_of(store, kLooked);
  const auto decoder = codec::row_of(Codec::deflate).part_decoder();
  std::array<std::byte, 4096> decoded;  // nobody reads them
  try {
    // Byte for byte, because the stream may end before the file does.
    for (const std::byte& byte : as_bytes(std::string_view(head).substr(2))) {
      auto input = std::span(&byte, 1);
      for (bool goes_on = true; goes_on;) {
        const auto [used, made] = decoder->decode(input, decoded);
        input = input.subspan(used);
        goes_on = used != 0 || made != 0;
      }
      if (decoder->at_end()) break;
    }
    return true;
  } catch (const Error& error) {
    if (error.code() != Code::malformed) throw;
    return false;
  }
}

// An .lzma file has the length of its content, which is unknown or below 256 GiB.
bool is_lzma(std::string_view head) {
  constexpr std::size_t kHeader = 13;
  if (!head.starts_with(std::string_view("\x5D\x00", 2)) || head.size() < kHeader) return false;
  const auto length = endian::load_le<std::uint64_t>(as_bytes(head.substr(5)).data());
  return length == ~std::uint64_t{0} || length < std::uint64_t{1} << 38;
}

// Empty: none. Where the first bytes do not suffice, what follows them is looked at.
std::string_view compression_of(const ByteStore& store, std::string_view head) {
  const Compression* known = find_compression(head);
  if (known != nullptr && known->is_certain) return known->name;
  if (is_lzma(head)) return "LZMA";
  return known != nullptr && known->name == "zlib" && inflates(store) ? known->name : "";
}

// A number of tar: octal digits, which Python reads as int() does, or in binary, big-endian.
std::int64_t number_of(std::string_view field) {
  const bool is_negative = field[0] == '\xFF';
  std::int64_t number = is_negative ? -1 : 0;
  if (is_negative || field[0] == '\x80') {
    for (const char c : field.substr(1)) number = number * 256 + static_cast<std::uint8_t>(c);
    return number;
  }
  for (const char c : field) {
    if (c == '\0') break;
    if (c >= '0' && c <= '7') number = number * 8 + (c - '0');
  }
  return number;
}

// A header of tar has, from byte 148, the sum of its bytes, with spaces in place of the sum.
bool is_tar(std::string_view head) {
  constexpr std::size_t kSumAt = 148, kSumBytes = 8;
  if (head.size() < kTarBlock) return false;
  std::int64_t sum = 0, signed_sum = 0;  // some programs sum up signed bytes
  for (std::size_t i = 0; i < kTarBlock; ++i) {
    const char byte = i >= kSumAt && i < kSumAt + kSumBytes ? ' ' : head[i];
    sum += static_cast<std::uint8_t>(byte);
    signed_sum += static_cast<signed char>(byte);
  }
  const std::int64_t stated = number_of(head.substr(kSumAt, kSumBytes));
  return stated == sum || stated == signed_sum;
}

}  // namespace

std::string find_wrapping(const ByteStore& store) {
  const std::string head = head_of(store, kTarBlock);
  if (head.starts_with("ZF")) return "compressed by an old joblib";
  const std::string_view compression = compression_of(store, head);
  if (!compression.empty()) return "compressed with " + std::string(compression);
  return is_tar(head) ? "a tar archive" : "";
}

}  // namespace zt::tools
