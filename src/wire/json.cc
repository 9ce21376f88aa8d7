#include "wire/json.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#ifdef ZT_HAVE_SIMDJSON
#include <simdjson.h>
#endif

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::wire {
namespace {

#ifdef ZT_HAVE_SIMDJSON
constexpr std::size_t kSlack = simdjson::SIMDJSON_PADDING;

[[noreturn]] void throw_parse_error(simdjson::error_code error) {
  const std::string text = std::string("not JSON: ") + simdjson::error_message(error);
  switch (error) {
    case simdjson::UTF8_ERROR: throw Error(Code::malformed, "json.utf8", text);
    case simdjson::DEPTH_ERROR: throw Error(Code::malformed, "json.depth", "the JSON text nests too deep");
    case simdjson::CAPACITY: throw Error(Code::limit, "", "the JSON text has 4 GiB or more: the parser takes less");
    case simdjson::MEMALLOC: throw Error(Code::no_memory, "", "no memory to parse JSON");
    default: throw Error(Code::malformed, "json.syntax", text);
  }
}
#else
constexpr std::size_t kSlack = 0;
#endif

[[noreturn]] void throw_duplicate(std::string_view key) {
  throw Error(Code::malformed, "json.key.duplicate", "key " + in_quotes(key) + " appears twice in one JSON object");
}

// For objects of a few members: allocates and hashes nothing.
void check_small(JsonView object) {
  constexpr std::size_t kMost = 8;
  std::string_view seen[kMost];
  std::size_t count = 0;
  for (JsonMembersView members(object); members.next();) {
    const std::string_view key = members.key();
    if (std::find(seen, seen + count, key) != seen + count) throw_duplicate(key);
    if (count < kMost) seen[count++] = key;
  }
}

// We sort the hashes instead of making a table: keys that were made to collide cost only the second sort, of the texts.
void check_large(JsonView object) {
  const std::hash<std::string_view> hash;
  std::vector<std::size_t> hashes;
  for (JsonMembersView members(object); members.next();) hashes.push_back(hash(members.key()));
  std::sort(hashes.begin(), hashes.end());

  std::vector<std::size_t> shared;
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    if (hashes[i] == hashes[i - 1] && (shared.empty() || shared.back() != hashes[i])) shared.push_back(hashes[i]);
  }
  if (shared.empty()) return;
  std::vector<std::string_view> keys;
  for (JsonMembersView members(object); members.next();) {
    if (std::binary_search(shared.begin(), shared.end(), hash(members.key()))) keys.push_back(members.key());
  }
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) throw_duplicate(*twice);
}

bool is_small(JsonView object) {
  std::size_t count = 0;
  JsonMembersView members(object);
  while (count <= 8 && members.next()) ++count;
  return count <= 8;
}

}  // namespace

JsonText::JsonText(std::size_t size)
    : memory_(std::make_unique_for_overwrite<std::byte[]>(size + kSlack)), size_(size) {
  if (kSlack != 0) std::memset(memory_.get() + size, 0, kSlack);
}

std::optional<std::string_view> JsonView::text() const noexcept {
  if (type() != '"') return std::nullopt;
  const std::uint8_t* at = tape_.strings + payload();
  std::uint32_t size = 0;
  std::memcpy(&size, at, sizeof size);
  return std::string_view(reinterpret_cast<const char*>(at) + sizeof size, size);
}

std::optional<std::uint64_t> JsonView::unsigned_integer() const noexcept {
  if (type() != 'l' && type() != 'u') return std::nullopt;
  const std::uint64_t value = tape_.words[at_ + 1];
  const bool negative = type() == 'l' && (value >> 63) != 0;
  return negative ? std::nullopt : std::optional(value);
}

std::optional<std::int64_t> JsonView::integer() const noexcept {
  if (type() != 'l') return std::nullopt;
  return static_cast<std::int64_t>(tape_.words[at_ + 1]);
}

std::optional<double> JsonView::floating() const noexcept {
  if (type() != 'd') return std::nullopt;
  return std::bit_cast<double>(tape_.words[at_ + 1]);
}

std::optional<bool> JsonView::boolean() const noexcept {
  if (type() != 't' && type() != 'f') return std::nullopt;
  return type() == 't';
}

std::size_t JsonView::end() const noexcept {
  switch (type()) {
    case '{':
    case '[': return payload() & 0xFFFFFFFF;
    case 'l':
    case 'u':
    case 'd': return at_ + 2;
    default: return at_ + 1;
  }
}

std::size_t JsonView::count() const noexcept { return is_object() || is_array() ? payload() >> 32 : 0; }

JsonMembersView::JsonMembersView(JsonView object)
    : key_(object), next_(object.at_ + 1), end_(object.is_object() ? object.end() - 1 : next_) {}

bool JsonMembersView::next() noexcept {
  if (next_ >= end_) return false;
  key_.at_ = next_;
  next_ = value().end();
  return true;
}

JsonItemsView::JsonItemsView(JsonView array)
    : value_(array), next_(array.at_ + 1), end_(array.is_array() ? array.end() - 1 : next_) {}

bool JsonItemsView::next() noexcept {
  if (next_ >= end_) return false;
  value_.at_ = next_;
  next_ = value_.end();
  return true;
}

// The tape lists a container before its members, so one pass over the tape meets every object without a stack.
void check_unique_keys(JsonView root) {
  const std::size_t end = root.end();
  for (JsonView view = root; view.at_ < end;) {
    const bool container = view.is_object() || view.is_array();
    if (view.is_object() && is_small(view)) {
      check_small(view);
    } else if (view.is_object()) {
      check_large(view);
    }
    view.at_ = container ? view.at_ + 1 : view.end();
  }
}

#ifdef ZT_HAVE_SIMDJSON

struct JsonDocument::Tree {
  simdjson::dom::document document;
};

JsonDocument::JsonDocument(JsonText text, std::uint32_t depth) : tree_(std::make_unique<Tree>()) {
  simdjson::dom::parser parser;  // a local, so that its index of the text is freed here
  // The parser counts the level below the innermost container too.
  simdjson::error_code error = parser.allocate(text.size_, std::size_t{depth} + 1);
  if (error == simdjson::SUCCESS) {
    const char* begin = reinterpret_cast<const char*>(text.memory_.get());
    error = parser.parse_into_document(tree_->document, begin, text.size_, false).error();
  }
  if (error != simdjson::SUCCESS) throw_parse_error(error);
}

// Word 0 is the tape's own root.
JsonView JsonDocument::root() const noexcept {
  return {{tree_->document.tape.get(), tree_->document.string_buf.get()}, 1};
}

#else

struct JsonDocument::Tree {};

JsonDocument::JsonDocument(JsonText, std::uint32_t) {
  throw Error(Code::unsupported, "", "this build cannot read JSON: build with simdjson");
}

JsonView JsonDocument::root() const noexcept { return {{nullptr, nullptr}, 0}; }

#endif

JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

}  // namespace zt::wire
