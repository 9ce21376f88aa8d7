#include "source/delta_bases.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "io/beneath.h"
#include "io/file.h"
#include "io/target.h"
#include "read/digest_check.h"
#include "source/access.h"
#include "source/hidden.h"
#include "source/state.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"
#include "ztensor/value.h"

namespace zt::source {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_base(const std::string& why) { throw Error(Code::malformed, "delta.base", why); }

// A tensor on the way from a delta to its last base: the file, as far as we can tell files apart, and the part.
struct Step {
  const SourceState* state;
  std::optional<io::Identity> file;
  std::uint32_t part;
};

std::optional<io::Identity> identity_of_file(const SourceState& state) {
  const io::File* file = state.file();
  if (file == nullptr) return std::nullopt;
  return file->identity();
}

// The tensor that a part belongs to.
std::string name_of_part(const SourceState& state, std::uint32_t part) {
  const model::Catalog& catalog = state.catalog;
  // Tensors that are shown come first, and then hidden ones, each in the order of their parts.
  const std::size_t bounds[] = {0, catalog.shown(), catalog.size()};
  for (std::size_t i = 0; i < 2; ++i) {
    std::size_t first = bounds[i];
    for (std::size_t count = bounds[i + 1] - first; count > 1;) {
      const std::size_t half = count / 2;
      if (catalog.tensor(static_cast<std::uint32_t>(first + half)).parts <= part) first += half;
      count -= half;
    }
    if (first == bounds[i + 1]) continue;
    const model::TensorRow& tensor = catalog.tensor(static_cast<std::uint32_t>(first));
    if (tensor.parts <= part && part < tensor.parts + tensor.part_count) return std::string(catalog.text(tensor.name));
  }
  return {};
}

// The data of the dense tensor of this name and dtype; null if there is none.
const model::PartRow* find_data(const SourceState& state, std::string_view name, DType dtype) {
  const auto row = state.catalog.find(name);
  if (!row) return nullptr;
  const model::TensorRow& tensor = state.catalog.tensor(*row);
  if (tensor.fault != model::kNone || state.catalog.word(tensor.layout) != "dense" || tensor.part_count != 1) {
    return nullptr;
  }
  const model::PartRow& data = state.catalog.part(tensor.parts);
  return data.dtype == dtype ? &data : nullptr;
}

// Holds all bytes of a delta without pieces against the digest of its tensor. Throws mismatch.
void check_whole(const read::DeltaStore& store, std::string_view digest) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  const model::Recipe recipe{.stored_length = store.size(), .decoded_length = store.size()};
  read::DigestCheck check({&store, recipe, digest, {}, true}, Verify::always, true);
  if (!check.is_on()) {
    throw Error(Code::mismatch, "delta.base.check",
                "nothing says which base the tensor is the same as: it has neither pieces nor a digest");
  }
  std::vector<std::byte> block;
  for (std::uint64_t done = 0; done < store.size(); done += block.size()) {
    block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, store.size() - done)));
    store.read_at(done, block);
    check.append(block);
  }
  check.finish();
}

// Finds bases, from a delta down to a part that is none. What it finds is kept with the source that it began at.
class Search {
 public:
  explicit Search(const SourceState& root) : root_(root) {}
  // The store of the delta `part`, with all below it. That of a part of `root` lives as long as `root`.
  std::shared_ptr<const DeltaBases::Found> open(const SourceState& state, const model::PartRow& part);
  // The pieces of a part of `root`, or of one of its bases.
  read::DeltaPieces pieces_of(const read::PartSource& stored) const;

 private:
  using FoundPtr = std::shared_ptr<const DeltaBases::Found>;
  struct Base {
    std::shared_ptr<const SourceState> owner;  // null: the source itself
    const SourceState* state;
    const model::PartRow* data;
  };
  bool is_below(const SourceState& state, const model::PartRow& part) const;
  FoundPtr open_any(const SourceState& state, const model::PartRow& part);
  FoundPtr open_over(const Base& base, const SourceState& state, const model::PartRow& part);
  // What the caller gave to this source, or else to the one that the search began at.
  std::vector<Base> given(const SourceState& state, std::string_view name, DType dtype);
  FoundPtr pick(const std::vector<Base>& candidates, const SourceState& state, const model::PartRow& part,
                std::optional<Error>& fault);
  bool may_fit(const Base& base, const read::DeltaPieces& pieces, const read::PartSource& stored) const;
  std::shared_ptr<const SourceState> named_file(const SourceState& state, const std::string& label,
                                                const BaseEntry& entry);

  const SourceState& root_;
  std::vector<Step> steps_;
  bool left_out_ = false;  // a candidate was left out because we are on the way down from it
};

// The file that a resolver or the hint gives; null if there is none.
std::shared_ptr<const SourceState> Search::named_file(const SourceState& state, const std::string& label,
                                                      const BaseEntry& entry) {
  DeltaBases& bases = state.bases.here();
  {
    const std::lock_guard lock(bases.mutex);
    const auto known = bases.files.find(label);
    if (known != bases.files.end()) return known->second;
  }
  OpenOptions options;
  options.backend = state.options.backend;
  options.threads = state.options.threads;
  options.limits = state.options.limits;
  std::optional<Source> found;
  options.resolver = state.options.resolver;  // for the bases of bases
  if (state.options.resolver) {
    if (auto store = state.options.resolver->find({.name = label, .size = 0, .digest = entry.id})) {
      found = zt::open(std::move(store), label, options);
    }
  }
  const io::File* own = state.file();
  if (!found && !entry.hint.empty() && own != nullptr && !state.path.empty()) {
    for (const fs::path& name : io::names_through_links(state.path)) {
      try {
        auto file = io::open_beneath(name.parent_path(), entry.hint, own->identity());
        const fs::path path = name.parent_path() / path_of(entry.hint);
        Opened opened{.store = std::move(file), .path = path, .name = utf8_of(path)};
        model::Catalog catalog = decode(opened, options.limits);
        found = make_source(std::move(opened), std::move(catalog), options);
        break;
      } catch (const Error& error) {
        if (error.os_error() != ENOENT && error.os_error() != ENOTDIR) throw;
      }
    }
  }
  if (!found) return nullptr;
  const std::lock_guard lock(bases.mutex);
  return bases.files.emplace(label, Access::state(*found)).first->second;
}

std::vector<Search::Base> Search::given(const SourceState& state, std::string_view name, DType dtype) {
  std::vector<Base> found;
  for (const auto& one : state.options.bases.empty() ? root_.options.bases : state.options.bases) {
    const auto& owner = Access::state(*one);
    const model::PartRow* data = find_data(*owner, name, dtype);
    if (data == nullptr) continue;
    if (is_below(*owner, *data)) {
      left_out_ = true;
    } else {
      found.push_back({owner, owner.get(), data});
    }
  }
  return found;
}

read::DeltaPieces Search::pieces_of(const read::PartSource& stored) const {
  DeltaBases& bases = root_.bases.here();
  const model::Recipe& recipe = stored.recipe;
  const std::tuple key(stored.store, recipe.offset, recipe.stored_length, recipe.decoded_length);
  {
    const std::lock_guard lock(bases.mutex);
    const auto known = bases.pieces.find(key);
    if (known != bases.pieces.end()) return known->second;
  }
  read::DeltaPieces pieces = read::read_pieces(stored);
  const std::lock_guard lock(bases.mutex);
  return bases.pieces.emplace(key, std::move(pieces)).first->second;
}

Search::FoundPtr Search::open_over(const Base& base, const SourceState& state, const model::PartRow& part) {
  auto found = std::make_shared<DeltaBases::Found>();
  found->owner = base.owner;
  read::PartSource from;
  if (base.data->recipe.coding.is_delta()) {
    found->below = open(*base.state, *base.data);
    found->levels = found->below->levels + 1;
    from = {found->below->store.get(), {.decoded_length = found->below->store->size()}, {}, {}, false};
  } else {
    from = base.state->part_source(*base.data, base.state->measured(*base.data));
  }
  const read::PartSource stored{&state.store_of(part.recipe), part.recipe, {}, {}, false};
  found->store =
      std::make_unique<const read::DeltaStore>(stored, pieces_of(stored), from, base.state->slices, state.deltas);
  // No piece says what the base is, so the digest of the result must, before a byte is given out.
  const bool says_nothing = part.recipe.stored_length == 0 && part.recipe.decoded_length > 0;
  if (says_nothing && base.owner != nullptr) check_whole(*found->store, state.catalog.text(part.digest));
  return found;
}

// A base that is a delta says what its pieces decode to. If its first piece is not the base of the first piece here, we
// need not go down to its bases.
bool Search::may_fit(const Base& base, const read::DeltaPieces& pieces, const read::PartSource& stored) const {
  const model::Recipe& recipe = base.data->recipe;
  if (!recipe.coding.is_delta() || pieces->empty() || recipe.stored_length == 0) return true;
  if (recipe.decoded_length != stored.recipe.decoded_length) return true;  // the first piece may be longer or shorter
  const read::PartSource below{&base.state->store_of(recipe), recipe, {}, {}, false};
  const codec::DeltaHead upper = read::read_head(stored, *pieces, 0),
                         lower = read::read_head(below, *pieces_of(below), 0);
  return upper.mode == codec::DeltaMode::full || upper.base == lower.result;
}

// The one of some candidates that the pieces were made over; null if none is. A piece tells most of them apart, so the
// first piece that has a base is all that is read as a rule.
Search::FoundPtr Search::pick(const std::vector<Base>& candidates, const SourceState& state, const model::PartRow& part,
                              std::optional<Error>& fault) {
  const read::PartSource stored{&state.store_of(part.recipe), part.recipe, {}, {}, false};
  const read::DeltaPieces pieces = pieces_of(stored);
  const std::vector<Step> steps = steps_;
  const auto without_fault = [&](const auto& work) {
    try {
      return work();
    } catch (const Error& error) {
      if (!fault) fault = error;
      return false;
    }
  };
  std::vector<FoundPtr> left;
  for (const Base& candidate : candidates) {
    without_fault([&] {
      if (may_fit(candidate, pieces, stored)) left.push_back(open_over(candidate, state, part));
      return true;
    });
    steps_ = steps;
  }
  bool is_tested = false;
  for (std::size_t piece = 0; piece < pieces->size() && !left.empty() && (left.size() > 1 || !is_tested); ++piece) {
    is_tested = is_tested || read::read_head(stored, *pieces, piece).mode != codec::DeltaMode::full;
    std::erase_if(left,
                  [&](const FoundPtr& found) { return !without_fault([&] { return found->store->fits(piece); }); });
  }
  return left.empty() ? nullptr : left[0];
}

Search::FoundPtr Search::open_any(const SourceState& state, const model::PartRow& part) {
  const std::uint32_t row = state.catalog.row_of(part);
  const model::BaseRow* base = state.catalog.base(row);
  if (base == nullptr) {
    throw Error(Code::unsupported, "delta.joined",
                "a delta among several files is not read: open the file of the tensor by itself");
  }
  const std::string name = base->name.empty() ? name_of_part(state, row) : base->name;
  if (base->label.empty()) {
    const model::PartRow* data = find_data(state, name, part.dtype);
    if (data != nullptr) return open_over({nullptr, &state, data}, state, part);
    refuse_base("the file has no dense tensor " + in_quotes(name) + " of " + std::string(dtype_name(part.dtype)) +
                ", which the tensor is stored as a delta over");
  }
  const BaseEntry entry = base_entry(state, base->label);
  const std::vector<Base> candidates = given(state, name, part.dtype);
  std::optional<Error> fault;
  if (FoundPtr found = pick(candidates, state, part, fault)) return found;
  const auto owner = named_file(state, base->label, entry);
  if (owner == nullptr && fault) throw *fault;
  if (owner == nullptr && !candidates.empty()) {
    throw Error(Code::mismatch, "delta.base.check", "the base is not the one that the delta was made over");
  }
  if (owner == nullptr) {
    throw Error(Code::not_found, "delta.base.missing",
                "the tensor is stored as what changed since tensor " + in_quotes(name) + " of a base with id " +
                    entry.id + (entry.hint.empty() ? "" : ", in file " + in_quotes(entry.hint)) +
                    ", which is not there: put it beside the file, or open the file with its base");
  }
  const model::PartRow* data = find_data(*owner, name, part.dtype);
  if (data != nullptr) return open_over({owner, owner.get(), data}, state, part);
  refuse_base("the base " + in_quotes(base->label) + " has no dense tensor " + in_quotes(name) + " of " +
              std::string(dtype_name(part.dtype)));
}

// Whether we are on the way down from this part.
bool Search::is_below(const SourceState& state, const model::PartRow& part) const {
  const std::uint32_t row = state.catalog.row_of(part);
  const auto file = identity_of_file(state);
  return std::ranges::any_of(steps_, [&](const Step& step) {
    const bool same_file = step.state == &state || (file && step.file && *file == *step.file);
    return same_file && step.part == row;
  });
}

Search::FoundPtr Search::open(const SourceState& state, const model::PartRow& part) {
  const std::uint32_t row = state.catalog.row_of(part);
  const auto file = identity_of_file(state);
  if (is_below(state, part)) {
    throw Error(Code::malformed, "delta.base.cycle", "the tensor is a delta over itself, through its bases");
  }
  if (steps_.size() == kMostBases) {
    throw Error(Code::limit, "delta.base.depth",
                "the tensor is a delta over more than " + std::to_string(kMostBases) + " bases, one over another");
  }
  steps_.push_back({&state, file, row});
  const bool is_root = steps_.size() == 1;
  DeltaBases& bases = root_.bases.here();
  {
    const std::lock_guard lock(bases.mutex);
    const auto known = bases.parts.find({&state, row});
    if (known != bases.parts.end() && steps_.size() - 1 + known->second->levels <= kMostBases) {
      return known->second;
    }
  }
  // What is found without a candidate that was left out holds on this way down alone.
  const bool was_left_out = std::exchange(left_out_, false);
  FoundPtr found = open_any(state, part);
  const bool depends = left_out_ && !is_root;
  left_out_ = left_out_ || was_left_out;
  if (depends) return found;
  const std::lock_guard lock(bases.mutex);
  return bases.parts.try_emplace({&state, row}, std::move(found)).first->second;  // another thread may be faster
}

}  // namespace

bool is_hint(std::string_view hint) {
  return hint != "." && hint != ".." && hint.find('/') == std::string_view::npos &&
         hint.find('\0') == std::string_view::npos;
}

BaseEntry base_entry(const SourceState& state, const std::string& label) {
  DeltaBases& bases = state.bases.here();
  {
    const std::lock_guard lock(bases.mutex);
    const auto known = bases.entries.find(label);
    if (known != bases.entries.end()) return known->second;
  }
  const std::string key = std::string(kBaseKey) + label;
  const auto cbor = std::span(state.catalog.attributes);
  const Value all = cbor.empty() ? Value() : Value::parse(cbor, state.options.limits.depth);
  if (all.members() != nullptr) {
    const auto is_base = [](const auto& member) { return names_base(member.first); };
    if (std::ranges::count_if(*all.members(), is_base) > std::ptrdiff_t{kMostLabels}) {
      throw Error(Code::limit, "delta.base.labels",
                  "the file names more than " + std::to_string(kMostLabels) + " files with bases");
    }
  }
  const Value* value = all.find(key);
  if (value == nullptr || value->text() == nullptr) {
    refuse_base("the file needs an attribute " + in_quotes(key) + " that says what the base is");
  }
  const std::string& text = *value->text();
  const std::size_t space = text.find(' ');
  BaseEntry entry{.id = text.substr(0, space), .hint = space == std::string::npos ? "" : text.substr(space + 1)};
  if (entry.id.empty() || !is_hint(entry.hint)) {
    refuse_base("the attribute " + in_quotes(key) + " must be an id, then perhaps a space and the name of a file");
  }
  const std::lock_guard lock(bases.mutex);
  return bases.entries.emplace(label, std::move(entry)).first->second;
}

std::shared_ptr<const SourceState> owner_of_base(const SourceState& state, const model::PartRow& part) {
  return Search(state).open(state, part)->owner;
}

void check_pieces(const SourceState& state, const model::PartRow& part, bool all) {
  const auto found = Search(state).open(state, part);
  const read::DeltaStore& store = *found->store;
  std::vector<std::byte> piece;
  for (std::size_t number = 0; number < store.pieces(); ++number) {
    const std::uint64_t at = number * std::uint64_t{codec::kDeltaPieceBytes};
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(store.size() - at, codec::kDeltaPieceBytes)));
    store.read_at(at, piece);
    if (!all && store.has_base(number)) return;
  }
}

bool changes_nothing(const SourceState& state, const model::PartRow& part) {
  const read::PartSource stored{&state.store_of(part.recipe), part.recipe, {}, {}, false};
  return std::ranges::all_of(*Search(state).pieces_of(stored), [](const codec::DeltaPiece& piece) {
    return piece.content == 0 && piece.stored == codec::kDeltaHeadBytes;
  });
}

codec::DeltaChanges piece_changes(const SourceState& state, const model::PartRow& part, std::size_t number,
                                  std::size_t size) {
  const read::PartSource stored{&state.store_of(part.recipe), part.recipe, {}, {}, false};
  const read::DeltaPieces pieces = Search(state).pieces_of(stored);
  return read::read_changes(stored, *pieces, number, size, state.deltas.here(), [&](std::vector<std::byte>& base) {
    Search(state).open(state, part)->store->read_base(number, base);
  });
}

std::size_t levels_of(const SourceState& state, const model::PartRow& part) {
  return part.recipe.coding.is_delta() ? Search(state).open(state, part)->levels : 0;
}

read::PartSource delta_source(const SourceState& state, const model::PartRow& part) {
  const auto found = Search(state).open(state, part);
  model::Recipe recipe{.stored_length = part.recipe.decoded_length, .decoded_length = part.recipe.decoded_length};
  return {found->store.get(), recipe, state.catalog.text(part.digest), {}, true};
}

}  // namespace zt::source
