#include "foreign/onnx/typed.h"
#include "base/count_text.h"

#include <algorithm>
#include <array>
#include <string>

namespace zt::foreign::onnx {
namespace {

constexpr std::size_t kPiece = 16384;  // bytes that are handed out at once

[[noreturn]] void miscounted(std::uint64_t wanted, const char* found) {
  throw Error(Code::malformed, "onnx.typed.count",
              "the typed field has " + std::string(found) + " than the " + std::to_string(wanted) +
                  " numbers that shape and type take");
}

bool is_in_range(Range range, std::uint64_t number, unsigned bits) {
  const std::uint64_t most = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  const bool negative = number >= ~(most >> 1);  // its highest bit is extended to 64 bits
  switch (range) {
    case Range::natural: return number <= most;
    case Range::integer: return number <= most >> 1 || negative;
    case Range::bits: return number <= most || negative;
    case Range::boolean: return number <= 1;
    default: return false;
  }
}

class Unpacker {
 public:
  Unpacker(const Type& type, std::uint64_t length, const std::function<void(std::span<const std::byte>)>& visit)
      : type_(type), wanted_(length / type.bytes), visit_(visit) {}

  void add(std::uint64_t number) {
    if (type_.range != Range::verbatim && !is_in_range(type_.range, number, 8 * type_.bytes)) {
      throw Error(Code::malformed, "onnx.typed.range",
                  "number " + std::to_string(count_) + " of the typed field, " +
                      std::to_string(static_cast<std::int64_t>(number)) + ", is no " + std::string(type_.word));
    }
    if (count_ == wanted_) miscounted(wanted_, "more");
    ++count_;
    for (unsigned i = 0; i < type_.bytes; ++i) piece_[filled_++] = static_cast<std::byte>(number >> (8 * i));
    if (filled_ + 8 > kPiece) flush();
  }

  // A packed piece of fixed numbers.
  void add_fixed(wire::ProtoWindow& window, Region packed) {
    if (packed.length % type_.bytes != 0) {
      throw Error(Code::malformed, "onnx.typed.length",
                  "a packed piece of " + count_text(packed.length, "byte") + " ends inside a number");
    }
    if (packed.length / type_.bytes > wanted_ - count_) miscounted(wanted_, "more");
    flush();
    count_ += packed.length / type_.bytes;
    for (std::uint64_t done = 0; done < packed.length; done += filled_) {
      filled_ = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, packed.length - done));
      window.read(packed.offset + done, std::span(piece_).first(filled_));
      visit_(std::span(piece_).first(filled_));
    }
    filled_ = 0;
  }

  void finish() {
    if (count_ != wanted_) miscounted(wanted_, "fewer");
    flush();
  }

 private:
  void flush() {
    if (filled_ != 0) visit_(std::span(piece_).first(filled_));
    filled_ = 0;
  }

  const Type& type_;
  std::uint64_t wanted_;  // numbers
  const std::function<void(std::span<const std::byte>)>& visit_;
  std::uint64_t count_ = 0;
  std::array<std::byte, kPiece> piece_;
  std::size_t filled_ = 0;
};

}  // namespace

void unpack(wire::ProtoWindow& window, const TensorProto& tensor, const Type& type, std::uint64_t length,
            const std::function<void(std::span<const std::byte>)>& visit) {
  Unpacker out(type, length, visit);
  wire::ProtoReader reader(window, tensor.message, wire::ProtoCount::before);
  while (reader.next()) {
    const wire::ProtoField& field = reader.field();
    if (field.number != type.field) continue;
    if (field.type != wire::ProtoType::bytes) {
      out.add(field.value);
    } else if (type.range == Range::verbatim) {
      out.add_fixed(window, field.content);
    } else {
      wire::ProtoVarints packed(window, field.content);
      while (const auto number = packed.next()) out.add(*number);
    }
  }
  out.finish();
}

std::optional<Region> packed_range(const TensorProto& tensor, const Type& type) {
  const TypedField& typed = tensor.typed[type.field];
  if (type.range != Range::verbatim || typed.pieces != 1 || typed.first.length == 0) return std::nullopt;
  return typed.first;
}

}  // namespace zt::foreign::onnx
