#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "ztensor/macros.h"

// JSON (RFC 8259): a text parsed whole, then walked in its order. Strict: UTF-8, one value, no lone surrogate, no
// number past 64 bits. A build without simdjson has the types, and parsing throws unsupported.
namespace zt::wire {

// Memory for a text, with the slack behind it that the parser reads into.
class JsonText {
 public:
  explicit JsonText(std::size_t size);
  std::span<std::byte> bytes() noexcept ZT_LIFETIME_BOUND { return {memory_.get(), size_}; }

 private:
  friend class JsonDocument;
  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_;
};

// One value of a document, which must outlive it. The accessors are empty for a value of another kind.
class JsonView {
 public:
  bool is_object() const noexcept { return type() == '{'; }
  bool is_array() const noexcept { return type() == '['; }
  bool is_null() const noexcept { return type() == 'n'; }
  std::optional<std::string_view> text() const noexcept;  // unescaped; may hold U+0000
  // A number written as a plain non-negative integer: 1e3, 16.0 and -1 are none, -0 is 0.
  std::optional<std::uint64_t> unsigned_integer() const noexcept;
  std::optional<std::int64_t> integer() const noexcept;  // a plain integer below 2^63
  std::optional<double> floating() const noexcept;       // any other number
  std::optional<bool> boolean() const noexcept;
  // Members of an object, or items of an array: at most 2^24 - 1, also where there are more. Of other kinds 0.
  std::size_t count() const noexcept;

 private:
  friend class JsonDocument;
  friend class JsonMembersView;
  friend class JsonItemsView;
  friend void check_unique_keys(JsonView root);
  // simdjson's tape, as its doc/tape.md has it: a word begins with its type in the top byte; a container's says how
  // much it holds, in 24 bits, and where the tape goes on behind it, a string's where its length and bytes lie in
  // `strings`; a number takes a second word.
  struct Tape {
    const std::uint64_t* words;
    const std::uint8_t* strings;
  };
  JsonView(Tape tape, std::size_t at) noexcept : tape_(tape), at_(at) {}
  char type() const noexcept { return static_cast<char>(tape_.words[at_] >> 56); }
  std::uint64_t payload() const noexcept { return tape_.words[at_] & 0x00FFFFFFFFFFFFFF; }
  std::size_t end() const noexcept;  // where the tape goes on behind this value

  Tape tape_;
  std::size_t at_;
};

// The members of an object in the order of the text. Call next() before each. Keys may repeat: see check_unique_keys().
class JsonMembersView {
 public:
  explicit JsonMembersView(JsonView object);  // of any other value there are none
  bool next() noexcept;
  std::string_view key() const noexcept { return *key_.text(); }
  JsonView value() const noexcept { return {key_.tape_, key_.at_ + 1}; }

 private:
  JsonView key_;
  std::size_t next_;
  std::size_t end_;
};

// The items of an array. Call next() before each.
class JsonItemsView {
 public:
  explicit JsonItemsView(JsonView array);  // of any other value there are none
  bool next() noexcept;
  JsonView value() const noexcept { return value_; }

 private:
  JsonView value_;
  std::size_t next_;
  std::size_t end_;
};

// A parsed text. What it keeps is about 3 times the text; while parsing, 6 times (a text of nothing but brackets or
// digits: 13 times).
class JsonDocument {
 public:
  // Frees the text. `depth`: containers inside one another, the root counted, empty ones not. Throws malformed
  // "json.syntax", "json.utf8", "json.depth"; unsupported.
  explicit JsonDocument(JsonText text, std::uint32_t depth = 64);
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();
  JsonView root() const noexcept ZT_LIFETIME_BOUND;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

// Throws malformed "json.key.duplicate" when an object, `root` or any inside it, has a key twice after unescaping.
// Time is n log n in the number of keys whatever they are; memory is 8 bytes a key of the largest object.
void check_unique_keys(JsonView root);

}  // namespace zt::wire
