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

// A name of a file in the same folder.
bool is_hint(std::string_view hint) {
  return hint != "." && hint != ".." && hint.find('/') == std::string_view::npos &&
         hint.find('\0') == std::string_view::npos;
}

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
  // The store of the delta `part`, with all below it.
  const DeltaBases::Found& open(const SourceState& state, const model::PartRow& part);
  // The pieces of a part of `root`, or of one of its bases.
  read::DeltaPieces pieces_of(const read::PartSource& stored) const;

 private:
  struct Base {
    std::shared_ptr<const SourceState> owner;
    const SourceState* state;
    const model::PartRow* data;
  };
  bool is_below(const SourceState& state, const model::PartRow& part) const;
  // One, or several that the caller gave.
  std::vector<Base> find(const SourceState& state, const model::PartRow& part);
  std::vector<Base> find_elsewhere(const SourceState& state, const model::BaseRow& base, const std::string& name,
                                   DType dtype);
  std::unique_ptr<DeltaBases::Found> open_any(const SourceState& state, const model::PartRow& part);
  std::unique_ptr<DeltaBases::Found> open_over(const Base& base, const SourceState& state, const model::PartRow& part);
  std::shared_ptr<const SourceState> named_file(const SourceState& state, const std::string& label,
                                                const BaseEntry& entry);

  const SourceState& root_;
  std::vector<Step> steps_;
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
  if (state.options.resolver) {
    if (auto store = state.options.resolver->find({.name = label, .size = 0, .digest = entry.id})) {
      options.resolver = state.options.resolver;
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

std::vector<Search::Base> Search::find_elsewhere(const SourceState& state, const model::BaseRow& base,
                                                 const std::string& name, DType dtype) {
  const BaseEntry entry = base_entry(state, base.label);
  std::vector<Base> found;
  for (const auto& given : root_.options.bases) {  // also for the bases of bases
    const auto& owner = Access::state(*given);
    const model::PartRow* data = find_data(*owner, name, dtype);
    if (data != nullptr && !is_below(*owner, *data)) found.push_back({owner, owner.get(), data});
  }
  if (!found.empty()) return found;
  const auto owner = named_file(state, base.label, entry);
  if (owner == nullptr) {
    throw Error(Code::not_found, "delta.base.missing",
                "the tensor is stored as what changed since tensor " + in_quotes(name) + " of a base with id " +
                    entry.id + (entry.hint.empty() ? "" : ", in file " + in_quotes(entry.hint)) +
                    ", which is not there: put it beside the file, or open the file with its base");
  }
  const model::PartRow* data = find_data(*owner, name, dtype);
  if (data == nullptr) {
    refuse_base("the base " + in_quotes(base.label) + " has no dense tensor " + in_quotes(name) + " of " +
                std::string(dtype_name(dtype)));
  }
  return {{owner, owner.get(), data}};
}

std::vector<Search::Base> Search::find(const SourceState& state, const model::PartRow& part) {
  const std::uint32_t row = state.catalog.row_of(part);
  const model::BaseRow* base = state.catalog.base(row);
  if (base == nullptr) {
    throw Error(Code::unsupported, "delta.base.missing",
                "a delta among several files is not read: open the file of the tensor by itself");
  }
  const std::string name = base->name.empty() ? name_of_part(state, row) : base->name;
  if (!base->label.empty()) return find_elsewhere(state, *base, name, part.dtype);
  const model::PartRow* data = find_data(state, name, part.dtype);
  if (data == nullptr) {
    refuse_base("the file has no dense tensor " + in_quotes(name) + " of " + std::string(dtype_name(part.dtype)) +
                ", which the tensor is stored as a delta over");
  }
  return {{nullptr, &state, data}};
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

std::unique_ptr<DeltaBases::Found> Search::open_over(const Base& base, const SourceState& state,
                                                     const model::PartRow& part) {
  auto found = std::make_unique<DeltaBases::Found>();
  found->owner = base.owner;
  read::PartSource from;
  if (base.data->recipe.coding.is_delta()) {
    const DeltaBases::Found& below = open(*base.state, *base.data);
    found->levels = below.levels + 1;
    from = {below.store.get(), {.decoded_length = below.store->size()}, {}, {}, false};
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

// Over the only base, or the one of several that each piece is made over. A piece tells most of them apart, so the
// first piece is all that is read as a rule.
std::unique_ptr<DeltaBases::Found> Search::open_any(const SourceState& state, const model::PartRow& part) {
  const std::vector<Base> candidates = find(state, part);
  if (candidates.size() == 1) return open_over(candidates[0], state, part);
  std::vector<std::unique_ptr<DeltaBases::Found>> left;
  std::optional<Error> fault;
  const std::vector<Step> steps = steps_;
  const auto fits = [&](const auto& found, std::size_t piece) {
    try {
      return found->store->fits(piece);
    } catch (const Error& error) {
      if (!fault) fault = error;
      return false;
    }
  };
  for (const Base& candidate : candidates) {
    steps_ = steps;
    try {
      left.push_back(open_over(candidate, state, part));
    } catch (const Error& error) {
      if (!fault) fault = error;
    }
  }
  const std::size_t pieces = left.empty() ? 0 : left[0]->store->pieces();
  for (std::size_t piece = 0; piece < pieces && left.size() + (piece == 0 ? 1 : 0) > 1; ++piece) {
    std::erase_if(left, [&](const auto& found) { return !fits(found, piece); });
  }
  if (!left.empty()) return std::move(left[0]);
  if (fault) throw *fault;
  throw Error(Code::mismatch, "delta.base.check", "none of the bases that were given is the one of the tensor");
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

const DeltaBases::Found& Search::open(const SourceState& state, const model::PartRow& part) {
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
  DeltaBases& bases = root_.bases.here();
  {
    const std::lock_guard lock(bases.mutex);
    const auto known = bases.parts.find({&state, row});
    if (known != bases.parts.end() && steps_.size() - 1 + known->second->levels <= kMostBases) {
      return *known->second;
    }
  }
  std::unique_ptr<DeltaBases::Found> found = open_any(state, part);
  const std::lock_guard lock(bases.mutex);
  return *bases.parts.try_emplace({&state, row}, std::move(found)).first->second;  // another thread may be faster
}

}  // namespace

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
    const auto names_base = [](const auto& member) {
      return member.first.text() != nullptr && member.first.text()->starts_with(kBaseKey);
    };
    if (std::ranges::count_if(*all.members(), names_base) > std::ptrdiff_t{kMostLabels}) {
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
  return Search(state).open(state, part).owner;
}

void check_base(const SourceState& state, const model::PartRow& part, bool all) {
  const read::DeltaStore& store = *Search(state).open(state, part).store;
  for (std::size_t piece = 0; piece < store.pieces(); ++piece) {
    if (!store.fits(piece)) {
      throw Error(Code::mismatch, "delta.base.check", "the base is not the one that the delta was made over");
    }
    if (!all && store.has_base(piece)) return;
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
    Search(state).open(state, part).store->read_base(number, base);
  });
}

std::size_t levels_of(const SourceState& state, const model::PartRow& part) {
  return part.recipe.coding.is_delta() ? Search(state).open(state, part).levels : 0;
}

read::PartSource delta_source(const SourceState& state, const model::PartRow& part) {
  const DeltaBases::Found& found = Search(state).open(state, part);
  model::Recipe recipe{.stored_length = part.recipe.decoded_length, .decoded_length = part.recipe.decoded_length};
  return {found.store.get(), recipe, state.catalog.text(part.digest), {}, true};
}

}  // namespace zt::source
