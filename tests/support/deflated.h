#pragma once

#include <zlib.h>

#include <cstddef>
#include <span>
#include <vector>

namespace zt::test {

// A raw deflate stream as zip archives have it, made by zlib.
inline std::vector<std::byte> deflated(std::span<const std::byte> content) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::vector<std::byte> out(deflateBound(&stream, static_cast<uLong>(content.size())));
  std::vector<std::byte> in(content.begin(), content.end());
  in.resize(in.size() + 1);  // zlib takes no null pointers
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace zt::test
