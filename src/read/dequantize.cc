#include "read/dequantize.h"

#include <algorithm>
#include <array>
#include <bit>

#include "model/floats.h"
#include "run/parallel.h"

namespace zt::read {
namespace {

using model::Quantized;
using model::ScaleScope;
using model::ZeroPoint;

constexpr std::uint64_t kTile = 1024;      // elements side by side that are processed at once
constexpr std::uint64_t kChunk = 1 << 16;  // about the elements of a work item

// The elements as [outer, rows, repeat, inner]. The scale of an element is at outer * outer_step + row * row_step +
// inner * inner_step: all elements along `repeat` share one scale.
struct Grid {
  std::uint64_t outer, rows, repeat, inner;
  std::uint64_t outer_step, row_step, inner_step;
};

Grid grid_of(const Quantized& how) {
  if (how.scope == ScaleScope::element) return {1, 1, 1, how.elements(), 0, 0, 1};
  if (how.scope == ScaleScope::channel) {
    if (how.inner == 1) return {1, how.outer, 1, how.along, 0, 0, 1};
    return {how.outer, how.along, 1, how.inner, 0, 1, 0};
  }
  const std::uint64_t groups = how.along / how.group;
  if (how.inner == 1) return {1, how.outer * groups, 1, how.group, 0, 1, 0};  // neighbours share a scale
  return {how.outer, groups, how.group, how.inner, groups * how.inner, how.inner, 1};
}

// Gives elements of a part by index.
class Elements {
 public:
  Elements(DType dtype, std::span<const std::byte> bytes) : dtype_(dtype), size_(dtype_bits(dtype) / 8), at_(bytes) {}
  double operator[](std::uint64_t index) const {
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < size_; ++i) bits |= static_cast<std::uint64_t>(at_[index * size_ + i]) << (8 * i);
    return model::value_of(dtype_, bits);
  }

 private:
  DType dtype_;
  unsigned size_;
  std::span<const std::byte> at_;
};

// Gives codes of a part by index. Bit counts divide a byte and words are little-endian, so lsb_first codes are in the
// order of the bytes, whatever the word is. msb_first reverses the order within each word.
class Codes {
 public:
  Codes(const Quantized& how, std::span<const std::byte> bytes)
      : at_(bytes.data()),
        shift_(static_cast<unsigned>(std::countr_zero(8 / how.bits))),
        bits_(how.bits),
        flip_(how.msb_first ? how.per_word - 1 : 0) {}
  unsigned operator[](std::uint64_t index) const {
    const std::uint64_t place = index ^ flip_;
    const unsigned first = static_cast<unsigned>(place & ((1U << shift_) - 1)) * bits_;
    return static_cast<unsigned>(at_[place >> shift_]) >> first & ((1U << bits_) - 1);
  }

 private:
  const std::byte* at_;
  unsigned shift_;  // log2 of the codes per byte
  unsigned bits_;
  std::uint64_t flip_;
};

class Dequantizer {
 public:
  Dequantizer(const Quantized& how, const QuantizedBytes& parts, std::span<float> out)
      : how_(how),
        grid_(grid_of(how)),
        codes_(how, parts.data),
        scales_(how.scale, parts.scales),
        plain_(how.zero_type, parts.zeros),
        packed_(how, parts.zeros),
        out_(out) {
    for (std::uint32_t code = 0; code < (1U << how.bits); ++code) {
      values_[code] = model::value_of(how.code, code) * how.unit;
    }
  }

  // A unit of work is a tile of neighbours, for all of `repeat`.
  std::uint64_t tiles() const { return (grid_.inner + kTile - 1) / kTile; }
  std::uint64_t units() const { return grid_.outer * grid_.rows * tiles(); }
  std::uint64_t unit_elements() const { return grid_.repeat * std::min(grid_.inner, kTile); }
  void run(std::uint64_t unit) const;

 private:
  struct Tile {  // the scales and zero points of neighbours, or one pair for all
    std::array<double, kTile> scales;
    std::array<double, kTile> zeros;
  };
  double zero(std::uint64_t index) const {
    if (how_.zero == ZeroPoint::plain) return plain_[index];
    return how_.zero == ZeroPoint::packed ? packed_[index] : how_.zero_value;
  }
  void fill(std::uint64_t first, std::uint64_t count, double scale, double zero) const;
  void fill(std::uint64_t first, std::uint64_t count, const Tile& tile) const;

  const Quantized& how_;
  Grid grid_;
  Codes codes_;
  Elements scales_;
  Elements plain_;
  Codes packed_;
  std::span<float> out_;
  std::array<double, 256> values_ = {};
};

// For types whose results fit a double exactly or nearly: rounds once.
void Dequantizer::fill(std::uint64_t first, std::uint64_t count, double scale, double zero) const {
  for (std::uint64_t i = first; i < first + count; ++i) {
    out_[i] = static_cast<float>((values_[codes_[i]] - zero) * scale);
  }
}

void Dequantizer::fill(std::uint64_t first, std::uint64_t count, const Tile& tile) const {
  for (std::uint64_t i = 0; i < count; ++i) {
    out_[first + i] = static_cast<float>((values_[codes_[first + i]] - tile.zeros[i]) * tile.scales[i]);
  }
}

void Dequantizer::run(std::uint64_t unit) const {
  const std::uint64_t start = unit % tiles() * kTile;
  const std::uint64_t row = unit / tiles();  // counts outer and rows together
  const std::uint64_t count = std::min(kTile, grid_.inner - start);
  const std::uint64_t scale = row / grid_.rows * grid_.outer_step + row % grid_.rows * grid_.row_step;
  const std::uint64_t element = row * grid_.repeat * grid_.inner + start;
  if (grid_.inner_step == 0) {
    const double one = scales_[scale], offset = zero(scale);
    for (std::uint64_t i = 0; i < grid_.repeat; ++i) fill(element + i * grid_.inner, count, one, offset);
    return;
  }
  Tile tile;
  for (std::uint64_t i = 0; i < count; ++i) {
    tile.scales[i] = scales_[scale + start + i];
    tile.zeros[i] = zero(scale + start + i);
  }
  for (std::uint64_t i = 0; i < grid_.repeat; ++i) fill(element + i * grid_.inner, count, tile);
}

}  // namespace

void dequantize(const Quantized& how, const QuantizedBytes& parts, std::span<float> out, unsigned threads,
                run::Meter& meter) {
  if (out.empty()) return;
  const Dequantizer work(how, parts, out);
  const std::uint64_t units = work.units();
  const std::uint64_t each = std::max<std::uint64_t>(1, kChunk / work.unit_elements());
  run::parallel_for(static_cast<std::size_t>((units + each - 1) / each), out.size_bytes(), threads, meter,
                    [&](std::size_t chunk) {
                      const std::uint64_t last = std::min(units, (chunk + 1) * each);
                      for (std::uint64_t unit = chunk * each; unit < last; ++unit) work.run(unit);
                    });
}

}  // namespace zt::read
