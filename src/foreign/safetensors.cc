#include "foreign/safetensors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "foreign/safetensors_types.h"
#include "wire/cbor.h"
#include "wire/json.h"

namespace zt::foreign::safetensors {
namespace {

constexpr std::uint64_t kLeastHeader = 2;                      // "{}"
constexpr std::uint64_t kMostNumber = std::uint64_t{1} << 53;  // every JSON reader keeps numbers up to this exact
constexpr std::uint32_t kDepth = 8;

Type find_type(std::string_view tag) {
  for (const Type& type : kTypes) {
    if (type.tag == tag) return type;
  }
  return {tag, 0, {}, 0};
}

[[noreturn]] void malformed(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

std::string text(std::uint64_t number) { return std::to_string(number); }

bool is_json_space(std::byte byte) {
  const auto c = static_cast<char>(byte);
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Whether the header's first character is '{'. Some writers put white space before it, up to a page.
bool starts_object(const ByteStore& store, std::uint64_t header_end) {
  constexpr std::uint64_t kMostSpace = 65536;
  std::array<std::byte, 64> piece;
  const std::uint64_t end = std::min({header_end, store.size(), kPrefix + kMostSpace});
  for (std::uint64_t at = kPrefix; at < end;) {
    const auto part = std::span(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(64, end - at)));
    store.read_at(at, part);
    const auto first = std::find_if_not(part.begin(), part.end(), is_json_space);
    if (first != part.end()) return *first == std::byte{'{'};
    at += part.size();
  }
  return false;
}

std::uint64_t read_prefix(const ByteStore& store) {
  std::array<std::byte, kPrefix> prefix;
  store.read_at(0, prefix);
  return endian::load_le<std::uint64_t>(prefix.data());
}

// The length of the header, after checking it against the store and the limits.
std::uint64_t header_length(const ByteStore& store, const Limits& limits) {
  const std::uint64_t size = store.size();
  if (size < kPrefix + kLeastHeader) {
    malformed("safetensors.file.size", "the file has " + count_text(size, "byte") + ": expected at least 10");
  }
  const std::uint64_t length = read_prefix(store);
  if (length < kLeastHeader) {
    malformed("safetensors.header.size", "the header has " + count_text(length, "byte") + ": expected at least 2");
  }
  if (!checked::within(kPrefix, length, size)) {
    malformed("safetensors.header.bounds", "offset 8 + header length " + text(length) + " runs past " + text(size));
  }
  if (length > std::min(kMostHeader, limits.index_bytes)) {
    throw Error(Code::limit, "safetensors.header.limit",
                "the header has " + text(length) + " bytes, over the limit of " +
                    text(std::min(kMostHeader, limits.index_bytes)));
  }
  return length;
}

wire::JsonDocument read_header(const ByteStore& store, std::uint64_t length) {
  wire::JsonText json(static_cast<std::size_t>(length));
  store.read_at(kPrefix, json.bytes());
  return inside("header", [&] { return wire::JsonDocument(std::move(json), kDepth); });
}

std::optional<std::uint64_t> plain_number(wire::JsonView value) {
  const auto number = value.unsigned_integer();
  return number && *number <= kMostNumber ? number : std::nullopt;
}

// The fields of one tensor's object.
struct Entry {
  std::string_view dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // relative to the end of the header
  std::uint64_t end = 0;
};

class Decoder {
 public:
  Decoder(std::uint64_t buffer_begin, std::uint64_t file_size, const Limits& limits)
      : begin_(buffer_begin), length_(file_size - buffer_begin), limits_(limits) {}

  model::Catalog decode(wire::JsonView root) {
    if (!root.is_object()) malformed("safetensors.header.object", "the header is not a JSON object");
    catalog_.format = "safetensors";
    catalog_.expect(root.count(), static_cast<std::size_t>(begin_ - kPrefix));
    wire::JsonMembersView members(root);
    while (members.next()) add_member(members.key(), members.value());
    check_tiling();
    if (odd_entries_ != 0) {
      catalog_.notes.push_back(count_text(odd_entries_, "entry has", "entries have") +
                               " fields that are not part of the format");
    }
    catalog_.shrink();
    return std::move(catalog_);
  }

 private:
  void add_member(std::string_view key, wire::JsonView value) {
    if (key == kMetadata) return inside(kMetadata, [&] { add_metadata(value); });
    try {
      add_tensor(key, value);
    } catch (Error& error) {
      error.enter("tensor " + in_quotes(key));
      throw;
    }
  }

  void add_metadata(wire::JsonView map) {
    if (std::exchange(has_metadata_, true)) malformed("safetensors.metadata.duplicate", "the key appears twice");
    if (map.is_null()) return;  // the reference takes null for no metadata
    if (!map.is_object()) malformed("safetensors.metadata.object", "expected a JSON object or null");
    wire::check_unique_keys(map);
    std::uint64_t count = 0;
    for (wire::JsonMembersView members(map); members.next(); ++count) {
      if (!members.value().text()) {
        malformed("safetensors.metadata.value", "the value of " + in_quotes(members.key()) + " is not a string");
      }
    }
    wire::CborWriter cbor;
    cbor.map(count);
    for (wire::JsonMembersView members(map); members.next();) {
      cbor.text(members.key());
      cbor.text(*members.value().text());
    }
    catalog_.attributes = std::move(cbor.buffer());
    catalog_.attributes.shrink_to_fit();
  }

  void add_tensor(std::string_view name, wire::JsonView fields) {
    if (name.empty()) malformed("safetensors.name.empty", "the name of a tensor is empty");
    if (name.find('\0') != std::string_view::npos) malformed("safetensors.name.nul", "the name contains U+0000");
    read_entry(fields);
    const Type type = find_type(entry_.dtype);
    check_extent(type);
    if (!catalog_.add_tensor(name, entry_.shape, "dense", {})) {
      malformed("safetensors.name.duplicate", "the name appears twice");
    }
    add_part(type);
  }

  void read_entry(wire::JsonView fields) {
    if (!fields.is_object()) malformed("safetensors.tensor.object", "the entry is not a JSON object");
    unsigned seen = 0;
    bool odd = false;
    bool repeated = false;
    const auto see = [&](unsigned field) {
      repeated |= (seen & field) != 0;
      seen |= field;
    };
    for (wire::JsonMembersView members(fields); members.next();) {
      if (members.key() == "dtype") {
        see(1);
        read_dtype(members.value());
      } else if (members.key() == "shape") {
        see(2);
        read_shape(members.value());
      } else if (members.key() == "data_offsets") {
        see(4);
        read_offsets(members.value());
      } else {
        odd = true;
      }
    }
    if (repeated || odd) wire::check_unique_keys(fields);
    if (seen != 7) malformed("safetensors.tensor.fields", "dtype, shape or data_offsets is missing");
    odd_entries_ += odd ? 1 : 0;
  }

  void read_dtype(wire::JsonView value) {
    const auto tag = value.text();
    if (!tag) malformed("safetensors.dtype.text", "the dtype is not a string");
    entry_.dtype = *tag;
  }

  void read_shape(wire::JsonView value) {
    if (!value.is_array()) malformed("safetensors.shape.form", "the shape is not an array");
    entry_.shape.clear();
    for (wire::JsonItemsView items(value); items.next();) {
      const auto dimension = plain_number(items.value());
      if (!dimension) malformed("safetensors.shape.form", "a dimension is not a plain integer of at most 2^53");
      if (entry_.shape.size() == std::min<std::uint32_t>(limits_.rank, 255)) {
        throw Error(Code::limit, "safetensors.shape.rank",
                    "the shape has more than " + text(entry_.shape.size()) + " dimensions");
      }
      entry_.shape.push_back(*dimension);
    }
  }

  void read_offsets(wire::JsonView value) {
    wire::JsonItemsView items(value);
    const auto number = [&] { return items.next() ? plain_number(items.value()) : std::nullopt; };
    const auto begin = number();
    const auto end = number();
    if (!begin || !end || items.next()) {
      malformed("safetensors.offsets.form", "data_offsets are not two plain integers of at most 2^53");
    }
    entry_.begin = *begin;
    entry_.end = *end;
  }

  // The range must be in the buffer, and as long as shape and dtype say.
  void check_extent(const Type& type) const {
    const auto range = [&] { return "data_offsets [" + text(entry_.begin) + ", " + text(entry_.end) + "]"; };
    if (entry_.begin > entry_.end) malformed("safetensors.offsets.order", range() + " run backwards");
    if (entry_.end > length_) {
      malformed("safetensors.offsets.bounds", range() + " run past the buffer of " + count_text(length_, "byte"));
    }
    const auto elements = checked::elements(entry_.shape);
    const auto bits = elements ? checked::multiply(*elements, std::max(type.bits, 1U)) : std::nullopt;
    if (!bits) malformed("safetensors.shape.overflow", "the shape has more bits than 64 bits count");
    if (type.bits == 0) return;
    if (*bits % 8 != 0) {
      malformed("safetensors.shape.bits", count_text(*elements, "element") + " of " + text(type.bits) + " bits " +
                                              (*elements == 1 ? "does" : "do") + " not fill whole bytes");
    }
    if (*bits / 8 != entry_.end - entry_.begin) {
      malformed("safetensors.tensor.length", range() + ", but shape and dtype take " + count_text(*bits / 8, "byte"));
    }
  }

  void add_part(const Type& type) {
    const std::uint64_t length = entry_.end - entry_.begin;
    const model::Recipe recipe{.offset = begin_ + entry_.begin, .stored_length = length, .decoded_length = length};
    model::PartRow& part = catalog_.add_part("data", type.dtype.value_or(DType::u8), recipe, "");
    part.storage = catalog_.intern(known(type));
    if (!type.dtype) {
      catalog_.fault_tensor(
          {Code::unsupported, "safetensors.dtype.unknown", "dtype " + in_quotes(type.tag) + " is not known"});
      const auto row = static_cast<std::uint32_t>(catalog_.size() - 1);
      part.fault = catalog_.tensor(row).fault;  // one fault for both: there may be millions
    }
    in_order_ = in_order_ && entry_.begin == covered_;
    covered_ = entry_.end;
    // If the sum is larger than the buffer, two tensors overlap. We stop here: millions may follow.
    if (length > length_ - total_) {
      malformed("safetensors.tiling.overlap",
                "the tensors up to this one have more bytes than the buffer's " + text(length_));
    }
    total_ += length;
  }

  // The tag. For unknown tags after the first 16 it is "": a file could have a new one for each tensor.
  std::string_view known(const Type& type) {
    if (type.bits != 0) return type.tag;
    if (std::find(unknown_.begin(), unknown_.end(), type.tag) != unknown_.end()) return type.tag;
    if (unknown_.size() == 16) return "";
    unknown_.push_back(type.tag);
    return type.tag;
  }

  // Sorted by (begin, end), the ranges must fill the buffer without gaps. Most files are written in this order: then we
  // need not sort.
  void check_tiling() {
    if (!in_order_) covered_ = cover_sorted();
    if (covered_ != length_) {
      malformed("safetensors.tiling.tail",
                "the last tensor ends at " + text(covered_) + ", but the buffer has " + count_text(length_, "byte"));
    }
  }

  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint32_t row;
  };

  std::uint64_t cover_sorted() const {
    std::vector<Range> ranges;
    ranges.reserve(catalog_.size());
    for (std::uint32_t row = 0; row < catalog_.size(); ++row) {  // each tensor has one part, with the same row
      const model::Recipe& recipe = catalog_.part(row).recipe;
      const std::uint64_t begin = recipe.offset - begin_;
      ranges.push_back({begin, begin + recipe.stored_length, row});
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
    std::uint64_t covered = 0;
    for (const Range& range : ranges) {
      if (range.begin != covered) throw_untiled(range, covered);
      covered = range.end;
    }
    return covered;
  }

  [[noreturn]] void throw_untiled(const Range& range, std::uint64_t covered) const {
    malformed(range.begin < covered ? "safetensors.tiling.overlap" : "safetensors.tiling.gap",
              "tensor " + in_quotes(catalog_.text(catalog_.tensor(range.row).name)) + " begins at " +
                  text(range.begin) + ", but the tensor before it ends at " + text(covered));
  }

  std::uint64_t begin_;   // where the buffer begins in the file
  std::uint64_t length_;  // the length of the buffer
  const Limits& limits_;
  model::Catalog catalog_;
  Entry entry_;                            // the current tensor; a member so that the memory of its shape is reused
  std::vector<std::string_view> unknown_;  // tags, in the header's memory
  std::uint64_t odd_entries_ = 0;
  std::uint64_t covered_ = 0;  // where the previous tensor ends
  std::uint64_t total_ = 0;    // bytes of all tensors so far
  bool in_order_ = true;
  bool has_metadata_ = false;
};

}  // namespace

bool sniff(const ByteStore& store, std::string_view name) {
  if (name.ends_with(".safetensors")) return true;
  if (store.size() < kPrefix + kLeastHeader) return false;
  const std::uint64_t length = read_prefix(store);
  return length >= kLeastHeader && length <= kMostHeader && starts_object(store, kPrefix + length);
}

model::Catalog decode(const ByteStore& store, const Limits& limits) {
  const std::uint64_t length = header_length(store, limits);
  const wire::JsonDocument header = read_header(store, length);
  return Decoder(kPrefix + length, store.size(), limits).decode(header.root());
}

}  // namespace zt::foreign::safetensors
