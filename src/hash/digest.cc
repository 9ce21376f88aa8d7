#include "hash/digest.h"

#include <charconv>

namespace zt {

std::string_view checksum_name(Checksum checksum) noexcept {
  switch (checksum) {
    case Checksum::none: return "none";
    case Checksum::crc32c: return "crc32c";
    case Checksum::sha256: return "sha256";
    case Checksum::xxh3: return "xxh3";
    case Checksum::crc32: return "crc32";
  }
  return "none";
}

std::optional<Checksum> find_checksum(std::string_view name) noexcept {
  for (const Checksum checksum :
       {Checksum::none, Checksum::crc32c, Checksum::sha256, Checksum::xxh3, Checksum::crc32}) {
    if (name == checksum_name(checksum)) return checksum;
  }
  return std::nullopt;
}

namespace hash {
namespace {

// Reads all of `text` as a hexadecimal number of either case, without a sign.
template <class T>
std::optional<T> from_hex(std::string_view text) noexcept {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Digest> parse_crc(std::string_view digits) noexcept {
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto crc = from_hex<std::uint32_t>(digits);
  if (!crc) return std::nullopt;
  return Digest{.algorithm = Checksum::crc32c, .crc = *crc};
}

std::optional<Digest> parse_sha(std::string_view digits) noexcept {
  Digest digest{.algorithm = Checksum::sha256};
  if (digits.size() != 2 * digest.sha.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.sha.size(); ++i) {
    const auto byte = from_hex<std::uint8_t>(digits.substr(2 * i, 2));
    if (!byte) return std::nullopt;
    digest.sha[i] = static_cast<std::byte>(*byte);
  }
  return digest;
}

constexpr std::string_view kCrc32 = "crc32:";

// Only our own decoders of archives make this text. In a file of generation 2 it may be anything, so it is never wrong.
Digest parse_crc32(std::string_view digits) noexcept {
  const auto crc = from_hex<std::uint32_t>(digits);
  if (!crc || digits.size() != 8) return {};
  return {.algorithm = Checksum::crc32, .crc = *crc};
}

void append_hex(std::string& out, std::uint32_t byte, std::string_view digits) {
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

}  // namespace

std::optional<Digest> parse_digest(std::string_view text) {
  constexpr std::string_view kCrc = "crc32c:0x";
  constexpr std::string_view kSha = "sha256:";
  // No reader checks a "crc32c:" without 0x, so it counts as an unknown algorithm: zt-1.2 §7
  if (text.starts_with(kCrc) || text.starts_with("crc32c:0X")) return parse_crc(text.substr(kCrc.size()));
  if (text.starts_with(kSha)) return parse_sha(text.substr(kSha.size()));
  return Digest{};
}

std::optional<Digest> parse_decoded_digest(std::string_view text) {
  constexpr std::string_view kXxh3 = "xxh3:";
  constexpr std::string_view kSha = "sha256:";
  if (text.starts_with(kCrc32)) return parse_crc32(text.substr(kCrc32.size()));
  if (!text.starts_with(kSha) && !text.starts_with(kXxh3)) return Digest{};
  if (text.find_first_of("ABCDEF") != std::string_view::npos) return std::nullopt;
  if (text.starts_with(kSha)) return parse_sha(text.substr(kSha.size()));
  const std::string_view digits = text.substr(kXxh3.size());
  const auto value = from_hex<std::uint64_t>(digits);
  if (!value || digits.size() != 16) return std::nullopt;
  return Digest{.algorithm = Checksum::xxh3, .xxh3 = *value};
}

std::string format_digest(const Digest& digest) {
  std::string text;
  if (digest.algorithm == Checksum::crc32c) {
    text = "crc32c:0x";
    for (int shift = 24; shift >= 0; shift -= 8) append_hex(text, (digest.crc >> shift) & 0xFF, "0123456789ABCDEF");
  }
  if (digest.algorithm == Checksum::sha256) {
    text = "sha256:";
    for (const std::byte byte : digest.sha) append_hex(text, std::to_integer<std::uint32_t>(byte), "0123456789abcdef");
  }
  if (digest.algorithm == Checksum::crc32) {
    text = kCrc32;
    for (int shift = 24; shift >= 0; shift -= 8) append_hex(text, (digest.crc >> shift) & 0xFF, "0123456789abcdef");
  }
  if (digest.algorithm == Checksum::xxh3) {
    text = "xxh3:";
    for (int shift = 56; shift >= 0; shift -= 8) {
      append_hex(text, static_cast<std::uint32_t>(digest.xxh3 >> shift) & 0xFF, "0123456789abcdef");
    }
  }
  return text;
}

}  // namespace hash
}  // namespace zt
