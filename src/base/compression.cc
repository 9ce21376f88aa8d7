#include "base/compression.h"

#include <algorithm>
#include <iterator>

namespace zt {
namespace {

using namespace std::string_view_literals;

constexpr Compression kCompressions[] = {
    {"\x1F\x8B"sv, "gzip", "gunzip"},        {"BZh"sv, "bzip2", "bunzip2"},
    {"\xFD\x37zXZ"sv, "xz", "unxz"},         {"\x28\xB5\x2F\xFD"sv, "Zstandard", "unzstd"},
    {"\x04\x22\x4D\x18"sv, "LZ4", "unlz4"},  {"\x5D\x00\x00"sv, "LZMA", "unlzma", false},
    {"\x78\x01"sv, "zlib", "joblib", false}, {"\x78\x5E"sv, "zlib", "joblib", false},
    {"\x78\x9C"sv, "zlib", "joblib", false}, {"\x78\xDA"sv, "zlib", "joblib", false},
};

}  // namespace

const Compression* find_compression(std::string_view head) {
  const auto found =
      std::ranges::find_if(kCompressions, [&](const Compression& one) { return head.starts_with(one.magic); });
  return found == std::end(kCompressions) ? nullptr : found;
}

}  // namespace zt
