#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "ztensor/macros.h"

// JSON (RFC 8259). A text is parsed as a whole, and then walked in its order. The parser is strict: it takes UTF-8 and
// one value, and refuses lone surrogates and numbers past 64 bits. Without simdjson, parsing throws unsupported.
namespace zt::wire {

// Memory for a text. The parser may read past the end, so there is slack behind the text.
class JsonText {
 public:
  explicit JsonText(std::size_t size);
  std::span<std::byte> bytes() noexcept ZT_LIFETIME_BOUND { return {memory_.get(), size_}; }

 private:
  friend class JsonDocument;
  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_;
};

// One value of a document. The document must outlive it. An accessor is empty if the value is of another kind.
class JsonView {
 public:
  bool is_object() const noexcept { return type() == '{'; }
  bool is_array() const noexcept { return type() == '['; }
  bool is_null() const noexcept { return type() == 'n'; }
  std::optional<std::string_view> text() const noexcept;  // unescaped; may hold U+0000
  // A number that is written as a plain non-negative integer. -0 is 0; 1e3, 16.0 and -1 are no such numbers.
  std::optional<std::uint64_t> unsigned_integer() const noexcept;
  std::optional<std::int64_t> integer() const noexcept;  // a plain integer below 2^63
  std::optional<double> floating() const noexcept;       // any other number
  std::optional<bool> boolean() const noexcept;
  // The members of an object, or the items of an array; 2^24 - 1 if there are more; 0 for other kinds.
  std::size_t count() const noexcept;

 private:
  friend class JsonDocument;
  friend class JsonMembersView;
  friend class JsonItemsView;
  friend void check_unique_keys(JsonView root);
  // simdjson's tape (its doc/tape.md). The top byte of a word is its type. The word of a container holds, in 24 bits,
  // the number of its members, and where the tape goes on behind it. The word of a string says where its length and
  // bytes are in `strings`. A number takes a second word.
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
  explicit JsonMembersView(JsonView object);  // any other value has no members
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
  explicit JsonItemsView(JsonView array);  // any other value has no items
  bool next() noexcept;
  JsonView value() const noexcept { return value_; }

 private:
  JsonView value_;
  std::size_t next_;
  std::size_t end_;
};

// A parsed text. It keeps about 3 times the size of the text. Parsing takes 6 times the size, or 13 times for a text of
// only brackets or digits.
class JsonDocument {
 public:
  // Frees the text. At most `depth` containers may nest; the root counts, empty containers do not. Throws malformed
  // "json.syntax", "json.utf8", "json.depth"; limit; unsupported.
  explicit JsonDocument(JsonText text, std::uint32_t depth = 64);
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();
  JsonView root() const noexcept ZT_LIFETIME_BOUND;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

// Throws malformed "json.key.duplicate" if an object, `root` or any inside it, has a key twice after unescaping. For n
// keys, whatever they are, it takes n log n time; and 8 bytes of memory for each key of the largest object.
void check_unique_keys(JsonView root);

}  // namespace zt::wire
