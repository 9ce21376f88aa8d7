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

// An attribute: any CBOR value. A plain value type. Values are equal if kind and content are: a NaN compares by its
// bits, a map in its order.
class ZT_API Value {
 public:
  struct Undefined {
    Undefined() = default;
    // Not trivial, so that a variant with it may be valueless. Otherwise, when memory runs out while a Value is copied,
    // the variant of libstdc++ 12 calls a function that is not there.
    Undefined(const Undefined& /*other*/) noexcept {}                            // NOLINT(modernize-use-equals-default)
    Undefined& operator=(const Undefined& /*other*/) noexcept { return *this; }  // NOLINT(modernize-use-equals-default)
    friend bool operator==(const Undefined&, const Undefined&) = default;
  };
  struct Simple {
    std::uint8_t number;
    friend bool operator==(Simple, Simple) = default;
  };
  // The integer -1 - number. It can be one that std::int64_t cannot hold.
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
  [[nodiscard]] static Value tagged(std::uint64_t tag, Value content);
  [[nodiscard]] static Value map() { return Value(Map{}); }

  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::monostate>(data_); }
  [[nodiscard]] bool is_undefined() const noexcept { return std::holds_alternative<Undefined>(data_); }
  [[nodiscard]] bool is_map() const noexcept { return std::holds_alternative<Map>(data_); }

  // The content, if the value is of this kind; else null, or an empty optional.
  [[nodiscard]] const bool* boolean() const noexcept { return std::get_if<bool>(&data_); }
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;  // either sign, if it fits
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer() const noexcept;
  [[nodiscard]] const Negative* negative() const noexcept { return std::get_if<Negative>(&data_); }
  [[nodiscard]] const double* floating() const noexcept { return std::get_if<double>(&data_); }
  [[nodiscard]] const std::string* text() const noexcept { return std::get_if<std::string>(&data_); }  // UTF-8
  [[nodiscard]] const std::vector<std::byte>* bytes() const noexcept {
    return std::get_if<std::vector<std::byte>>(&data_);
  }
  [[nodiscard]] const Array* array() const noexcept { return std::get_if<Array>(&data_); }
  [[nodiscard]] const Map* members() const noexcept { return std::get_if<Map>(&data_); }
  [[nodiscard]] const Simple* simple() const noexcept { return std::get_if<Simple>(&data_); }
  [[nodiscard]] const Tag* tag() const noexcept;

  // The value at a text key of a map; null where there is none, or no map. Linear in the number of members.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  // Sets or adds a member of a map; a null value becomes a map first. Throws usage for other kinds.
  void set(std::string_view key, Value value);

  // Decodes `cbor`, which is one item. Throws malformed ("cbor.*" rules), and limit for nesting deeper than `depth`.
  [[nodiscard]] static Value parse(std::span<const std::byte> cbor, std::uint32_t depth = 256);
  // Encodes with definite lengths, shortest heads and shortest floats that keep the value; maps keep their order.
  [[nodiscard]] std::vector<std::byte> encode() const;
  // Encodes in the deterministic form of format 2, in which equal values give equal bytes: as encode(), but sorts the
  // members of maps by their encoded keys, byte by byte, and makes every NaN the same (f9 7e00). Throws usage for
  // nesting deeper than `depth`, counted as parse() does, and under `strict` for values that this form cannot hold:
  // tags, undefined, simple values, a key given twice. `any` encodes these as well; equal keys keep their order.
  enum class Sorted { strict, any };
  [[nodiscard]] std::vector<std::byte> encode_sorted(Sorted sorted = Sorted::strict, std::uint32_t depth = 256) const;

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
