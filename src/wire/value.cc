#include "ztensor/value.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/utf8.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt {
namespace {

// A container that parse() is inside of.
struct Open {
  wire::CborItem head;
  Value::Array items = {};   // the items of an array, or the one value of a tag
  Value::Map members = {};   // the members of a map
  bool wants_value = false;  // the last member of a map has only its key yet

  void add(Value value) {
    if (head.kind != wire::CborKind::map) {
      items.push_back(std::move(value));
    } else if (wants_value) {
      members.back().second = std::move(value);
      wants_value = false;
    } else {
      members.emplace_back(std::move(value), Value());
      wants_value = true;
    }
  }

  Value build() {
    switch (head.kind) {
      case wire::CborKind::map: return Value(std::move(members));
      case wire::CborKind::tag: return Value::tagged(head.number, std::move(items.front()));
      default: return Value(std::move(items));
    }
  }
};

bool is_container(const wire::CborItem& item) {
  return item.kind == wire::CborKind::array || item.kind == wire::CborKind::map || item.kind == wire::CborKind::tag;
}

Value scalar(const wire::CborItem& item) {
  switch (item.kind) {
    case wire::CborKind::unsigned_integer: return Value(item.number);
    case wire::CborKind::negative_integer: return Value(Value::Negative{item.number});
    case wire::CborKind::bytes: return Value(std::vector<std::byte>(item.content.begin(), item.content.end()));
    case wire::CborKind::text: return Value(as_text(item.content));
    case wire::CborKind::boolean: return Value(item.number != 0);
    case wire::CborKind::undefined: return Value(Value::Undefined{});
    case wire::CborKind::simple: return Value(Value::Simple{static_cast<std::uint8_t>(item.number)});
    case wire::CborKind::floating: return Value(item.floating);
    default: return Value();
  }
}

// Writes a value that holds no other value.
void write_scalar(wire::CborWriter& writer, const Value& value) {
  if (const bool* flag = value.boolean()) return writer.boolean(*flag);
  if (const auto number = value.unsigned_integer()) return writer.unsigned_integer(*number);
  if (const auto* negative = value.negative()) return writer.negative_integer(negative->number);
  if (const double* number = value.floating()) return writer.floating(*number);
  if (const auto* bytes = value.bytes()) return writer.bytes(*bytes);
  if (value.is_undefined()) return writer.undefined();
  if (const std::string* text = value.text()) {
    if (!is_utf8(*text)) throw Error(Code::usage, "", "text " + in_quotes(*text) + " is not UTF-8");
    return writer.text(*text);
  }
  if (const auto* simple = value.simple()) {
    if (simple->number >= 20 && simple->number < 32) {
      throw Error(Code::usage, "",
                  std::to_string(simple->number) + " is not a simple value: use 0 to 19, or 32 to 255");
    }
    return writer.simple(simple->number);
  }
  writer.null();
}

// Throws usage for a value that the deterministic form of generation 2 cannot hold.
void check_strict(const Value& value) {
  const char* found = value.tag() != nullptr      ? "a tag"
                      : value.is_undefined()      ? "undefined"
                      : value.simple() != nullptr ? "a simple value"
                                                  : nullptr;
  if (found != nullptr) throw Error(Code::usage, "", std::string("deterministic CBOR cannot hold ") + found);
}

// A container that encode_sorted() is inside of.
class SortedLevel {
 public:
  explicit SortedLevel(const Value& value ZT_LIFETIME_BOUND)
      : items_(value.array()), members_(value.members()), tag_(value.tag()) {}

  bool is_container() const { return items_ != nullptr || members_ != nullptr || tag_ != nullptr; }
  void write_head(wire::CborWriter& writer) const {
    if (items_ != nullptr) {
      writer.array(items_->size());
    } else if (members_ != nullptr) {
      writer.map(members_->size());
    } else {
      writer.tag(tag_->number);
    }
  }
  // The value to write next, at offset `at`, or null.
  const Value* next(std::size_t at) {
    const std::size_t number = passed_++;
    if (items_ != nullptr) return number < items_->size() ? &(*items_)[number] : nullptr;
    if (members_ == nullptr) return number == 0 ? &tag_->content : nullptr;
    starts_.push_back(at);
    if (number / 2 >= members_->size()) return nullptr;
    const auto& [key, value] = (*members_)[number / 2];
    return number % 2 == 0 ? &key : &value;
  }
  // Sorts the members of a map, which are at the end of the buffer, by their encoded keys.
  void sort(std::vector<std::byte>& buffer, Value::Sorted sorted) const;

 private:
  std::span<const std::byte> key_of(std::span<const std::byte> buffer, std::size_t member) const {
    return buffer.subspan(starts_[2 * member], starts_[2 * member + 1] - starts_[2 * member]);
  }
  const Value::Array* items_;
  const Value::Map* members_;
  const Value::Tag* tag_;
  std::size_t passed_ = 0;
  std::vector<std::size_t> starts_ = {};  // where each key and each value begins, and where the last one ends
};

void SortedLevel::sort(std::vector<std::byte>& buffer, Value::Sorted sorted) const {
  if (members_ == nullptr) return;
  const auto compare = [&](std::size_t a, std::size_t b) {
    const auto left = key_of(buffer, a);
    const auto right = key_of(buffer, b);
    const int order = std::memcmp(left.data(), right.data(), std::min(left.size(), right.size()));
    return order != 0 ? order : static_cast<int>(left.size() > right.size()) - (left.size() < right.size());
  };
  std::vector<std::size_t> order(members_->size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // The sort is stable, so equal keys, which only Sorted::any allows, keep their order.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return compare(a, b) < 0; });
  for (std::size_t i = 1; sorted == Value::Sorted::strict && i < order.size(); ++i) {
    if (compare(order[i - 1], order[i]) == 0) throw Error(Code::usage, "", "a map has the same key twice");
  }
  if (std::is_sorted(order.begin(), order.end())) return;
  const std::vector<std::byte> unsorted(buffer.begin() + static_cast<std::ptrdiff_t>(starts_.front()), buffer.end());
  auto out = buffer.begin() + static_cast<std::ptrdiff_t>(starts_.front());
  for (const std::size_t member : order) {
    const std::size_t first = starts_[2 * member] - starts_.front();
    const std::size_t last = starts_[2 * member + 2] - starts_.front();
    out = std::copy(unsorted.data() + first, unsorted.data() + last, out);
  }
}

}  // namespace

Value::Value(std::int64_t number) {
  if (number < 0) {
    data_ = Negative{~static_cast<std::uint64_t>(number)};  // -1 - number, which cannot overflow this way
  } else {
    data_ = static_cast<std::uint64_t>(number);
  }
}

Value Value::tagged(std::uint64_t tag, Value content) {
  Value value;
  value.data_ = std::make_shared<const Tag>(Tag{tag, std::move(content)});
  return value;
}

std::optional<std::int64_t> Value::integer() const noexcept {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (const auto* number = std::get_if<std::uint64_t>(&data_); number != nullptr && *number <= kMost) {
    return static_cast<std::int64_t>(*number);
  }
  if (const Negative* below = negative(); below != nullptr && below->number <= kMost) {
    return -1 - static_cast<std::int64_t>(below->number);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Value::unsigned_integer() const noexcept {
  const auto* number = std::get_if<std::uint64_t>(&data_);
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

const Value::Tag* Value::tag() const noexcept {
  const auto* held = std::get_if<std::shared_ptr<const Tag>>(&data_);
  return held != nullptr ? held->get() : nullptr;
}

const Value* Value::find(std::string_view key) const noexcept {
  const Map* map = members();
  if (map == nullptr) return nullptr;
  for (const auto& [name, value] : *map) {
    if (name.text() != nullptr && *name.text() == key) return &value;
  }
  return nullptr;
}

void Value::set(std::string_view key, Value value) {
  if (is_null()) data_ = Map{};
  Map* map = std::get_if<Map>(&data_);
  if (map == nullptr) {
    throw Error(Code::usage, "", "cannot set " + in_quotes(key) + " in a value that is not a map");
  }
  for (auto& [name, held] : *map) {
    if (name.text() != nullptr && *name.text() == key) {
      held = std::move(value);
      return;
    }
  }
  map->emplace_back(Value(key), std::move(value));
}

Value Value::parse(std::span<const std::byte> cbor, std::uint32_t depth) {
  wire::CborCursor cursor(cbor, {.depth = depth, .keep_tags = true});
  std::vector<Open> open;
  Value root;
  const auto place = [&](Value value) {
    if (open.empty()) {
      root = std::move(value);
    } else {
      open.back().add(std::move(value));
    }
  };
  do {
    const wire::CborItem item = cursor.read();
    if (is_container(item)) {
      open.push_back({.head = item});  // reserves nothing: each of many nested counts may claim all the bytes left
    } else {
      place(scalar(item));
    }
    while (!open.empty() && !open.back().wants_value && !cursor.more()) {
      Value built = open.back().build();
      open.pop_back();
      place(std::move(built));
    }
  } while (!open.empty());
  cursor.finish();
  return root;
}

std::vector<std::byte> Value::encode() const {
  wire::CborWriter writer;
  std::vector<const Value*> pending = {this};  // the next value is last
  while (!pending.empty()) {
    const Value* value = pending.back();
    pending.pop_back();
    if (const Array* items = value->array()) {
      writer.array(items->size());
      for (auto item = items->rbegin(); item != items->rend(); ++item) pending.push_back(&*item);
    } else if (const Map* members = value->members()) {
      writer.map(members->size());
      for (auto member = members->rbegin(); member != members->rend(); ++member) {
        pending.push_back(&member->second);
        pending.push_back(&member->first);
      }
    } else if (const Tag* tag = value->tag()) {
      writer.tag(tag->number);
      pending.push_back(&tag->content);
    } else {
      write_scalar(writer, *value);
    }
  }
  return std::move(writer.buffer());
}

std::vector<std::byte> Value::encode_sorted(Sorted sorted, std::uint32_t depth) const {
  wire::CborWriter writer;
  std::vector<SortedLevel> levels;
  const auto write = [&](const Value& value) {
    if (levels.size() >= depth) {
      throw Error(Code::usage, "", "the value nests more than " + std::to_string(depth) + " levels deep");
    }
    if (sorted == Sorted::strict) check_strict(value);
    if (const double* number = value.floating(); number != nullptr && std::isnan(*number)) {
      writer.floating(std::numeric_limits<double>::quiet_NaN());
    } else if (SortedLevel level(value); level.is_container()) {
      level.write_head(writer);
      levels.push_back(std::move(level));
    } else {
      write_scalar(writer, value);
    }
  };
  write(*this);
  while (!levels.empty()) {
    if (const Value* member = levels.back().next(writer.buffer().size())) {
      write(*member);
    } else {
      levels.back().sort(writer.buffer(), sorted);
      levels.pop_back();
    }
  }
  return std::move(writer.buffer());
}

bool operator==(const Value& a, const Value& b) noexcept {
  if (const double* number = a.floating(); number != nullptr && b.floating() != nullptr) {
    return std::bit_cast<std::uint64_t>(*number) == std::bit_cast<std::uint64_t>(*b.floating());
  }
  if (const Value::Tag* tag = a.tag(); tag != nullptr && b.tag() != nullptr) {
    return tag->number == b.tag()->number && tag->content == b.tag()->content;
  }
  return a.data_ == b.data_;
}

}  // namespace zt
