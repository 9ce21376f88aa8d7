#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ztensor/macros.h"

namespace zt {

// An attribute: any CBOR value. A plain value type; equality compares kind and content (NaN by its bits, maps in
// order).
class ZT_API Value {
 public:
  struct Undefined {
    friend bool operator==(Undefined, Undefined) = default;
  };
  struct Simple {
    std::uint8_t number;
    friend bool operator==(Simple, Simple) = default;
  };
  // -1 - number: also the negative integers that std::int64_t cannot hold.
  struct Negative {
    std::uint64_t number;
    friend bool operator==(Negative, Negative) = default;
  };
  using Array = std::vector<Value>;
  using Map = std::vector<std::pair<Value, Value>>;  // in the order of the file
  struct Tag;                                        // a CBOR tag around one value

  Value() : data_(std::monostate{}) {}  // null
  Value(bool flag) : data_(flag) {}
  Value(std::int64_t number);
  Value(int number) : Value(static_cast<std::int64_t>(number)) {}
  Value(std::uint64_t number) : data_(number) {}
  Value(double number) : data_(number) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(std::vector<std::byte> bytes) : data_(std::move(bytes)) {}
  Value(Array items) : data_(std::move(items)) {}
  Value(Map members) : data_(std::move(members)) {}
  Value(Undefined undefined) : data_(undefined) {}
  Value(Simple simple) : data_(simple) {}
  Value(Negative negative) : data_(negative) {}
  static Value tagged(std::uint64_t tag, Value content);
  static Value map() { return Value(Map{}); }

  bool is_null() const noexcept { return std::holds_alternative<std::monostate>(data_); }
  bool is_undefined() const noexcept { return std::holds_alternative<Undefined>(data_); }
  bool is_map() const noexcept { return std::holds_alternative<Map>(data_); }

  // The content when it is of that kind, else null (an empty optional).
  const bool* boolean() const noexcept { return std::get_if<bool>(&data_); }
  std::optional<std::int64_t> integer() const noexcept;  // either sign, when it fits
  std::optional<std::uint64_t> unsigned_integer() const noexcept;
  const Negative* negative() const noexcept { return std::get_if<Negative>(&data_); }
  const double* floating() const noexcept { return std::get_if<double>(&data_); }
  const std::string* text() const noexcept { return std::get_if<std::string>(&data_); }  // UTF-8
  const std::vector<std::byte>* bytes() const noexcept { return std::get_if<std::vector<std::byte>>(&data_); }
  const Array* array() const noexcept { return std::get_if<Array>(&data_); }
  const Map* members() const noexcept { return std::get_if<Map>(&data_); }
  const Simple* simple() const noexcept { return std::get_if<Simple>(&data_); }
  const Tag* tag() const noexcept;

  // In a map, the value at a text key, or null. Linear in the number of members.
  const Value* find(std::string_view key) const noexcept;
  // Makes a null value a map; sets or adds the member. Throws usage when the value is anything else.
  void set(std::string_view key, Value value);

  // One CBOR item, all of `cbor`. Throws malformed ("cbor.*" rules), limit for nesting past `depth`.
  static Value parse(std::span<const std::byte> cbor, std::uint32_t depth = 256);
  // Definite lengths, shortest heads, shortest floats that keep the value; maps in their order.
  std::vector<std::byte> encode() const;
  // The deterministic form of generation 2: as encode(), but the members of maps in the order of their encoded keys,
  // byte by byte, and every NaN the same one (f9 7e00), so that equal values give equal bytes whoever wrote them.
  // Throws usage for what that form cannot hold (tags, undefined, simple values, a key given twice), unless `any` value
  // is to have such bytes, equal keys in the order they had; and for values deeper than `depth`, counted as parse()
  // does.
  enum class Sorted { strict, any };
  std::vector<std::byte> encode_sorted(Sorted sorted = Sorted::strict, std::uint32_t depth = 256) const;

  friend ZT_API bool operator==(const Value& a, const Value& b) noexcept;

 private:
  // A Tag is held by pointer because it holds a Value.
  std::variant<std::monostate, bool, std::uint64_t, Negative, double, std::string, std::vector<std::byte>, Array, Map,
               Undefined, Simple, std::shared_ptr<const Tag>>
      data_;
};

struct Value::Tag {
  std::uint64_t number;
  Value content;
};

}  // namespace zt
