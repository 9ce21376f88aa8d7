#include "codec/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>

#include "ztensor/error.h"

namespace zt::codec {
namespace {

constexpr int kRawDeflate = -MAX_WBITS;  // no zlib header, and a window of any size

// zlib counts in 32 bits.
uInt clamped(std::size_t length) {
  return static_cast<uInt>(std::min<std::size_t>(length, std::numeric_limits<uInt>::max()));
}

std::string reason_of(const z_stream& stream) { return stream.msg == nullptr ? "" : std::string(": ") + stream.msg; }

}  // namespace

struct InflateDecoder::State {
  z_stream stream = {};
  bool ended = false;
};

InflateDecoder::InflateDecoder() : state_(std::make_unique<State>()) {
  switch (inflateInit2(&state_->stream, kRawDeflate)) {
    case Z_OK: break;
    case Z_MEM_ERROR: throw Error(Code::no_memory, "", "no memory for a deflate context");
    default: throw Error(Code::internal, "", "zlib cannot start" + reason_of(state_->stream));
  }
}

InflateDecoder::~InflateDecoder() { inflateEnd(&state_->stream); }

bool InflateDecoder::at_end() const noexcept { return state_->ended; }

PartDecoder::Step InflateDecoder::decode(std::span<const std::byte> stored, std::span<std::byte> out) {
  z_stream& stream = state_->stream;
  std::byte none{};  // zlib takes no null pointers
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(stored.empty() ? &none : stored.data()));
  stream.avail_in = clamped(stored.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.empty() ? &none : out.data());
  stream.avail_out = clamped(out.size());
  const uInt room = stream.avail_out;
  const uInt given = stream.avail_in;
  if (!state_->ended) {
    switch (inflate(&stream, Z_NO_FLUSH)) {
      case Z_OK:
      case Z_BUF_ERROR: break;  // no progress without more input or room
      case Z_STREAM_END: state_->ended = true; break;
      case Z_MEM_ERROR: throw Error(Code::no_memory, "", "no memory for a deflate window");
      default:
        throw Error(Code::malformed, "deflate.stream.corrupt", "the deflate stream is corrupt" + reason_of(stream));
    }
  }
  if (state_->ended && stream.avail_in != 0) {
    throw Error(Code::malformed, "deflate.stream.trailing",
                "the deflate stream ends before its stored bytes do: " + std::to_string(stream.avail_in) +
                    " or more bytes follow it");
  }
  return {given - stream.avail_in, room - stream.avail_out};
}

}  // namespace zt::codec
