// A slice equals a plain gather over the whole tensor, however the bytes are stored and read.

#include <gtest/gtest.h>
#include <zstd.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "codec/zstd.h"
#include "memory_file.h"
#include "random.h"
#include "temp_dir.h"

namespace {

using Data = std::vector<std::byte>;
using zt::test::Random;

// One frame for all bytes, without a seek table, like other writers.
Data single_stream(const Data& decoded) {
  Data stored(ZSTD_compressBound(decoded.size()));
  stored.resize(ZSTD_compress(stored.data(), stored.size(), decoded.data(), decoded.size(), 1));
  return stored;
}

// Frames of `frame` decoded bytes and their table.
Data seekable(const Data& decoded, std::size_t frame) {
  zt::codec::FrameEncoder encoder(1);
  Data stored;
  std::vector<zt::codec::FrameSize> sizes;
  for (std::size_t at = 0; at < decoded.size(); at += frame) {
    const Data one = encoder.encode(std::span(decoded).subspan(at, std::min(frame, decoded.size() - at)));
    sizes.push_back(
        {static_cast<std::uint32_t>(one.size()), static_cast<std::uint32_t>(std::min(frame, decoded.size() - at))});
    stored.insert(stored.end(), one.begin(), one.end());
  }
  const Data table = zt::codec::encode_seek_table(sizes);
  stored.insert(stored.end(), table.begin(), table.end());
  return stored;
}

// How the tensor "w" is stored.
enum class Stored { raw, zstd, frames, stream };

Data make_file(Random& random, Stored stored, zt::DType dtype, const zt::Shape& shape, const Data& decoded) {
  if (stored == Stored::stream) return zt::test::zstd_file(dtype, shape, single_stream(decoded), decoded.size());
  if (stored == Stored::frames) {
    const std::size_t frame = decoded.size() > 4096 ? 300'000 : random.between(1, decoded.size() + 3);
    return zt::test::zstd_file(dtype, shape, seekable(decoded, frame), decoded.size());
  }
  const zt::AddOptions options{.encoding = stored == Stored::raw ? zt::Encoding::raw() : zt::Encoding::zstd(1)};
  return zt::test::written({}, [&](zt::Writer& writer) {
    writer.add("w", {.dtype = dtype, .shape = shape, .data = decoded.data()}, options);
  });
}

// `most`: the most positions on one axis.
zt::AxisSelection random_axis(Random& random, std::uint64_t size, std::uint64_t most) {
  if (size == 0 || random.chance(3)) {
    return random.chance(50) ? zt::stepped(random.below(size + 5), 0, 1) : zt::listed({});
  }
  if (random.chance(25)) return random.chance(50) ? zt::all() : zt::rows(0, size);
  if (random.chance(10)) return zt::at(random.below(size));
  const std::uint64_t count = random.between(1, std::min(size, most));
  if (random.chance(25)) {
    zt::ListOfAxis list;
    for (std::uint64_t i = 0; i < count; ++i) list.at.push_back(random.below(size));
    return list;
  }
  const std::uint64_t widest = count == 1 ? size : (size - 1) / (count - 1);  // steps that stay inside
  const std::uint64_t step = random.chance(50) ? 1 : random.between(1, std::max<std::uint64_t>(1, widest));
  const std::uint64_t way = step * (count - 1);
  const std::uint64_t start = random.below(size - way);
  if (random.chance(40)) {
    return zt::stepped(start + way, count, -static_cast<std::int64_t>(step));
  }
  return zt::stepped(start, count, static_cast<std::int64_t>(step));
}

// The positions of an axis that are taken, in order.
std::vector<std::uint64_t> positions(const zt::AxisSelection& axis, std::uint64_t size) {
  if (const auto* list = std::get_if<zt::ListOfAxis>(&axis)) return list->at;
  zt::RangeOfAxis range{.count = size};
  if (const auto* one = std::get_if<zt::OneOfAxis>(&axis)) range = {.start = one->at, .count = 1};
  if (const auto* some = std::get_if<zt::RangeOfAxis>(&axis)) range = *some;
  std::vector<std::uint64_t> found;
  for (std::uint64_t i = 0; i < range.count; ++i) {
    found.push_back(range.start + i * static_cast<std::uint64_t>(range.step));
  }
  return found;
}

std::uint64_t elements_of(const zt::Shape& shape, const zt::Selection& selection) {
  std::uint64_t elements = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    elements *= i < selection.size() ? positions(selection[i], shape[i]).size() : shape[i];
  }
  return elements;
}

// One element after the other.
Data reference(const Data& decoded, const zt::Shape& shape, zt::Selection selection, std::size_t bytes) {
  selection.resize(shape.size());  // the rest is taken whole
  std::vector<std::vector<std::uint64_t>> taken;
  for (std::size_t i = 0; i < shape.size(); ++i) taken.push_back(positions(selection[i], shape[i]));
  const std::uint64_t elements = elements_of(shape, selection);
  Data out(elements * bytes);
  for (std::uint64_t i = 0; i < elements; ++i) {
    std::uint64_t rest = i;
    std::uint64_t from = 0;
    std::uint64_t stride = bytes;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from += taken[axis][rest % taken[axis].size()] * stride;
      rest /= taken[axis].size();
      stride *= shape[axis];
    }
    std::memcpy(out.data() + i * bytes, decoded.data() + from, bytes);
  }
  return out;
}

zt::Selection random_selection(Random& random, const zt::Shape& shape, std::uint64_t most) {
  zt::Selection selection;
  do {
    selection.resize(random.below(shape.size() + 1));
    for (std::size_t i = 0; i < selection.size(); ++i) selection[i] = random_axis(random, shape[i], most);
  } while (elements_of(shape, selection) > 100'000);  // more would only be slow
  return selection;
}

void expect_slices(Random& random, const zt::Source& source, const zt::Shape& shape, const Data& decoded,
                   std::size_t bytes, std::uint64_t most) {
  const zt::Tensor tensor = source.tensor("w");
  for (int i = 0; i < 8; ++i) {
    const zt::Selection selection = random_selection(random, shape, most);
    const Data expected = reference(decoded, shape, selection, bytes);
    Data out(expected.size(), std::byte{0xEE});
    tensor.read_slice(selection, out);
    ASSERT_TRUE(out == expected) << "slice " << i;
  }
}

zt::DType sliceable(Random& random) {
  const zt::DType dtype = random.dtype();
  return dtype == zt::DType::f4_e2m1 ? zt::DType::u8 : dtype;
}

void expect_tensor(Random& random, const zt::Shape& shape, zt::DType dtype, std::uint64_t most,
                   const zt::test::TempDir& folder) {
  const std::size_t bytes = zt::dtype_bits(dtype) / 8;
  std::uint64_t length = bytes;
  for (const std::uint64_t size : shape) length *= size;
  Data decoded = random.soft_bytes(length);
  if (dtype == zt::DType::boolean) {  // the Writer stores 1 for any byte that is not 0
    for (std::byte& element : decoded) element = std::byte{element != std::byte{0}};
  }
  for (const Stored stored : {Stored::raw, Stored::zstd, Stored::frames, Stored::stream}) {
    SCOPED_TRACE("stored " + std::to_string(static_cast<int>(stored)));
    const Data file = make_file(random, stored, dtype, shape, decoded);
    expect_slices(random, zt::test::open_bytes(file), shape, decoded, bytes, most);
    if (!random.chance(20)) continue;
    zt::test::write_file(folder / "w.zt", {reinterpret_cast<const char*>(file.data()), file.size()});
    for (const zt::Backend backend : {zt::Backend::mmap, zt::Backend::read}) {
      expect_slices(random, zt::open(folder / "w.zt", {.backend = backend}), shape, decoded, bytes, most);
    }
  }
}

TEST(Slices, AreWhatAPlainGatherGives) {
  Random random(11);
  const zt::test::TempDir folder;
  for (int round = 0; round < zt::test::rounds(300); ++round) {
    SCOPED_TRACE(random.name() + ", round " + std::to_string(round));
    expect_tensor(random, random.shape(5, 1000), sliceable(random), 9, folder);
    if (HasFailure()) return;
  }
}

// Many pieces, blocks and frames: steps near and far, forwards and back.
TEST(Slices, OfLargeTensorsAreToo) {
  Random random(12);
  const zt::test::TempDir folder;
  const zt::Shape shapes[] = {{3'100'000}, {37, 70'001}, {1009, 7, 401}, {300, 2, 2, 2, 1111}};
  for (const zt::Shape& shape : shapes) {
    for (const zt::DType dtype : {zt::DType::u8, zt::DType::i16}) {
      SCOPED_TRACE(random.name() + ", axis 0 of " + std::to_string(shape[0]));
      expect_tensor(random, shape, dtype, 12, folder);
      if (HasFailure() || zt::test::kSanitized) break;
    }
  }
}

TEST(Slices, RefuseWhatLeavesAnAxisOrFillsNoBuffer) {
  const Data decoded(24);
  Random random(13);
  const zt::Source source = zt::test::open_bytes(make_file(random, Stored::raw, zt::DType::i16, {3, 4}, decoded));
  const zt::Tensor tensor = source.tensor("w");
  const auto refuses = [&](const zt::Selection& selection, std::size_t bytes) {
    Data out(bytes);
    try {
      tensor.read_slice(selection, out);
    } catch (const zt::Error& error) {
      return error.code() == zt::Code::usage;
    }
    return false;
  };
  EXPECT_FALSE(refuses({zt::stepped(2, 3, -1)}, 24));
  EXPECT_TRUE(refuses({zt::stepped(2, 4, -1)}, 32));
  EXPECT_TRUE(refuses({zt::stepped(0, 4, 1)}, 32));
  EXPECT_TRUE(refuses({zt::stepped(3, 1, 1)}, 8));
  EXPECT_TRUE(refuses({zt::stepped(1, 2, 2)}, 16));
  EXPECT_TRUE(refuses({zt::stepped(1, 3, INT64_MIN)}, 24));
  EXPECT_TRUE(refuses({zt::stepped(1, ~std::uint64_t{0}, 2)}, 24));
  EXPECT_TRUE(refuses({zt::stepped(0, ~std::uint64_t{0}, 0), zt::stepped(0, 3, 1)}, 24));
  EXPECT_TRUE(refuses({zt::listed({0, 3})}, 16));
  EXPECT_TRUE(refuses({zt::stepped(0, 1, 1), zt::stepped(0, 1, 1), zt::stepped(0, 1, 1)}, 2));
  EXPECT_TRUE(refuses({zt::stepped(0, 1, 1)}, 7));
  EXPECT_FALSE(refuses({zt::stepped(0, 5, 0)}, 40));  // one row five times
}

}  // namespace
