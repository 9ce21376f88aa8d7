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

// Why something that is listed cannot be read.
struct Fault {
  Code code;
  const char* rule;
  std::string message;
  friend bool operator==(const Fault&, const Fault&) = default;
};
inline Fault fault_of(const Error& error) { return {error.code(), error.rule(), error.what()}; }

// Another file that parts of this one lie in: as the root file describes it, not yet looked for.
struct FileRow {
  enum class Kind : std::uint8_t {
    zt2,  // a whole file of generation 2, of a known size: a shard
    raw,  // any bytes
  };
  std::string name;
  std::uint64_t size = 0;   // of the whole file; not held against a raw one
  std::string digest = {};  // of the whole file, as the root has it
  Kind kind = Kind::zt2;
};

// One stored array. Texts lie in the Catalog's text buffer.
struct PartRow {
  Recipe recipe;
  Text digest;                  // as the file has it
  std::uint32_t role = 0;       // a word
  std::uint32_t storage = 0;    // a word: the file's own name of the stored type
  std::uint32_t logical = 0;    // a word: the file's own logical type, or ""
  std::uint32_t fault = kNone;  // why not even its bytes can be read
  DType dtype = DType::u8;      // of an unknown logical type: its storage
};

struct TensorRow {
  Text name;
  Text attributes;               // raw CBOR, or nothing
  std::uint32_t dimensions = 0;  // where its shape begins
  std::uint32_t parts = 0;       // its first part
  std::uint32_t part_count = 0;
  std::uint32_t layout = 0;     // a word
  std::uint32_t fault = kNone;  // why it cannot be read as a tensor
  std::uint16_t tag = 0;        // some bits of the name's hash, so that most other names need not be looked at
  std::uint8_t rank = 0;
};

// All that is known of the tensors of one source, and nothing of their elements: one flat table. Decoders and the
// Writer fill it tensor by tensor, each followed by its parts. Memory is linear in the index it was made from.
class Catalog {
 public:
  Catalog();
  Catalog(Catalog&&) = default;
  Catalog& operator=(Catalog&&) = default;

  // Makes room for so many tensors of an index of so many bytes, or for as many as these could hold. Growing step by
  // step would take twice the memory.
  void expect(std::uint64_t tensors, std::size_t index_bytes);
  // Adds a tensor; parts added next belong to it. False when the name is taken: nothing was added.
  bool add_tensor(std::string_view name, std::span<const std::uint64_t> shape, std::string_view layout,
                  std::span<const std::byte> attribute_map);
  PartRow& add_part(std::string_view role, DType dtype, const Recipe& recipe, std::string_view digest);
  // A second name for a tensor that is there: its parts lie where the first one's do. The name is free.
  void add_copy(std::string_view name, std::uint32_t row);
  // Marks the last tensor, or the last part, as unreadable; the first cause stays.
  void fault_tensor(Fault fault);
  void fault_part(Fault fault);
  // Gives memory back that growing left unused.
  void shrink();

  std::size_t size() const { return tensors_.size(); }
  std::size_t part_rows() const { return parts_.size(); }
  std::optional<std::uint32_t> find(std::string_view name) const;
  const TensorRow& tensor(std::uint32_t row) const { return tensors_[row]; }
  const PartRow& part(std::uint32_t row) const { return parts_[row]; }
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
  std::string_view text(Text text) const { return std::string_view(texts_).substr(text.at, text.size); }
  std::string_view word(std::uint32_t word) const { return words_[word]; }
  const Fault* fault(std::uint32_t fault) const { return fault == kNone ? nullptr : &faults_[fault]; }
  std::uint32_t intern(std::string_view word);  // roles, layouts, types: few, short, shared
  std::uint32_t add_view(const View& view);     // copies its axes; its number, for a Recipe
  // Borrows from this: until the next tensor or view is added.
  View view(std::uint32_t number) const;
  // Keeps bytes that lie in no file, or not as they are. Where they begin, for a Recipe with the file kOwnedFile.
  std::uint64_t own(std::span<const std::byte> bytes);
  std::span<const std::byte> owned() const { return owned_; }

  std::string format;                 // "zt-1.2"
  bool decoded_digests = false;       // digests are over decoded bytes (generation 2), not over stored ones
  std::vector<FileRow> files;         // beside the file itself
  std::vector<std::byte> attributes;  // of the file: one CBOR map, or nothing
  std::vector<std::string> notes;

 private:
  struct ViewRow {
    std::uint64_t blob_length;
    std::uint64_t start;
    std::uint32_t axes;  // where in dimensions_ its shape begins, which its strides follow
    std::uint32_t element_bytes;
    std::uint32_t rank;
  };
  Text keep(std::string_view text);
  std::uint32_t keep(Fault fault);
  std::uint32_t find_or_add(std::string_view word);
  std::uint64_t hash(std::string_view name) const;
  std::size_t place(std::string_view name, std::uint64_t hash) const;  // where the index has a name, or would have it
  void make_index(std::size_t size);
  std::uint64_t seed_;

  std::vector<TensorRow> tensors_;
  std::vector<PartRow> parts_;
  std::vector<std::uint64_t> dimensions_;  // of tensors; shapes and strides of views
  std::string texts_;
  std::deque<std::string> words_ = {""};             // a deque: word_index_ borrows from it
  std::array<std::uint32_t, 16> recent_words_ = {};  // what a file repeats with each tensor, found without a search
  std::map<std::string_view, std::uint32_t> word_index_ = {{std::string_view(), 0}};
  std::vector<Fault> faults_;
  std::vector<ViewRow> views_;
  std::vector<std::byte> owned_;
  std::vector<std::uint32_t> index_;  // open addressing over names; kNone is free
};

}  // namespace zt::model
