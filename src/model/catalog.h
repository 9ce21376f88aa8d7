#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/region.h"
#include "model/recipe.h"
#include "ztensor/dtype.h"
#include "ztensor/error.h"

namespace zt::model {

inline constexpr std::uint32_t kNone = 0xFFFFFFFF;

// A piece of one of the Catalog's buffers.
struct Text {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

// The reason why a listed tensor or part cannot be read.
struct Fault {
  Code code;
  const char* rule;
  std::string message;
  friend bool operator==(const Fault&, const Fault&) = default;
};
inline Fault fault_of(const Error& error) { return {error.code(), error.rule(), error.what()}; }

// Another file that holds parts: as the root file describes it, before anyone looks for the file.
struct FileRow {
  enum class Kind : std::uint8_t {
    zt2,    // a whole file of generation 2, of a known size: a shard
    whole,  // a whole file of any format, of a known size, whose index is part of the Catalog
    raw,    // any bytes; its name is a path below the folder of the file
  };
  std::string name;
  std::uint64_t size = 0;   // of the whole file; 0 for a raw file: any size
  std::string digest = {};  // of the whole file, as the root states it
  Kind kind = Kind::zt2;
};

// Where the base of a part is that is stored as a delta (spec/delta.md §5).
struct BaseRow {
  std::string label;  // of another file, in the attributes of this one; "": the base is in this file
  std::string name;   // of the tensor; "": that of the part's own tensor
};

// One stored array. Its texts are in the Catalog's text buffer.
struct PartRow {
  Recipe recipe;
  Text digest;                  // as the file states it
  std::uint32_t role = 0;       // a word
  std::uint32_t storage = 0;    // a word: the file's own name of the stored type
  std::uint32_t logical = 0;    // a word: the file's own logical type, or ""
  std::uint32_t fault = kNone;  // why even its bytes cannot be read
  DType dtype = DType::u8;      // if the logical type is unknown, the dtype of the storage
};

struct TensorRow {
  Text name;
  Text attributes;               // raw CBOR, or nothing
  std::uint32_t dimensions = 0;  // where its shape begins
  std::uint32_t parts = 0;       // its first part
  std::uint32_t part_count = 0;
  std::uint32_t layout = 0;     // a word
  std::uint32_t fault = kNone;  // why it cannot be read as a tensor
  std::uint8_t rank = 0;
};

// The metadata of all tensors of one source, in one flat table. Decoders and the Writer fill it: a tensor, its parts,
// the next tensor. Its memory is linear in the size of the index.
class Catalog {
 public:
  Catalog();
  Catalog(Catalog&&) = default;
  Catalog& operator=(Catalog&&) = default;

  // Makes room for `tensors` tensors, or for as many as `index_bytes` bytes can describe. Growing step by step would
  // take twice the memory.
  void expect(std::uint64_t tensors, std::size_t index_bytes);
  // Adds a tensor; the parts that are added next belong to it. False, adding nothing, if the name is taken.
  bool add_tensor(std::string_view name, std::span<const std::uint64_t> shape, std::string_view layout,
                  std::span<const std::byte> attribute_map);
  // Call it as soon as the name of the next tensor is known. Names lie anywhere in the index: its memory comes while
  // the rest of the entry is read.
  void foresee(std::string_view name) const {
    if (!index_.empty()) __builtin_prefetch(&index_[hash(name) & (index_.size() - 1)]);
  }
  PartRow& add_part(std::string_view role, DType dtype, const Recipe& recipe, std::string_view digest);
  // Adds a second name for a tensor; both have the same parts. The name must be free.
  void add_copy(std::string_view name, std::uint32_t row);
  // Marks the last tensor, or the last part, as unreadable. It keeps its first fault.
  void fault_tensor(Fault fault);
  void fault_part(Fault fault);
  // Marks a tensor that was added before, and all its parts.
  void fault_entry(std::uint32_t row, Fault fault);
  // Says what the part `part` is a delta over.
  void set_base(std::uint32_t part, BaseRow base) { bases_.insert_or_assign(part, std::move(base)); }
  // Moves tensors that are only bases behind all others: users do not see them. `rows`: ascending. Call it once, after
  // the last tensor.
  void hide(std::span<const std::uint32_t> rows);
  // Frees the memory that growing left unused.
  void shrink();

  std::size_t size() const { return tensors_.size(); }             // hidden tensors, too
  std::size_t shown() const { return tensors_.size() - hidden_; }  // these come first
  std::size_t part_rows() const { return parts_.size(); }
  std::optional<std::uint32_t> find(std::string_view name) const;
  const TensorRow& tensor(std::uint32_t row) const { return tensors_[row]; }
  const PartRow& part(std::uint32_t row) const { return parts_[row]; }
  std::uint32_t row_of(const PartRow& part) const { return static_cast<std::uint32_t>(&part - parts_.data()); }
  const BaseRow* base(std::uint32_t part) const {  // null: it is no delta
    const auto found = bases_.find(part);
    return found == bases_.end() ? nullptr : &found->second;
  }
  std::span<const PartRow> parts(const TensorRow& tensor) const {
    return std::span(parts_).subspan(tensor.parts, tensor.part_count);
  }
  void set_decoded_length(std::uint32_t part, std::uint64_t length) { parts_[part].recipe.decoded_length = length; }
  void set_place(std::uint32_t part, std::uint16_t file, std::uint64_t offset) {
    parts_[part].recipe.file = file;
    parts_[part].recipe.offset = offset;
  }
  std::optional<std::uint32_t> find_part(const TensorRow& tensor, std::string_view role) const;
  std::span<const std::uint64_t> shape(const TensorRow& tensor) const {
    return std::span(dimensions_).subspan(tensor.dimensions, tensor.rank);
  }
  // The other file that has the bytes of a recipe. Null: the file itself has them, or the Catalog.
  const FileRow* other_file(const Recipe& recipe) const {
    return recipe.file == 0 || recipe.file == kOwnedFile ? nullptr : &files[recipe.file - 1U];
  }
  std::string_view text(Text text) const { return std::string_view(texts_).substr(text.at, text.size); }
  std::string_view word(std::uint32_t word) const { return words_[word]; }
  const Fault* fault(std::uint32_t fault) const { return fault == kNone ? nullptr : &faults_[fault]; }
  std::uint32_t intern(std::string_view word);  // for roles, layouts and types, which are few and short
  std::uint32_t add_view(const View& view);     // copies the axes, and returns the number of the view, for a Recipe
  // The result borrows from the Catalog, until the next tensor or view is added.
  View view(std::uint32_t number) const;
  // Keeps bytes that are in no file, or only in another form. Returns their offset, for a Recipe of kOwnedFile.
  std::uint64_t own(std::span<const std::byte> bytes);
  std::span<const std::byte> owned() const { return owned_; }

  std::string format;                 // "zt-1.2"
  Region manifest;                    // of a format that grows: where its CBOR item lies; empty: there is none
  Region objects;                     // of a format that grows: where in its manifest the map of tensors lies
  bool decoded_digests = false;       // digests are over decoded bytes (generation 2), not over stored ones
  std::vector<FileRow> files;         // beside the file itself
  std::vector<std::byte> attributes;  // of the file: one CBOR map, or nothing
  std::vector<std::string> notes;

 private:
  struct ViewRow {
    std::uint64_t blob_length;
    std::uint64_t start;
    std::uint32_t axes;  // where its shape begins in dimensions_; its strides follow
    std::uint32_t element_bytes;
    std::uint32_t rank;
    Flip flip;
  };
  struct Slot {
    std::uint32_t row = kNone;  // kNone: the place is free
    std::uint32_t tag = 0;      // some bits of the hash of the name: most other rows need not be looked at
  };
  Text keep(std::string_view text);
  std::uint32_t keep(Fault fault);
  std::uint32_t find_or_add(std::string_view word);
  std::uint64_t hash(std::string_view name) const;
  std::size_t place(std::string_view name, std::uint64_t hash) const;  // the place of a name in the index, used or free
  void make_index(std::size_t size);
  std::uint64_t seed_;

  std::vector<TensorRow> tensors_;
  std::vector<PartRow> parts_;
  std::map<std::uint32_t, BaseRow> bases_;  // by part
  std::uint32_t hidden_ = 0;                // the last tensors
  std::vector<std::uint64_t> dimensions_;   // the shapes of tensors, and the shapes and strides of views
  std::string texts_;
  std::deque<std::string> words_ = {""};             // a deque: word_index_ borrows from it
  std::array<std::uint32_t, 16> recent_words_ = {};  // saves a search for words that a file repeats with each tensor
  std::map<std::string_view, std::uint32_t> word_index_ = {{std::string_view(), 0}};
  std::vector<Fault> faults_;
  std::vector<ViewRow> views_;
  std::vector<std::byte> owned_;
  std::vector<Slot> index_;  // open addressing over names
};

}  // namespace zt::model
