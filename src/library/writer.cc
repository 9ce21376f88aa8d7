#include "ztensor/writer.h"

#include <map>
#include <tuple>

#include "base/checked.h"
#include "base/utf8.h"
#include "hash/digest.h"
#include "io/publish.h"
#include "library/formats.h"
#include "library/part_writer.h"
#include "library/piece_sources.h"
#include "library/state.h"
#include "run/parallel.h"
#include "wire/cbor.h"

namespace zt {
namespace {

constexpr std::uint64_t kMaxAlignment = std::uint64_t{2} << 20;
constexpr std::size_t kMaxNameBytes = 1024;

std::string number(std::uint64_t value) { return std::to_string(value); }
[[noreturn]] void misuse(std::string message) { throw Error(Code::usage, "", std::move(message)); }

// spec/zt-1.2.md §4: what a new name may be.
void check_name(std::string_view name) {
  if (name.empty()) misuse("a tensor's name is empty");
  if (name.size() > kMaxNameBytes)
    misuse("name " + in_quotes(name) + " has " + number(name.size()) + " bytes: at most 1024");
  if (name.find('\0') != std::string_view::npos) misuse("name " + in_quotes(name) + " holds a NUL");
  if (!is_utf8(name)) misuse("name " + in_quotes(name) + " is not UTF-8");
}

// The same of a name that a file has: not the caller's fault.
void check_movable(std::string_view name) {
  try {
    check_name(name);
  } catch (const Error& error) {
    throw Error(Code::unsupported, "zt12.name.form", std::string("it cannot be written: ") + error.what());
  }
}

void check_role(std::string_view role) {
  if (role.size() > kMaxNameBytes || !is_utf8(role))
    misuse("role " + in_quotes(role) + " is not UTF-8 of at most 1024 bytes");
}

// Attributes as they are stored: nothing for null. What is nested deeper than `depth` no reader of ours would take.
std::vector<std::byte> encode_attributes(const Value& attributes, std::uint32_t depth) {
  if (attributes.is_null()) return {};
  if (!attributes.is_map()) misuse("attributes are a map with text keys");
  for (const auto& [key, value] : *attributes.members()) {
    if (key.text() == nullptr) misuse("attributes are a map with text keys");
  }
  std::vector<std::byte> cbor = attributes.encode();
  try {
    wire::CborCursor(cbor, {.strict = false, .depth = depth}).skip();
  } catch (const Error& error) {
    misuse(std::string("attributes cannot be stored: ") + error.what());
  }
  return cbor;
}

void check_level(Encoding encoding) {
  if (!encoding.is_raw() && (encoding.level() < 1 || encoding.level() > 22)) {
    misuse("zstd level " + std::to_string(encoding.level()) + ": expected 1 to 22");
  }
}

std::uint64_t elements_of(const Shape& shape) {
  const auto elements = checked::elements(shape);
  if (!elements) misuse("the shape has more elements than 64 bits count");
  return *elements;
}

}  // namespace

struct Writer::State {
  State(std::unique_ptr<ByteSink> sink, io::Publication* file, const WriterOptions& wanted)
      : options(wanted),
        encoder(*library::find_writable(wanted.format).encoder),
        output(std::move(sink)),
        parts(output, run::thread_count(wanted.threads)),
        publication(file) {}

  void begin();
  void check_open() const;
  void check_new(std::string_view name) const;
  std::uint32_t attribute_depth() const { return options.limits.depth > 4 ? options.limits.depth - 4 : 0; }
  std::vector<std::byte> attributes_of(const Value& file_attributes) const;
  Encoding encoding_for(const AddOptions& add) const;
  Checksum checksum_for(const AddOptions& add) const {
    return add.checksum.value_or(options.checksum.value_or(Checksum::crc32c));
  }
  // Writes one part at the next place. What went wrong halfway leaves the output unusable.
  model::PartRow store(library::PieceSource& source, Encoding encoding, Checksum checksum);
  void add_row(const model::PartRow& row, std::string_view role, DType dtype, std::string_view digest);
  void store_existing(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode);
  model::PartRow store_moved(const SourceState& from, const model::PartRow& part);
  model::PartRow store_decoded(const SourceState& from, const model::PartRow& part, Encoding encoding);

  WriterOptions options;
  const model::Encoder& encoder;
  library::Output output;
  library::PartWriter parts;
  io::Publication* publication;  // owned by `output`; null: bytes go to a sink of the caller
  model::Catalog catalog;
  std::unique_ptr<run::Meter> meter = std::make_unique<run::Meter>();
  bool open = true;
  bool broken = false;
  std::string digest_text;  // of the part that store() wrote last

  // Ranges of the source at hand that were stored already: tied tensors stay tied.
  using Range = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, model::Coding>;
  struct Stored {
    model::PartRow row;
    std::string digest;
    const model::PartRow* from = nullptr;  // the part of `source` that it was
  };
  std::shared_ptr<const SourceState> source;  // held, so that its address means one source only
  std::map<Range, Stored> moved;
};

void Writer::State::begin() {
  check_level(options.encoding);
  if (options.alignment == 0) options.alignment = encoder.alignment;
  const std::uint64_t alignment = options.alignment;
  if (alignment < encoder.alignment || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0) {
    misuse("alignment " + number(alignment) + ": expected a power of two from 64 to 2097152");
  }
  catalog.attributes = attributes_of(options.attributes);
  output.write(encoder.head());
}

// Of the file: an empty map is stored as none.
std::vector<std::byte> Writer::State::attributes_of(const Value& file_attributes) const {
  if (file_attributes.is_map() && file_attributes.members()->empty()) return {};
  return encode_attributes(file_attributes, attribute_depth());
}

void Writer::State::check_open() const {
  if (!open) misuse("the writer is closed");
  if (broken) misuse("an earlier write failed: the file cannot be finished");
}

void Writer::State::check_new(std::string_view name) const {
  check_open();
  check_name(name);
  if (catalog.find(name)) misuse("a tensor named " + in_quotes(name) + " was added already");
}

Encoding Writer::State::encoding_for(const AddOptions& add) const {
  const Encoding encoding = add.encoding.value_or(options.encoding);
  check_level(encoding);
  return encoding;
}

model::PartRow Writer::State::store(library::PieceSource& source_bytes, Encoding encoding, Checksum checksum) {
  broken = true;  // until it is whole
  output.pad(options.alignment);
  model::PartRow row;
  row.recipe.offset = output.position();
  const library::StoredPart stored = parts.write(
      source_bytes, {.encoding = encoding, .checksum = checksum, .digest_decoded = encoder.decoded_digests}, *meter);
  meter->poll();
  row.recipe.stored_length = stored.stored_length;
  row.recipe.decoded_length = source_bytes.length();
  row.recipe.coding = stored.zstd ? model::Coding::zstd : model::Coding::raw;
  digest_text = hash::format_digest(stored.digest);
  broken = false;
  return row;
}

void Writer::State::add_row(const model::PartRow& row, std::string_view role, DType dtype, std::string_view digest) {
  model::PartRow& added = catalog.add_part(role, dtype, row.recipe, digest);
  added.storage = catalog.intern(encoder.storage(dtype));
  added.logical = catalog.intern(encoder.logical(dtype));
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) { state_->begin(); }
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Writer Writer::create(const std::filesystem::path& path, const WriterOptions& options) {
  library::find_writable(options.format);  // before anything is made
  library::check_suffix(path.string());
  auto file = std::make_unique<io::Publication>(
      path, io::PublishOptions{.create_new = options.mode == WriteMode::create_new, .durable = options.durable});
  io::Publication* const publication = file.get();
  return Writer(std::make_unique<State>(std::move(file), publication, options));
}

Writer Writer::to(std::unique_ptr<ByteSink> sink, const WriterOptions& options) {
  return Writer(std::make_unique<State>(std::move(sink), nullptr, options));
}

void Writer::check_count(const Shape& shape, std::uint64_t elements) {
  const std::uint64_t expected = elements_of(shape);
  if (expected != elements) misuse("the shape has " + number(expected) + " elements, the data " + number(elements));
}

void Writer::add(std::string_view name, const ArrayView& array, const AddOptions& options) {
  const PartView data{"data", array};
  add_object(name, array.shape, "dense", {&data, 1}, options);
}

void Writer::add_object(std::string_view name, const Shape& shape, std::string_view layout,
                        std::span<const PartView> parts, const AddOptions& options) {
  State& state = *state_;
  state.check_new(name);
  inside("tensor " + in_quotes(name), [&] {
    check_role(layout);
    if (shape.size() > state.options.limits.rank)
      misuse("more than " + number(state.options.limits.rank) + " dimensions");
    if (parts.size() > state.options.limits.parts) misuse("more than " + number(state.options.limits.parts) + " parts");
    const Encoding encoding = state.encoding_for(options);
    const Checksum checksum = state.checksum_for(options);
    const std::vector<std::byte> attributes = encode_attributes(options.attributes, state.attribute_depth());
    std::vector<library::ArraySource> sources;
    for (const PartView& part : parts) {
      check_role(part.role);
      sources.emplace_back(part.array);  // throws usage for arrays that contradict themselves
    }
    library::check_layout(shape, layout, parts);

    std::vector<std::pair<model::PartRow, std::string>> rows;
    for (library::ArraySource& source : sources) {
      const model::PartRow row = state.store(source, encoding, checksum);
      rows.emplace_back(row, state.digest_text);
    }
    state.catalog.add_tensor(name, shape, layout, attributes);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      state.add_row(rows[i].first, parts[i].role, parts[i].array.dtype, rows[i].second);
    }
  });
}

void Writer::add_csr(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
                     const ArrayView& indptr, const AddOptions& options) {
  state_->check_new(name);
  const auto wide = [&](const ArrayView& array) {
    return inside("tensor " + in_quotes(name), [&] { return library::widen(array); });
  };
  const auto wide_indices = wide(indices);
  const auto wide_indptr = wide(indptr);
  const PartView parts[] = {
      {"values", values},
      {"indices", array_of(std::span(wide_indices))},
      {"indptr", array_of(std::span(wide_indptr))},
  };
  add_object(name, shape, "sparse_csr", parts, options);
}

void Writer::add_coo(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
                     const AddOptions& options) {
  state_->check_new(name);
  const auto wide = inside("tensor " + in_quotes(name), [&] { return library::widen(indices); });
  const PartView parts[] = {{"values", values}, {"coords", array_of(std::span(wide))}};
  add_object(name, shape, "sparse_coo", parts, options);
}

void Writer::add_alias(std::string_view name, std::string_view existing) {
  State& state = *state_;
  state.check_new(name);
  const auto found = state.catalog.find(existing);
  if (!found) throw Error(Code::not_found, "", "no tensor named " + in_quotes(existing) + " was added");
  state.catalog.add_copy(name, *found);
}

model::PartRow Writer::State::store_moved(const SourceState& from, const model::PartRow& part) {
  // Seen as raw, the stored bytes are what the digest is over: it is checked, and they move as they are.
  model::Recipe stored = part.recipe;
  stored.coding = model::Coding::raw;
  stored.decoded_length = stored.stored_length;
  library::StoredSource bytes({from.store.get(), &stored, from.catalog.text(part.digest)});
  model::PartRow row = store(bytes, Encoding::raw(), options.checksum.value_or(Checksum::none));
  row.recipe.coding = part.recipe.coding;
  row.recipe.decoded_length = part.recipe.decoded_length;
  if (!options.checksum) digest_text = from.catalog.text(part.digest);
  return row;
}

model::PartRow Writer::State::store_decoded(const SourceState& from, const model::PartRow& part, Encoding encoding) {
  const model::Recipe recipe = from.measured(part);
  library::StoredSource bytes(from.part_source(part, recipe));
  return store(bytes, encoding, options.checksum.value_or(Checksum::crc32c));
}

void Writer::State::store_existing(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode) {
  const SourceState& from = *source;
  const model::TensorRow& row = from.catalog.tensor(tensor.row_);
  const bool movable = from.catalog.format == "zt-1.2" || from.catalog.format == "zt-1.1";
  std::vector<Stored> rows;
  for (const model::PartRow& part : from.catalog.parts(row)) {
    const Range range{part.recipe.offset, part.recipe.stored_length, part.recipe.file, part.recipe.coding};
    const bool keep = !recode || (recode->is_raw() && part.recipe.coding == model::Coding::raw);
    const auto known = moved.find(range);
    if (known != moved.end()) {
      rows.push_back(known->second);
      const std::string_view digest = from.catalog.text(part.digest);
      const model::PartRow& twin = *known->second.from;
      if (digest == from.catalog.text(twin.digest) && part.recipe.decoded_length == twin.recipe.decoded_length)
        continue;
      tensor.part(rows.size() - 1).check();  // the same bytes, but it says something else of them
      if (movable && keep && !options.checksum) rows.back().digest = digest;
      continue;
    }
    Stored stored;
    stored.from = &part;
    library::located(from, tensor.row_, &part, [&] {
      stored.row =
          movable && keep ? store_moved(from, part) : store_decoded(from, part, recode.value_or(options.encoding));
    });
    stored.digest = digest_text;
    if (part.recipe.stored_length > 0) moved.emplace(range, stored);
    rows.push_back(std::move(stored));
  }
  catalog.add_tensor(name, tensor.shape(), tensor.layout(), tensor.attributes_cbor());
  std::size_t i = 0;
  for (const model::PartRow& part : from.catalog.parts(row)) {
    add_row(rows[i].row, from.catalog.word(part.role), part.dtype, rows[i].digest);
    ++i;
  }
}

void Writer::add_stored(std::string_view name, const Tensor& tensor, std::optional<Encoding> encoding) {
  State& state = *state_;
  state.check_open();
  tensor.throw_unreadable();
  library::located(*tensor.state_, tensor.row_, nullptr, [&] { check_movable(name); });
  state.check_new(name);
  if (state.source != tensor.state_) {
    state.source = tensor.state_;
    state.moved.clear();
  }
  state.store_existing(name, tensor, encoding);
}

void Writer::set_attributes(const Value& attributes) {
  state_->check_open();
  state_->catalog.attributes = state_->attributes_of(attributes);
}

void Writer::set_progress(Progress progress, std::uint64_t total) {
  state_->meter = std::make_unique<run::Meter>(std::move(progress), total);
}

std::uint64_t Writer::bytes_written() const { return state_->output.position(); }

void Writer::finalize() {
  State& state = *state_;
  state.check_open();
  const std::vector<std::byte> manifest = state.encoder.manifest(state.catalog);
  if (manifest.size() > state.options.limits.index_bytes) {
    throw Error(
        Code::limit, "zt12.manifest.limit",
        "the manifest takes " + number(manifest.size()) + " bytes, which no reader would take: fewer tensors a file");
  }
  state.open = false;
  state.output.pad(state.encoder.manifest_alignment);
  const std::uint64_t offset = state.output.position();
  state.output.write(manifest);
  state.output.write(state.encoder.footer(offset, manifest));
  state.output.flush();
  if (state.publication != nullptr) state.publication->publish();
}

void Writer::abort() noexcept {
  if (!state_) return;
  state_->open = false;
  state_->output.drop();
}

}  // namespace zt
