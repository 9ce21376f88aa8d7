// Tensors moved from one generation to any other and back stay the same, or are refused with the loss named.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "memory_file.h"
#include "random_array.h"
#include "touch.h"

namespace {

using zt::DType;
using zt::Value;
using zt::test::Random;
using zt::test::RandomArray;

struct Format {
  const char* name;
  zt::WriterOptions options;
};

std::vector<Format> formats() {
  return {
      {"1.0", {.to = "1.0"}},
      {"1.0 zstd", {.to = "1.0", .encoding = zt::Encoding::zstd(1)}},
      {"1.2", {.to = "1.2"}},
      {"1.2 zstd", {.to = "1.2", .encoding = zt::Encoding::zstd(1), .checksum = zt::Checksum::sha256}},
      {"2 canonical", {.to = "2"}},
      {"2 floor", {.to = "2", .canonical = false}},
      {"2 zstd", {.to = "2", .encoding = zt::Encoding::zstd(1), .checksum = zt::Checksum::sha256}},
  };
}

using Bytes = std::vector<std::byte>;

// --- contents of the files

// Values that every generation can hold.
Value tame_attributes(Random& random) {
  Value out = Value::map();
  for (std::uint64_t left = random.below(4); left > 0; --left) {
    const std::string key = "k" + random.text(3);
    switch (random.below(4)) {
      case 0: out.set(key, Value(random.text(5))); break;
      case 1: out.set(key, Value(random.bits())); break;
      case 2: out.set(key, Value(Value::Array{Value(1.5), Value(true), Value()})); break;
      default: out.set(key, Value(Value::Map{{"b", random.bytes(3)}, {"a", -5}}));
    }
  }
  return out;
}

zt::ArrayView row(DType dtype, const Bytes& bytes, std::uint64_t elements) {
  return {.dtype = dtype, .shape = {elements}, .data = bytes.data()};
}

Bytes words(const std::vector<std::uint64_t>& numbers, unsigned width) {
  Bytes out(numbers.size() * width);
  for (std::size_t i = 0; i < numbers.size(); ++i) std::memcpy(out.data() + i * width, &numbers[i], width);
  return out;
}

void add_sparse(Random& random, zt::Writer& writer, const std::string& name, const zt::AddOptions& options) {
  const bool csr = random.chance(50);
  const bool sorted = random.chance(70);  // otherwise cells may also come twice
  const DType dtype = random.dtype();
  const std::uint64_t rows = random.between(1, 5), columns = random.between(1, 9);
  std::vector<std::uint64_t> cells;
  for (std::uint64_t cell = 0; cell < rows * columns; ++cell) {
    if (random.chance(30)) cells.push_back(sorted ? cell : cell / columns * columns + random.below(columns));
  }
  RandomArray values = zt::test::packed_array(random, dtype, {cells.size()}, true);
  const unsigned width = random.chance(50) ? 4 : 8;
  const DType index = width == 4 ? DType::u32 : DType::u64;
  std::vector<std::uint64_t> indptr(rows + 1), indices, coords(2 * cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    ++indptr[cells[i] / columns + 1];
    indices.push_back(cells[i] % columns);
    coords[i] = cells[i] / columns;
    coords[cells.size() + i] = cells[i] % columns;
  }
  for (std::size_t i = 0; i < rows; ++i) indptr[i + 1] += indptr[i];
  const Bytes a = words(csr ? indices : coords, width), b = words(indptr, width);
  const zt::PartView parts[] = {{"values", values.view},
                                {csr ? "indices" : "coords", row(index, a, a.size() / width)},
                                {"indptr", row(index, b, rows + 1)}};
  writer.add_object(name, {rows, columns}, csr ? "sparse_csr" : "sparse_coo", std::span(parts).first(csr ? 3 : 2),
                    options);
}

void add_quantized(Random& random, zt::Writer& writer, const std::string& name, zt::AddOptions options) {
  if (!options.attributes.is_map()) options.attributes = Value::map();
  const std::uint64_t groups = random.between(1, 3), columns = 2 * random.between(1, 3);
  if (random.chance(50)) {
    for (const auto& [key, value] : Value::Map{{"axis", -1}, {"block_size", 4}}) {
      options.attributes.set(*key.text(), value);
    }
    const RandomArray data = zt::test::packed_array(random, DType::f8_e4m3fn, {columns, groups * 4}, true);
    const RandomArray scales = zt::test::packed_array(random, DType::f8_e8m0, {columns, groups}, true);
    const zt::PartView parts[] = {{"data", data.view}, {"scales", scales.view}};
    writer.add_object(name, {columns, groups * 4}, "zt.mx/1", parts, options);
    return;
  }
  const Value::Map needed = {{"bits", 4},
                             {"group_size", 2},
                             {"axis", 0},
                             {"packing", Value::Map{{"word", "u16"}, {"order", "lsb_first"}, {"per_word", 4}}},
                             {"scale_form", "f32_factors"},
                             {"zero_point", Value::Map{{"form", "none"}}}};
  for (const auto& [key, value] : needed) options.attributes.set(*key.text(), value);
  const RandomArray data = zt::test::packed_array(random, DType::u16, {groups, columns}, true);
  const RandomArray scales = zt::test::packed_array(random, DType::f32, {groups * 2, columns}, true);
  const zt::PartView parts[] = {{"data", data.view}, {"scales", scales.view}};
  writer.add_object(name, {groups * 4, columns}, "zt.quant_group/1", parts, options);
}

void add_group(Random& random, zt::Writer& writer, const std::string& name, const zt::AddOptions& options) {
  std::map<std::string, RandomArray> arrays;
  for (std::uint64_t left = random.below(4); left > 0; --left) {
    arrays[random.text(4)] = zt::test::random_array(random, random.dtype(), random.shape(3, 100));
  }
  std::vector<zt::PartView> parts;
  for (const auto& [role, array] : arrays) parts.push_back({role, array.view});
  writer.add_object(name, random.shape(3, 1000), "acme.group", parts, options);
}

void add_dense(Random& random, zt::Writer& writer, const std::string& name, const zt::AddOptions& options) {
  RandomArray array = zt::test::random_array(random, random.dtype(), random.shape(4, 500));
  if (array.view.dtype == DType::boolean && random.chance(20)) array.memory.assign(array.memory.size(), std::byte{3});
  writer.add(name, array.view, options);
}

std::string odd_name(Random& random, int number) {
  static constexpr const char* kOdd[] = {"e\xCC\x81", "\xE2\x84\xAB", "\xEF\xAC\x81", " ",
                                         "\x01",      "../up",        "\"",           "a/b"};
  return std::to_string(number) + (random.chance(30) ? random.pick(kOdd) : random.text(6));
}

// Whether the format can hold the attributes of a file.
bool can_begin(const zt::WriterOptions& options) {
  return zt::test::answers([&] { zt::test::written(options, [](zt::Writer&) {}); });
}

// A file of random tensors that its format can hold.
Bytes random_file(Random& random, const Format& format) {
  zt::WriterOptions options = format.options;
  options.attributes = random.attributes();
  if (!can_begin(options)) options.attributes = Value(Value::Map{{"made", random.text(4)}});
  return zt::test::written(options, [&](zt::Writer& writer) {
    std::string last;
    const int count = static_cast<int>(random.below(7));
    for (int i = 0; i < count; ++i) {
      const std::string name = odd_name(random, i);
      const auto add = [&](const Value& attributes) {
        zt::AddOptions with;
        with.attributes = attributes;
        switch (random.below(6)) {
          case 0: return add_sparse(random, writer, name, with);
          case 1: return add_quantized(random, writer, name, with);
          case 2: return add_group(random, writer, name, with);
          case 3:
            if (!last.empty()) return writer.add_alias(name, last);
            [[fallthrough]];
          default: return add_dense(random, writer, name, with);
        }
      };
      // If the format refuses it, it may pass with simpler attributes.
      const bool added = zt::test::answers([&] { add(random.attributes()); }) ||
                         zt::test::answers([&] { add(tame_attributes(random)); }) ||
                         zt::test::answers([&] { add({}); });
      if (added) last = name;
    }
  });
}

// --- moving

bool has_attributes(const zt::Source& source) {
  const Value attributes = source.attributes();
  return attributes.is_map() && !attributes.members()->empty();
}

// Keeps the attributes of the file, if the format can hold them.
zt::WriterOptions with_attributes(zt::WriterOptions options, const zt::Source& source) {
  options.attributes = source.attributes();
  if (!can_begin(options)) options.attributes = {};
  return options;
}

// Moves the tensors that can be moved. The names of refused tensors go to `refused`.
Bytes moved(const zt::Source& source, zt::WriterOptions options, std::vector<std::string>& refused,
            std::vector<std::string>* losses = nullptr) {
  options = with_attributes(options, source);
  options.lossy = losses != nullptr;
  return zt::test::written(options, [&](zt::Writer& writer) {
    for (const zt::Tensor tensor : source) {
      try {
        writer.add_stored(tensor.name(), tensor);
      } catch (const zt::Error& error) {
        refused.emplace_back(tensor.name());
        EXPECT_EQ(error.code(), zt::Code::unsupported) << error.what();
        const std::string rule = error.rule();
        EXPECT_TRUE(rule == "write.loss" || rule == "write.beyond" || rule == "write.name")
            << rule << ": " << error.what();
        EXPECT_NE(std::string(error.what()).find("tensor "), std::string::npos) << error.what();
      }
    }
    if (losses != nullptr) *losses = writer.losses();
  });
}

// The same format again, without some of the tensors.
Bytes without(const zt::Source& source, const zt::WriterOptions& options, const std::vector<std::string>& names) {
  return zt::test::written(with_attributes(options, source), [&](zt::Writer& writer) {
    for (const zt::Tensor tensor : source) {
      if (std::ranges::find(names, tensor.name()) == names.end()) writer.add_stored(tensor.name(), tensor);
    }
  });
}

// Checks that the file has no fault, and that all ways to its bytes agree.
void expect_sound(const Bytes& file) {
  const zt::Source source = zt::test::open_bytes(file);
  for (const zt::Finding& finding : zt::check(source).findings) {
    ADD_FAILURE() << finding.error.rule() << ": " << finding.error.what();
  }
  for (const zt::Tensor tensor : source) {
    EXPECT_FALSE(tensor.unreadable()) << tensor.unreadable()->what();
    for (std::size_t i = 0; i < tensor.parts(); ++i) {
      const zt::Part part = tensor.part(i);
      const Bytes bytes = part.read();
      EXPECT_EQ(bytes.size(), part.measure());
      Bytes into(bytes.size());
      part.read_into(into, zt::Verify::always);
      EXPECT_TRUE(into == bytes);
      if (part.encoding() != "raw") continue;
      const zt::Bytes mapped = part.map();
      EXPECT_TRUE(std::ranges::equal(mapped.view(), bytes));
      const auto stored = std::span(file).subspan(part.offset(), part.stored_length());
      EXPECT_TRUE(std::ranges::equal(stored, bytes));
    }
  }
}

void expect_same(const Bytes& a, const Bytes& b, bool attributes) {
  const zt::Source left = zt::test::open_bytes(a), right = zt::test::open_bytes(b);
  EXPECT_EQ(zt::content_id(left), zt::content_id(right));
  zt::DiffReport report = zt::diff(left, right);
  if (!attributes) std::erase_if(report.differences, [](const zt::Difference& one) { return !one.tensor; });
  EXPECT_TRUE(report.same()) << zt::diff_json(left, right, report);
}

TEST(Generations, AnyToAnyOtherAndBackIsTheSameOrIsRefused) {
  Random random(51);
  const std::vector<Format> all = formats();
  int refusals = 0, moves = 0, attributes_moved = 0;
  for (int round = 0; round < zt::test::rounds(60); ++round) {
    for (const Format& from : all) {
      const Bytes file = random_file(random, from);
      const zt::Source source = zt::test::open_bytes(file);
      for (const Format& to : all) {
        SCOPED_TRACE(random.name() + ", round " + std::to_string(round) + ", " + from.name + " to " + to.name);
        std::vector<std::string> refused, none;
        const Bytes there = moved(source, to.options, refused);
        const Bytes back = moved(zt::test::open_bytes(there), from.options, none);
        EXPECT_TRUE(none.empty()) << none[0] << " came from there";
        const Bytes kept = without(source, from.options, refused);
        expect_sound(there);
        const bool attributes = has_attributes(zt::test::open_bytes(there)) == has_attributes(source);
        expect_same(kept, there, attributes);
        expect_same(kept, back, attributes);
        EXPECT_TRUE(attributes || std::string_view(from.name) != to.name);
        attributes_moved += attributes && has_attributes(source) ? 1 : 0;
        EXPECT_TRUE(refused.empty() || std::string_view(from.name) != to.name) << refused[0];
        refusals += static_cast<int>(refused.size());
        moves += static_cast<int>(zt::test::open_bytes(there).size());
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(moves, refusals);
  EXPECT_GT(refusals, 0);
  EXPECT_GT(attributes_moved, 0);
}

// --- losses that the caller allows

// Whether every generation can hold the value: then it must not change.
bool is_plain(const Value& value) {
  if (value.tag() != nullptr || value.is_undefined() || value.simple() != nullptr) return false;
  if (const double* number = value.floating()) return !std::isnan(*number);
  if (const auto* items = value.array()) return std::ranges::all_of(*items, is_plain);
  if (const auto* members = value.members()) {
    for (const auto& [key, held] : *members) {
      if (!is_plain(key) || !is_plain(held)) return false;
    }
    return zt::test::answers([&] { (void)value.encode_sorted(); });  // no key twice
  }
  return true;
}

std::uint64_t entries_of(const zt::Tensor& tensor) {
  const bool csr = tensor.layout() == "sparse_csr";
  const zt::Part part = tensor.part(csr ? "indices" : "coords");
  return part.measure() * 8 / zt::dtype_bits(part.dtype()) / (csr ? 1 : tensor.shape().size());
}

void expect_rest(const zt::Tensor& before, const zt::Tensor& after, bool has_attributes) {
  EXPECT_EQ(before.layout(), after.layout());
  EXPECT_TRUE(std::ranges::equal(before.shape(), after.shape()));
  const Value old = before.attributes(), kept = after.attributes();
  for (const auto& one : old.is_map() ? *old.members() : Value::Map{}) {
    const std::string* text = one.first.text();
    if (!has_attributes || text == nullptr || text->empty() || !is_plain(one.second)) continue;
    const auto same = [&](const auto& member) { return member.first == one.first; };
    if (std::ranges::count_if(*old.members(), same) > 1) continue;
    ASSERT_NE(kept.find(*text), nullptr);
    EXPECT_EQ(kept.find(*text)->encode_sorted(), one.second.encode_sorted());
  }
  const bool sparse = before.layout().starts_with("sparse");
  for (std::size_t i = 0; i < after.parts(); ++i) {
    const zt::Part part = after.part(i);
    const Bytes was = before.part(part.role()).read(), is = part.read();
    if (sparse) continue;  // its entries get sorted
    if (before.part(part.role()).dtype() != DType::boolean) {
      EXPECT_TRUE(was == is);
      continue;
    }
    ASSERT_EQ(was.size(), is.size());
    for (std::size_t at = 0; at < is.size(); ++at) EXPECT_EQ(was[at] != std::byte{0}, is[at] != std::byte{0});
  }
  if (!sparse) return;
  // The values of a tensor in dense form.
  const auto cells = [](const zt::Tensor& tensor) {
    std::map<std::vector<std::uint64_t>, Bytes> out;
    const std::uint64_t nnz = entries_of(tensor);
    const zt::SparseIndices indices = tensor.read_indices(nnz);
    Bytes values = tensor.part("values").read();
    if (tensor.dtype() == DType::f4_e2m1) {  // an element a byte
      Bytes wide;
      for (const std::byte pair : values) wide.insert(wide.end(), {pair & std::byte{15}, pair >> 4});
      values = wide;
    }
    const std::size_t width = std::max(1U, zt::dtype_bits(tensor.dtype()) / 8);
    std::uint64_t line = 0;
    for (std::size_t i = 0; i < nnz; ++i) {
      std::vector<std::uint64_t> cell;
      if (tensor.layout() == "sparse_csr") {
        while (indices.indptr[line + 1] <= i) ++line;
        cell = {line, indices.indices[i]};
      } else {
        cell = {indices.indices[i], indices.indices[nnz + i]};
      }
      std::vector<std::byte> value(values.begin() + static_cast<std::ptrdiff_t>(i * width),
                                   values.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
      if (tensor.dtype() == DType::boolean) value[0] = std::byte(value[0] != std::byte{0});
      out.emplace(std::move(cell), std::move(value));
    }
    return out;
  };
  EXPECT_TRUE(cells(before) == cells(after));
}

TEST(Generations, WhatIsGivenUpIsToldAndTheRestIsTheSame) {
  Random random(52);
  const std::vector<Format> all = formats();
  int told = 0;
  for (int round = 0; round < zt::test::rounds(40); ++round) {
    for (const Format& from : all) {
      const zt::Source source = zt::test::open_bytes(random_file(random, from));
      for (const Format& to : all) {
        SCOPED_TRACE(random.name() + ", round " + std::to_string(round) + ", " + from.name + " to " + to.name);
        std::vector<std::string> refused, fatal, losses;
        moved(source, to.options, refused);
        const Bytes there = moved(source, to.options, fatal, &losses);
        for (const std::string& name : fatal) EXPECT_NE(std::ranges::find(refused, name), refused.end());
        expect_sound(there);
        const zt::Source result = zt::test::open_bytes(there);
        EXPECT_EQ(result.size(), source.size() - fatal.size());
        for (const zt::Tensor tensor : result) {
          const bool lost = std::ranges::find(refused, tensor.name()) != refused.end();
          const auto about = [&](const std::string& line) {
            return line.starts_with(std::string(tensor.name()) + ":");
          };
          EXPECT_EQ(std::ranges::any_of(losses, about), lost) << tensor.name();
          expect_rest(source.tensor(tensor.name()), tensor, std::string_view(to.options.to) != "1.0");
        }
        told += static_cast<int>(losses.size());
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(told, 0);
}

TEST(Generations, AttributesTooDeepForAReaderAreALoss) {
  const std::vector<Format> all = formats();
  int refused_depths = 0;
  for (int depth = 1; depth < 45; ++depth) {
    SCOPED_TRACE(depth);
    Value value(1);
    for (int i = 0; i < depth; ++i) value = Value(Value::Array{value});
    const Bytes file = zt::test::written({.to = "1.2"}, [&](zt::Writer& writer) {
      const float one[] = {1};
      zt::AddOptions options;
      options.attributes = Value(Value::Map{{"deep", value}, {"flat", 1}});
      writer.add("w", {1}, std::span<const float>(one), options);
    });
    for (const Format& to : all) {
      if (std::string_view(to.options.to) != "2") continue;
      std::vector<std::string> refused, none, losses;
      const Bytes there = moved(zt::test::open_bytes(file), to.options, refused);
      expect_sound(there);
      if (refused.empty()) expect_same(file, there, true);
      const Bytes less = moved(zt::test::open_bytes(file), to.options, none, &losses);
      expect_sound(less);
      EXPECT_TRUE(none.empty());
      EXPECT_EQ(losses.size(), refused.size());
      EXPECT_EQ(zt::test::open_bytes(less).tensor("w").attributes().find("deep") != nullptr, refused.empty());
      refused_depths += static_cast<int>(refused.size());
    }
  }
  EXPECT_GT(refused_depths, 30);
}

// --- the canonical form

TEST(Generations, CanonicalBytesDependOnNothingButTheTensors) {
  Random random(53);
  const std::vector<Format> all = formats();
  for (int round = 0; round < zt::test::rounds(150); ++round) {
    SCOPED_TRACE(random.name() + ", round " + std::to_string(round));
    const Format& from = all[random.below(all.size())];
    const zt::Source source = zt::test::open_bytes(random_file(random, from));
    std::vector<std::string> refused;
    const zt::WriterOptions canonical = with_attributes({.to = "2", .canonical = true}, source);
    const Bytes first = moved(source, canonical, refused);
    const zt::Source read = zt::test::open_bytes(first);
    std::vector<std::size_t> order(read.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (int again = 0; again < 3; ++again) {
      // Makes the file by moving tensors, and by adding them from memory.
      const Bytes second = zt::test::written(canonical, [&](zt::Writer& writer) {
        for (const std::size_t i : order) writer.add_stored(read[i].name(), read[i]);
      });
      EXPECT_TRUE(first == second);
      const Bytes third = zt::test::written(canonical, [&](zt::Writer& writer) {
        for (const std::size_t i : order) {
          std::vector<Bytes> held;
          for (std::size_t part = 0; part < read[i].parts(); ++part) held.push_back(read[i].part(part).read());
          std::vector<std::string> roles;
          std::vector<zt::PartView> parts;
          for (std::size_t part = 0; part < held.size(); ++part) roles.emplace_back(read[i].part(part).role());
          for (std::size_t part = held.size(); part-- > 0;) {  // in another order of parts, too
            const DType dtype = read[i].part(part).dtype();
            std::uint64_t elements = held[part].size() * 8 / zt::dtype_bits(dtype);
            if (roles[part] == "values" && dtype == DType::f4_e2m1) elements = entries_of(read[i]);
            const bool dense = read[i].layout() == "dense";
            zt::ArrayView view = row(dtype, held[part], elements);
            if (dense) view.shape.assign(read[i].shape().begin(), read[i].shape().end());
            parts.push_back({roles[part], view});
          }
          zt::AddOptions options;
          options.attributes = read[i].attributes();
          const zt::Shape shape(read[i].shape().begin(), read[i].shape().end());
          writer.add_object(read[i].name(), shape, read[i].layout(), parts, options);
        }
      });
      EXPECT_TRUE(first == third);
      for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    }
    if (HasFailure()) return;
  }
}

}  // namespace
