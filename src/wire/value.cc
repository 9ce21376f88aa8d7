#include "ztensor/value.h"

#include <bit>
#include <limits>

#include "base/utf8.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt {
namespace {

// A container that parse() is inside of.
struct Open {
  wire::CborItem head;
  Value::Array items = {};   // of an array, or the one value of a tag
  Value::Map members = {};   // of a map
  bool wants_value = false;  // a map's last member has its key only

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
      open.push_back({.head = item});  // no room is made ahead: nested counts may each claim all that is left
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
  std::vector<const Value*> pending = {this};  // the next one last
  const auto write_text = [&](const std::string& text) {
    if (!is_utf8(text)) throw Error(Code::usage, "", "text " + in_quotes(text) + " is not UTF-8");
    writer.text(text);
  };
  const auto write_simple = [&](Simple simple) {
    if (simple.number >= 20 && simple.number < 32) {
      throw Error(Code::usage, "", std::to_string(simple.number) + " is not a simple value");
    }
    writer.simple(simple.number);
  };
  const auto write = [&](const auto& data) {
    using T = std::decay_t<decltype(data)>;
    if constexpr (std::is_same_v<T, std::monostate>) writer.null();
    if constexpr (std::is_same_v<T, bool>) writer.boolean(data);
    if constexpr (std::is_same_v<T, std::uint64_t>) writer.unsigned_integer(data);
    if constexpr (std::is_same_v<T, Negative>) writer.negative_integer(data.number);
    if constexpr (std::is_same_v<T, double>) writer.floating(data);
    if constexpr (std::is_same_v<T, std::string>) write_text(data);
    if constexpr (std::is_same_v<T, std::vector<std::byte>>) writer.bytes(data);
    if constexpr (std::is_same_v<T, Undefined>) writer.undefined();
    if constexpr (std::is_same_v<T, Simple>) write_simple(data);
    if constexpr (std::is_same_v<T, Array>) {
      writer.array(data.size());
      for (auto item = data.rbegin(); item != data.rend(); ++item) pending.push_back(&*item);
    }
    if constexpr (std::is_same_v<T, Map>) {
      writer.map(data.size());
      for (auto member = data.rbegin(); member != data.rend(); ++member) {
        pending.push_back(&member->second);
        pending.push_back(&member->first);
      }
    }
    if constexpr (std::is_same_v<T, std::shared_ptr<const Tag>>) {
      writer.tag(data->number);
      pending.push_back(&data->content);
    }
  };
  while (!pending.empty()) {
    const Value* value = pending.back();
    pending.pop_back();
    std::visit(write, value->data_);
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
