#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/gguf/gguf.h"
#include "foreign/gguf/header.h"
#include "foreign/gguf/metadata.h"
#include "foreign/gguf/types.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::foreign::gguf {
namespace {

constexpr std::string_view kMagic = "GGUF", kBigMagic = "FUGG";
constexpr std::uint32_t kMostRank = 64;
constexpr std::string_view kUnknownLayout = "gguf.unknown";

[[noreturn]] void malformed(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

std::string text(std::uint64_t number) { return std::to_string(number); }

const Type* find_type(std::uint32_t id) {
  const auto found = std::ranges::lower_bound(kTypes, id, {}, &Type::id);
  return found == kTypes.end() || found->id != id ? nullptr : &*found;
}

model::Fault unknown_type(std::uint32_t id) {
  const auto removed = std::ranges::find(kRemovedTypes, id, &RemovedType::id);
  if (removed == kRemovedTypes.end()) {
    return {Code::unsupported, "gguf.type.unknown", "type " + text(id) + " is not known"};
  }
  return {Code::unsupported, "gguf.type.removed",
          "type " + text(id) + " (" + std::string(removed->name) +
              ") is no longer part of ggml: convert the file with the program that wrote it"};
}

// The attributes of tensors of each type (spec/profiles/gguf.md).
std::vector<std::byte> block_attributes(const Type& type) {
  wire::CborWriter cbor;
  cbor.map(2);
  cbor.text("block_bytes");
  cbor.unsigned_integer(type.bytes);
  cbor.text("elems_per_block");
  cbor.unsigned_integer(type.elements);
  return std::move(cbor.buffer());
}

class Decoder {
 public:
  Decoder(const ByteStore& store, const Limits& limits)
      : header_(store, limits.index_bytes), size_(store.size()), limits_(limits), metadata_(header_) {
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
      if (!kTypes[i].dtype) attributes_[i] = block_attributes(kTypes[i]);
    }
  }

  model::Catalog decode() {
    const std::uint32_t version = read_version();
    const std::uint64_t tensors = header_.length("the number of tensors");
    const std::uint64_t keys = header_.length("the number of keys");
    const std::uint64_t word = header_.is_narrow() ? 4 : 8;
    // A key, its type and its value; a name, the number of dimensions, a type and an offset.
    check_count("gguf.count.keys", keys, word + 1 + 4 + 1);
    check_count("gguf.count.tensors", tensors, word + 1 + 4 + 4 + 8);
    metadata_.read(keys);
    catalog_.format = "gguf";
    const auto expected = std::min<std::uint64_t>(tensors, 65536);  // a claim, of which little memory may be asked
    catalog_.expect(expected, static_cast<std::size_t>(expected) * 64);
    places_.reserve(static_cast<std::size_t>(expected));
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor();
    place_tensors();
    catalog_.attributes = metadata_.attributes(version);
    add_split_note();
    catalog_.shrink();
    return std::move(catalog_);
  }

 private:
  // Where the data of a tensor is, counted from the beginning of all data.
  struct Place {
    std::uint64_t begin;
    std::uint64_t length;  // 0 if unknown
    std::uint32_t row;
  };

  std::uint32_t read_version() {
    const std::string magic(as_text(header_.take(4, "the magic bytes")));
    if (magic != kMagic && magic != kBigMagic) malformed("gguf.magic", "the file does not begin with 'GGUF'");
    if (magic == kBigMagic) header_.set_big_endian();
    auto version = header_.number<std::uint32_t>("the version");
    if (magic == kMagic && version % 65536 == 0) {  // the older spelling of big-endian files
      header_.set_big_endian();
      version = endian::swap(version);
    }
    if (version < 1 || version > 3 || (header_.is_big_endian() && version != 3)) {
      throw Error(Code::unsupported, "gguf.version",
                  "version " + text(version) + (header_.is_big_endian() ? ", big-endian" : "") +
                      " is not known: expected 1, 2 or 3, big-endian only 3");
    }
    if (version == 1) header_.set_narrow();
    return version;
  }

  void check_count(const char* rule, std::uint64_t count, std::uint64_t least) const {
    if (count <= header_.left() / least) return;
    malformed(rule, "the " + count_text(header_.left(), "byte") + " of the file cannot hold " +
                        count_text(count, "entry", "entries"));
  }

  void read_name() {
    const std::string_view name = header_.string("the name of a tensor");
    if (name.empty()) malformed("gguf.name.empty", "the name of a tensor is empty");
    if (!is_utf8(name)) malformed("gguf.name.utf8", "tensor name " + in_quotes(name) + " is not UTF-8");
    if (name.find('\0') != std::string_view::npos) {
      malformed("gguf.name.nul", "tensor name " + in_quotes(name) + " contains U+0000");
    }
    if (name.size() > kMostName) {
      throw Error(Code::unsupported, "gguf.name.length",
                  "tensor name " + in_quotes(name) + " has more than 1024 bytes");
    }
    name_ = name;
  }

  void read_tensor() {
    read_name();
    try {
      read_shape();
      const auto id = header_.number<std::uint32_t>("the type of a tensor");
      add_tensor(id, header_.number<std::uint64_t>("the offset of a tensor"));
    } catch (Error& error) {
      error.enter("tensor " + in_quotes(name_));
      throw;
    }
  }

  // Row-major: the file has the dimension that moves fastest first.
  void read_shape() {
    const auto rank = header_.number<std::uint32_t>("the number of dimensions");
    if (rank > kMostRank) malformed("gguf.tensor.rank", text(rank) + " dimensions: expected at most 64");
    if (rank > limits_.rank) {
      throw Error(Code::limit, "gguf.shape.limit", text(rank) + " dimensions, over the limit of " + text(limits_.rank));
    }
    shape_.resize(rank);
    for (std::uint32_t i = rank; i > 0; --i) shape_[i - 1] = header_.length("a dimension");
  }

  void add_tensor(std::uint32_t id, std::uint64_t offset) {
    const Type* type = find_type(id);
    const auto attributes =
        type == nullptr ? std::span<const std::byte>() : attributes_[static_cast<std::size_t>(type - kTypes.data())];
    if (!catalog_.add_tensor(name_, shape_, type == nullptr ? kUnknownLayout : type->layout, attributes)) {
      malformed("gguf.name.duplicate", "the name is given twice");
    }
    const auto row = static_cast<std::uint32_t>(catalog_.size() - 1);
    std::optional<std::uint64_t> length;
    if (type == nullptr) {
      catalog_.fault_tensor(unknown_type(id));
    } else {
      length = length_of(*type);
    }
    const bool is_fair = length.has_value();
    places_.push_back({offset, length.value_or(0), row});
    has_unknown_ = has_unknown_ || !is_fair;
    if (is_fair) add_part(*type, *length);
  }

  // The bytes of the current tensor. Empty, with a fault, if its shape is none.
  std::optional<std::uint64_t> length_of(const Type& type) {
    const auto bad = [&](const char* rule, std::string message) -> std::optional<std::uint64_t> {
      catalog_.fault_tensor({Code::malformed, rule, std::move(message)});
      return std::nullopt;
    };
    constexpr std::uint64_t kMost = ~std::uint64_t{0} >> 1;
    if (std::ranges::any_of(shape_, [](std::uint64_t size) { return size > kMost; })) {
      return bad("gguf.shape.range", "a dimension is 2^63 or more");
    }
    const auto elements = checked::elements(shape_);
    if (!elements) return bad("gguf.shape.overflow", "the shape has more elements than 64 bits count");
    const std::uint64_t row = shape_.empty() ? 1 : shape_.back();
    if (row % type.elements != 0) {
      return bad("gguf.row.divide",
                 "blocks of " + text(type.elements) + " elements do not divide a row of " + text(row));
    }
    const auto length = checked::multiply(*elements / type.elements, type.bytes);
    if (!length) return bad("gguf.shape.bytes", "the tensor has more bytes than 64 bits count");
    return length;
  }

  void add_part(const Type& type, std::uint64_t length) {
    model::Recipe recipe{.stored_length = length, .decoded_length = length};
    if (header_.is_big_endian() && type.dtype && type.bytes > 1) recipe.swap = static_cast<std::uint8_t>(type.bytes);
    const DType dtype = type.dtype.value_or(DType::u8);
    catalog_.add_part("data", dtype, recipe, "").storage = catalog_.intern(dtype_name(dtype));
    if (header_.is_big_endian() && !type.dtype) {
      catalog_.fault_entry(static_cast<std::uint32_t>(catalog_.size() - 1),
                           {Code::unsupported, "gguf.blocks.big",
                            "blocks of a big-endian file cannot be read: convert the file with ggml's tools"});
    }
  }

  static model::Fault out_of_bounds(const Place& place, std::uint64_t room) {
    return {Code::malformed, "gguf.tensor.bounds",
            "offset " + text(place.begin) + " + length " + text(place.length) + " runs past the " +
                count_text(room, "byte") + " of data"};
  }

  void place_tensors() {
    const std::uint64_t alignment = metadata_.alignment();
    const auto begin = catalog_.size() == 0 ? header_.position() : checked::round_up(header_.position(), alignment);
    const std::uint64_t room = begin < size_ ? size_ - begin : 0;
    std::vector<Place> fair;  // in the file, and known
    std::uint32_t part = 0;
    for (const Place& place : places_) {
      const bool has_part = catalog_.tensor(place.row).part_count > 0;
      std::optional<model::Fault> fault;
      if (place.begin % alignment != 0) {
        fault = {Code::malformed, "gguf.tensor.align",
                 "offset " + text(place.begin) + " is no multiple of the alignment, " + text(alignment)};
      } else if (has_part && place.length == 0) {
        // No bytes, so it needs none of the padding before it, which the end of a file may lack.
        if (place.begin > checked::round_up(room, alignment)) fault = out_of_bounds(place, room);
      } else if (begin > size_ || !checked::within(place.begin, place.length, room)) {
        fault = out_of_bounds(place, room);
      }
      if (fault) {
        catalog_.fault_entry(place.row, *fault);
        has_unknown_ = true;
      }
      if (has_part) {
        if (fault) {
          catalog_.set_place(part, 0, 0);
        } else {
          catalog_.set_place(part, 0, std::min(begin + place.begin, size_));
          fair.push_back(place);
        }
        ++part;
      }
    }
    check_places(std::move(fair), begin);
  }

  void check_places(std::vector<Place> places, std::uint64_t begin) {
    const auto before = [](const Place& a, const Place& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.length < b.length;
    };
    if (!std::ranges::is_sorted(places, before)) std::ranges::sort(places, before);
    std::uint64_t end = 0;
    std::uint64_t gaps = 0;
    for (const Place& place : places) {
      if (place.length == 0) continue;
      if (place.begin < end) {
        malformed("gguf.tensor.overlap", "tensor " + in_quotes(catalog_.text(catalog_.tensor(place.row).name)) +
                                             " begins at " + text(place.begin) + ", but the tensor before it ends at " +
                                             text(end));
      }
      if (place.begin - end >= metadata_.alignment()) ++gaps;
      end = place.begin + place.length;
    }
    if (has_unknown_) return;  // what lies behind or between may be theirs
    const std::uint64_t last = checked::round_up(begin + end, metadata_.alignment());
    if (size_ > last) {
      malformed("gguf.file.tail", "the last tensor ends at " + text(begin + end) + ", and the file at " + text(size_));
    }
    if (gaps > 0)
      catalog_.notes.push_back(count_text(gaps, "gap between tensors holds", "gaps between tensors hold") +
                               " bytes that no tensor names");
  }

  void add_split_note() {
    const auto split = split_of(catalog_.attributes);
    std::string note = split ? note_of(*split) : std::string();
    if (!note.empty()) catalog_.notes.push_back(std::move(note));
  }

  HeaderCursor header_;
  std::uint64_t size_;
  const Limits& limits_;
  Metadata metadata_;
  model::Catalog catalog_;
  std::array<std::vector<std::byte>, kTypes.size()> attributes_;
  std::string name_;                  // of the current tensor
  std::vector<std::uint64_t> shape_;  // of the current tensor
  std::vector<Place> places_;
  bool has_unknown_ = false;  // some tensor has no known place
};

bool has_prefix(const ByteStore& store) {
  std::array<std::byte, 4> magic;
  if (store.size() < magic.size()) return false;
  store.read_at(0, magic);
  return as_text(magic) == kMagic || as_text(magic) == kBigMagic;
}

}  // namespace

bool sniff(const ByteStore& store, std::string_view name) { return name.ends_with(".gguf") || has_prefix(store); }

model::Catalog decode(const ByteStore& store, const Limits& limits) { return Decoder(store, limits).decode(); }

std::optional<Split> split_of(std::span<const std::byte> attributes) {
  constexpr std::string_view kPrefix = "split.";
  std::optional<Split> found;
  wire::CborCursor cursor(attributes);
  cursor.read();
  while (cursor.more()) {
    const std::string_view key = as_text(cursor.read().content);
    if (!key.starts_with(kPrefix)) {
      cursor.skip();
      continue;
    }
    if (!found) found.emplace();
    std::optional<std::uint64_t>* number = key == "split.no"              ? &found->number
                                           : key == "split.count"         ? &found->count
                                           : key == "split.tensors.count" ? &found->tensors
                                                                          : nullptr;
    if (number == nullptr) {
      cursor.skip();
      continue;
    }
    const wire::CborItem item = cursor.read();
    if (item.kind != wire::CborKind::unsigned_integer) {
      malformed("gguf.split.number", "key " + in_quotes(key) + " is not an integer from 0");
    }
    *number = item.number;
  }
  return found;
}

bool is_split_number(std::string_view key) {
  return key == "split.no" || key == "split.count" || key == "split.tensors.count";
}

std::string note_of(const Split& split) {
  if (!split.count || *split.count < 2) return {};
  return "this is one file of a model in " + text(*split.count) + " files: the others hold the other tensors";
}

}  // namespace zt::foreign::gguf
