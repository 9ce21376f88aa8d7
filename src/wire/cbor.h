#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "ztensor/macros.h"

// CBOR (RFC 8949) without recursion: a cursor over untrusted bytes, and a writer of shortest forms.
namespace zt::wire {

namespace major {  // the high three bits of an item's first byte
inline constexpr std::uint8_t kUnsigned = 0, kNegative = 1, kBytes = 2, kText = 3, kArray = 4, kMap = 5, kTag = 6,
                              kSimple = 7;  // and floats, and the break
}  // namespace major

// The count of members of an indefinite array, map or string, which a break ends.
inline constexpr std::uint64_t kIndefinite = std::numeric_limits<std::uint64_t>::max();

enum class CborKind : std::uint8_t {
  unsigned_integer,
  negative_integer,
  bytes,
  text,
  array,
  map,
  boolean,
  null,
  undefined,
  simple,
  floating,
  tag,  // only with CborRules::keep_tags
};

struct CborRules {
  bool strict = false;        // accept only the deterministic form of generation 2 (spec/zt-2.md)
  std::uint32_t depth = 256;  // the most levels of nesting; the root and each kept tag are levels
  bool keep_tags = false;     // lenient only: a tag, also of a bignum, is a container of one member
};

struct CborItem {
  CborKind kind = CborKind::null;
  std::uint64_t number = 0;  // the value of an integer, or n of a negative one, -1 - n; the count of members of a
                             // definite container; 0 or 1 of a boolean; the number of a simple value or tag
  bool indefinite = false;   // whether a container has no count
  double floating = 0;       // exact for halves, singles and doubles
  std::span<const std::byte> content = {};  // of bytes and text (valid UTF-8): it lies in the input if the length is
                                            // definite, and otherwise is valid until the next call
};

// Reads item after item. The members of a container follow its head: call more() before each member (in a map: before
// each key). When more() returns false, the container is closed. Lenient rules skip tags, and read a bignum (tag 2 or 3
// around bytes) of up to 64 bits as an integer. Throws malformed "cbor.*" with the offset; limit "cbor.depth". Input
// that was cut short throws "cbor.truncated" or "cbor.count". Do not use a cursor after it has thrown.
class CborCursor {
 public:
  explicit CborCursor(std::span<const std::byte> input ZT_LIFETIME_BOUND, CborRules rules = {});

  CborItem read();  // reads the head of the next item, or a whole scalar
  bool more();      // whether the innermost open container has another member; false closes it
  // Skips one whole item, however nested, and returns its encoded bytes with its tags. Checks the item as read() does,
  // except that a bignum may have any size.
  std::span<const std::byte> skip();
  // Skips the rest of the innermost open container, and closes it.
  void close();
  // Begins again with another input, and keeps the memory: for many small items, cheaper than a new cursor for each.
  void restart(std::span<const std::byte> input ZT_LIFETIME_BOUND);
  // rest() is the input that was not read yet. pass() skips one item of `length` bytes that another cursor has read.
  std::span<const std::byte> rest() const noexcept { return input_.subspan(position_); }
  void pass(std::size_t length);
  std::size_t position() const noexcept { return position_; }
  // Throws malformed "cbor.trailing" when input is left.
  void finish() const;

 private:
  struct Head {  // small enough to be returned in registers
    std::uint64_t number;
    std::uint8_t major;
    std::uint8_t info;  // the low five bits
  };
  enum class Tags : std::uint8_t { keep, drop, resolve };  // resolve: drop tags, except those of bignums
  enum class Want : std::uint8_t { more, key, item };      // the next call for a container: more(), or a read
  struct Level {
    std::uint64_t left;  // the members to come (in a map: pairs), or kIndefinite
    bool map;
    Want want = Want::more;
  };
  struct Keys {  // strict only: where the current key of a map begins, and where the key before it lies
    std::size_t at = 0, last_at = 0, last_length = 0;
  };

  CborItem next(Tags tags);
  CborItem read_item(Head head, std::size_t at);
  CborItem read_tagged(Head head, std::size_t at, Tags tags);
  Head read_head();
  Head read_long_head(std::size_t at);
  std::span<const std::byte> take(std::uint64_t length);
  void read_string(Head head, std::size_t at, CborItem& item);
  void join_chunks(std::uint8_t major, std::size_t at);
  void read_container(Head head, std::size_t at, CborItem& item);
  void read_simple(Head head, std::size_t at, CborItem& item) const;
  void check_strict_float(Head head, std::size_t at) const;
  void check_key_order();
  void item_done();
  void pass_until(std::size_t levels);

  std::span<const std::byte> input_;
  std::size_t position_ = 0;
  CborRules rules_;
  std::vector<Level> levels_;
  std::vector<Keys> keys_;          // strict only: one for each map of levels_
  std::vector<std::byte> scratch_;  // the joined chunks of an indefinite string
};

// Appends items to a buffer. The caller must keep the counts that it states.
class CborWriter {
 public:
  void unsigned_integer(std::uint64_t value);
  void negative_integer(std::uint64_t n);  // writes -1 - n
  void integer(std::int64_t value);
  void bytes(std::span<const std::byte> value);
  void text(std::string_view value);
  void array(std::uint64_t count);
  void map(std::uint64_t count);
  void tag(std::uint64_t number);
  void boolean(bool value);
  void null();
  void undefined();
  void simple(std::uint8_t number);            // `number`: 0 to 19 or 32 to 255
  void floating(double value);                 // in the shortest width that keeps the value, or the payload of a NaN
  void raw(std::span<const std::byte> items);  // appends encoded items
  std::vector<std::byte>& buffer() noexcept { return out_; }

 private:
  void head(unsigned major, std::uint64_t number);
  std::vector<std::byte> out_;
};

}  // namespace zt::wire
