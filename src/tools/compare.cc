#include "tools/compare.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "source/elements.h"
#include "source/indices.h"
#include "tools/piece_walk.h"
#include "ztensor/info.h"

namespace zt::tools {
namespace {

using Kind = Difference::Kind;

constexpr auto kAny = Value::Sorted::any;
constexpr std::uint32_t kDeep = ~std::uint32_t{0};  // no limit: parsing has limited the depth of the values

Value shape_value(std::span<const std::uint64_t> shape) { return Value::Array(shape.begin(), shape.end()); }
Value text_value(std::string_view text) { return {text}; }

bool is_empty(const Value& attributes) { return attributes.members() == nullptr || attributes.members()->empty(); }

std::optional<Value> whole(const Value& value) { return is_empty(value) ? std::nullopt : std::optional(value); }

// The first value of each key, by the encoding of the key.
using Members = std::map<std::vector<std::byte>, std::pair<const Value*, const Value*>>;
Members members_of(const Value& attributes) {
  Members members;
  if (attributes.members() == nullptr) return members;
  for (const auto& [key, value] : *attributes.members()) {
    members.try_emplace(key.encode_sorted(kAny, kDeep), &key, &value);
  }
  return members;
}

// Compares elements of `width` bytes: which ones differ, and how far. For float4 a byte counts as two elements.
class Scan {
 public:
  explicit Scan(DType dtype) : width_(std::max(1U, dtype_bits(dtype) / 8)), halves_(dtype == DType::f4_e2m1) {
    found_.dtype = dtype;
  }

  // Takes the next bytes of both, in whole elements.
  void compare(std::span<const std::byte> a, std::span<const std::byte> b) {
    if (std::memcmp(a.data(), b.data(), a.size()) != 0) {
      for (std::size_t at = 0; at < a.size(); at += width_) {
        if (std::memcmp(a.data() + at, b.data() + at, width_) != 0) compare_element(a.data() + at, b.data() + at, at);
      }
    }
    passed_ += a.size() / width_;
  }

  std::optional<Difference> result(const Tensor& tensor, std::string_view role) &&;

 private:
  void compare_element(const std::byte* a, const std::byte* b, std::size_t at) {
    const std::uint64_t element = passed_ + at / width_;
    if (!halves_) return note(element, a, b, false);
    for (const bool high : {false, true}) {
      const std::byte mask = high ? std::byte{0xF0} : std::byte{0x0F};
      if (((*a ^ *b) & mask) != std::byte{0}) note(2 * element + (high ? 1 : 0), a, b, high);
    }
  }
  void note(std::uint64_t element, const std::byte* a, const std::byte* b, bool high) {
    if (found_.differing++ == 0) {
      found_.first = element;
      a_ = source::element_value(found_.dtype, a, high);
      b_ = source::element_value(found_.dtype, b, high);
    }
    const auto distance = source::element_distance(found_.dtype, a, b, high);
    if (distance && !(distance < found_.largest)) found_.largest = distance;
  }

  std::size_t width_;
  bool halves_;
  std::uint64_t passed_ = 0;  // elements, or bytes of float4
  ContentDifference found_;
  Value a_;
  Value b_;
};

// The index of element `number` of a row-major array; empty if the array has fewer elements.
std::vector<std::uint64_t> index_of(std::uint64_t number, std::span<const std::uint64_t> shape) {
  std::vector<std::uint64_t> index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] == 0) return {};
    index[axis] = number % shape[axis];
    number /= shape[axis];
  }
  return number == 0 ? index : std::vector<std::uint64_t>();
}

std::optional<Difference> Scan::result(const Tensor& tensor, std::string_view role) && {
  if (found_.differing == 0) return std::nullopt;
  found_.elements = halves_ ? 2 * passed_ : passed_;
  if (tensor.layout() == "dense") {
    found_.at = index_of(found_.first, tensor.shape());
    if (halves_) found_.elements = tensor.elements();  // the last byte may hold only one element
  }
  return Difference{.kind = Kind::contents,
                    .tensor = std::string(tensor.name()),
                    .part = std::string(role),
                    .a = std::move(a_),
                    .b = std::move(b_),
                    .contents = std::move(found_)};
}

Difference length_difference(const Tensor& tensor, std::string_view role, std::uint64_t a, std::uint64_t b) {
  return {.kind = Kind::length,
          .tensor = std::string(tensor.name()),
          .part = std::string(role),
          .a = Value(a),
          .b = Value(b)};
}

}  // namespace

std::uint64_t PartPair::work() const { return a.length().value_or(a.stored_length()); }

void compare_attributes(const std::optional<std::string>& tensor, const Value& a, const Value& b,
                        std::vector<Difference>& differences) {
  if (is_empty(a) && is_empty(b)) return;
  if (a.encode_sorted(kAny, kDeep) == b.encode_sorted(kAny, kDeep)) return;
  const std::size_t before = differences.size();
  const auto add = [&](const Value* key, const Value* left, const Value* right) {
    Difference difference{.kind = Kind::attribute, .tensor = tensor};
    difference.key = key->text() != nullptr ? *key->text() : json_value(*key);
    if (left != nullptr) difference.a = *left;
    if (right != nullptr) difference.b = *right;
    differences.push_back(std::move(difference));
  };
  const Members left = members_of(a);
  const Members right = members_of(b);
  for (const auto& [encoded, member] : left) {
    const auto other = right.find(encoded);
    if (other == right.end()) {
      add(member.first, member.second, nullptr);
    } else if (member.second->encode_sorted(kAny, kDeep) != other->second.second->encode_sorted(kAny, kDeep)) {
      add(member.first, member.second, other->second.second);
    }
  }
  for (const auto& [encoded, member] : right) {
    if (!left.contains(encoded)) add(member.first, nullptr, member.second);
  }
  if (differences.size() != before) return;  // if nothing was found, they differ in a second value of one key
  differences.push_back({.kind = Kind::attribute, .tensor = tensor, .a = whole(a), .b = whole(b)});
}

bool compare_metadata(const Tensor& a, const Tensor& b, std::vector<Difference>& differences,
                      std::vector<PartPair>& pairs) {
  const std::size_t before = differences.size();
  const std::string name(a.name());
  const auto add = [&](Kind kind, std::string_view part, std::optional<Value> left, std::optional<Value> right) {
    differences.push_back(
        {.kind = kind, .tensor = name, .part = std::string(part), .a = std::move(left), .b = std::move(right)});
  };
  if (!std::ranges::equal(a.shape(), b.shape())) add(Kind::shape, "", shape_value(a.shape()), shape_value(b.shape()));
  const bool comparable = differences.size() == before && a.layout() == b.layout();
  if (a.layout() != b.layout()) {
    add(Kind::layout, "", text_value(a.layout()), text_value(b.layout()));
  } else {
    for (std::size_t i = 0; i < a.parts(); ++i) {
      const Part part = a.part(i);
      const auto other = b.find_part(part.role());
      const auto dtype = text_value(dtype_name(part.dtype()));
      if (!other) {
        add(Kind::part, part.role(), dtype, {});
        continue;
      }
      const bool indices = source::is_index_part(a.layout(), part.role(), part.dtype()) &&
                           source::is_index_part(b.layout(), part.role(), other->dtype());
      if (!indices && part.dtype() != other->dtype()) {
        add(Kind::dtype, part.role(), dtype, text_value(dtype_name(other->dtype())));
      } else if (comparable) {
        pairs.push_back({part, *other, indices});
      }
    }
    for (std::size_t i = 0; i < b.parts(); ++i) {
      const Part part = b.part(i);
      if (!a.find_part(part.role())) add(Kind::part, part.role(), {}, text_value(dtype_name(part.dtype())));
    }
  }
  compare_attributes(name, a.attributes(), b.attributes(), differences);
  return differences.size() == before;
}

std::optional<Difference> compare_contents(const Tensor& tensor, const PartPair& pair, run::Meter& meter) {
  PieceWalk a(pair.a, pair.indices);
  PieceWalk b(pair.b, pair.indices);
  if (a.items() != b.items() || a.stray() != b.stray()) {
    return length_difference(tensor, pair.a.role(), a.length(), b.length());
  }
  const unsigned width = std::max(1U, dtype_bits(pair.a.dtype()) / 8);
  // A part that ends inside an element is compared by bytes.
  const DType dtype = a.length() % width == 0 ? pair.a.dtype() : DType::u8;
  Scan scan(pair.indices ? DType::u64 : dtype);
  const bool whole = for_each_piece(
      meter, [&](std::span<const std::byte> left, std::span<const std::byte> right) { scan.compare(left, right); }, a,
      b);
  if (!whole) return std::nullopt;
  return std::move(scan).result(tensor, pair.a.role());
}

void check_same(const Tensor& expected, const Tensor& found, run::Meter& meter) {
  std::vector<Difference> differences;
  std::vector<PartPair> pairs;
  compare_metadata(expected, found, differences, pairs);
  for (std::size_t i = 0; i < pairs.size() && differences.empty(); ++i) {
    if (auto difference = compare_contents(expected, pairs[i], meter)) differences.push_back(std::move(*difference));
  }
  if (differences.empty()) return;
  const Difference& first = differences.front();
  const std::string part = first.part.empty() ? "" : "part " + in_quotes(first.part) + ": ";
  throw Error(Code::mismatch, "convert.readback",
              "tensor " + in_quotes(expected.name()) + ": " + part + "its " + std::string(difference_name(first.kind)) +
                  " differs between what was written and what was read back");
}

}  // namespace zt::tools
