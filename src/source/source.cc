#include "ztensor/source.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/checked.h"
#include "base/utf8.h"
#include "io/file.h"
#include "read/parts.h"
#include "run/parallel.h"
#include "run/pause.h"
#include "source/access.h"
#include "source/external_files.h"
#include "source/formats.h"
#include "source/hidden.h"
#include "source/repository.h"
#include "source/state.h"
#include "ztensor/paths.h"

namespace zt {
namespace source {

std::string place_of(const model::Catalog& catalog, std::uint32_t tensor, const model::PartRow* part) {
  std::string place = "tensor " + in_quotes(catalog.text(catalog.tensor(tensor).name));
  if (part != nullptr) place += ": part " + in_quotes(catalog.word(part->role));
  const model::FileRow* file = part == nullptr ? nullptr : catalog.other_file(part->recipe);
  if (file == nullptr) return place;
  place += file->kind == model::FileRow::Kind::raw ? " in file " : " in shard ";
  place += in_quotes(file->name);
  return place;
}

Error fault_error(const SourceState& state, std::uint32_t tensor, const model::Fault& fault) {
  Error error(fault.code, fault.rule, fault.message);
  error.enter(place_of(state.catalog, tensor, nullptr));
  error.enter_file(state.name);
  return error;
}

namespace {

// Values are walked and freed by recursion, so no caller may lift this limit of their depth.
constexpr std::uint32_t kMaxDepth = 1000;

}  // namespace

model::Catalog decode(const Opened& opened, const Limits& limits, std::vector<std::byte>* manifest) {
  if (limits.depth > kMaxDepth) {
    throw Error(Code::usage, "", "Limits::depth is too large: give at most " + std::to_string(kMaxDepth));
  }
  try {
    const Format& format = detect(*opened.store, opened.name);
    const model::Grower* grower = format.encoder == nullptr ? nullptr : format.encoder->grower;
    if (manifest != nullptr && grower != nullptr) return grower->decode(*opened.store, limits, *manifest);
    return format.decode(*opened.store, limits);
  } catch (Error& error) {
    error.enter_file(opened.name);
    throw;
  }
}

namespace {

// The size and the last bytes of a file, as they were when it was opened. Each change of which a reader may see only a
// half changes one of them.
struct Look {
  std::uint64_t size = 0;
  std::vector<std::byte> tail;
  friend bool operator==(const Look&, const Look&) = default;
};

Look look_at(const Opened& opened, std::uint64_t size) {
  constexpr std::uint64_t kTail = 40;  // the footer of any generation
  const std::uint64_t end = opened.store->size();
  Look look{.size = size, .tail = std::vector<std::byte>(static_cast<std::size_t>(std::min(end, kTail)))};
  opened.store->read_at(end - look.tail.size(), look.tail);
  return look;
}

// Whether another process that grows the file, or gives up growing it, may have caused the error.
bool may_be_torn(const Error& error) {
  const Code code = error.code();  // mismatch: a region with the manifest was used again meanwhile
  return code == Code::malformed || code == Code::mismatch || code == Code::limit || code == Code::io;
}

bool is_as_before(const Opened& opened, const Look& before) {
  try {
    const io::File* file = opened.file();
    return look_at(opened, file != nullptr ? file->size_now() : opened.store->size()) == before;
  } catch (const Error&) {
    return false;  // the file was cut
  }
}

}  // namespace

Source open_settled(const std::function<Opened()>& begin, const OpenOptions& options) {
  constexpr int kTries = 50;
  constexpr int kLongestPause = 25;  // milliseconds: about a second in all
  for (int tried = 1;; ++tried) {
    Opened opened = begin();
    model::Catalog catalog;
    std::optional<Error> failure;
    Look before;
    try {
      before = look_at(opened, opened.store->size());  // of the opened size: the file may have grown since
      catalog = decode(opened, options.limits);
    } catch (const Error& error) {
      if (!may_be_torn(error)) throw;
      failure = error;
    }
    // The file changed while we decoded, so the catalog may mix two versions: retry. After kTries accept it: it obeys
    // the rules of the format, and digests guard the contents.
    if (tried == kTries || is_as_before(opened, before)) {
      if (failure) throw *failure;
      return make_source(std::move(opened), std::move(catalog), options);
    }
    run::pause(std::chrono::milliseconds(std::min(tried - 1, kLongestPause)));
  }
}

Source make_source(Opened opened, model::Catalog catalog, const OpenOptions& options,
                   std::vector<std::shared_ptr<const Resolver>> resolvers) {
  auto state = std::make_shared<SourceState>();
  static_cast<Opened&>(*state) = std::move(opened);
  state->options = options;
  const io::File* const file = state->file();
  const bool is_remote = options.backend == Backend::automatic && file != nullptr && file->is_remote();
  if (is_remote) state->options.backend = Backend::read;
  state->catalog = std::move(catalog);
  state->contents = std::make_unique<Contents>(state->catalog);
  state->checked = std::make_unique<std::atomic<bool>[]>(state->catalog.part_rows());
  if (!state->catalog.files.empty()) {
    if (resolvers.empty()) {
      std::shared_ptr<const Resolver> resolver = state->options.resolver;
      if (!resolver && !state->path.empty()) resolver = resolver_of(*state, state->catalog);
      resolvers.assign(state->catalog.files.size(), resolver);
    }
    state->shards = std::make_unique<const Shards>(state->catalog.files, std::move(resolvers));
  }
  state->owned = std::make_unique<const MemoryStore>(Bytes(nullptr, state->catalog.owned()));
  return Access::source(std::move(state));
}

}  // namespace source

const ByteStore& SourceState::store_of(const model::Recipe& recipe) const {
  const ByteStore& from = store_of(recipe.file);
  const model::FileRow* file = catalog.other_file(recipe);
  const bool raw = file != nullptr && file->kind == model::FileRow::Kind::raw;  // decoders have checked all others
  if (raw && !checked::within(recipe.offset, recipe.stored_length, from.size())) {
    throw Error(Code::malformed, "external.bounds",
                "offset " + std::to_string(recipe.offset) + " + " + std::to_string(recipe.stored_length) +
                    " bytes run past the end of the file at " + std::to_string(from.size()));
  }
  return from;
}

bool SourceState::is_unchanged(const ByteStore& store) {
  const auto* const file = dynamic_cast<const io::File*>(&store);
  try {
    return file == nullptr || !file->was_changed();
  } catch (const Error&) {
    return false;
  }
}

model::Recipe SourceState::measured(const model::PartRow& part, const Progress& progress) const {
  model::Recipe recipe = part.recipe;
  if (recipe.decoded_length == model::kUnknownLength) {
    run::Meter meter(progress, 1);  // the total is not known before
    recipe.decoded_length = read::measure(part_source(part, recipe), options.limits.decoded_bytes, meter);
  }
  return recipe;
}

namespace {

// A model that was saved in several files has an index in the place of the name it was saved under.
std::shared_ptr<const io::File> open_file(const std::filesystem::path& path) {
  try {
    return io::File::open(path);
  } catch (const Error& error) {
    const std::string index = utf8_of(path) + ".index.json";
    std::error_code failed;
    if (error.os_error() != ENOENT || !std::filesystem::exists(path_of(index), failed)) throw;
    throw Error::system(ENOENT, utf8_of(path), "the model is in several files: open " + in_quotes(index));
  }
}

}  // namespace

Source open(const std::filesystem::path& path, const OpenOptions& options) {
  if (auto repository = source::open_repository(path, options)) return *std::move(repository);
  return source::open_settled(
      [&] {
        return source::Opened{.store = open_file(path), .path = std::filesystem::absolute(path), .name = utf8_of(path)};
      },
      options);
}

Source open(std::shared_ptr<const ByteStore> store, std::string_view name, const OpenOptions& options) {
  source::Opened opened{.store = std::move(store), .path = {}, .name = std::string(name)};
  model::Catalog catalog = source::decode(opened, options.limits);
  return source::make_source(std::move(opened), std::move(catalog), options);
}

std::shared_ptr<const ByteStore> store_of_descriptor(int descriptor) { return io::File::share(descriptor); }

std::size_t Source::size() const { return state_->catalog.shown(); }

Tensor Source::operator[](std::size_t index) const {
  if (index >= size()) {
    throw Error(Code::not_found, "",
                "no tensor has index " + std::to_string(index) + ": the source has " + std::to_string(size()));
  }
  return Access::tensor(state_, static_cast<std::uint32_t>(index));
}

std::optional<Tensor> Source::find(std::string_view name) const {
  const auto row = state_->catalog.find(name);
  if (!row || *row >= state_->catalog.shown()) return std::nullopt;
  return Access::tensor(state_, *row);
}

Tensor Source::tensor(std::string_view name) const {
  if (const auto found = find(name)) return *found;
  Error error(Code::not_found, "", "no tensor is named " + in_quotes(name));
  error.enter_file(state_->name);
  throw error;
}

std::string_view Source::format() const { return state_->catalog.format; }

Value Source::attributes() const {
  const auto cbor = attributes_cbor();
  return cbor.empty() ? Value() : source::without_bases(Value::parse(cbor, state_->options.limits.depth));
}

std::span<const std::byte> Source::attributes_cbor() const { return state_->catalog.attributes; }

std::vector<std::filesystem::path> Source::paths() const {
  std::vector<std::filesystem::path> paths;
  if (!state_->path.empty()) paths.push_back(state_->path);
  for (std::size_t i = 0; state_->shards && i < state_->shards->size(); ++i) {
    std::filesystem::path path = state_->shards->path(i);
    if (!path.empty()) paths.push_back(std::move(path));
  }
  return paths;
}

ShardIdentity Source::shard(std::size_t index) const {
  if (index + 1 >= files()) {
    throw Error(Code::not_found, "",
                "no shard has index " + std::to_string(index) + ": the source has " + std::to_string(files() - 1));
  }
  return source::identity_of(state_->catalog.files[index]);
}

Bytes Source::map_file(std::size_t number, Mapping mapping) const {
  if (number >= files()) {
    throw Error(Code::not_found, "",
                "no file has number " + std::to_string(number) + ": the source has " + std::to_string(files()));
  }
  if (state_->options.backend == Backend::read) {
    throw Error(Code::unsupported, "", "the source is not mapped: read a copy");
  }
  return state_->store_of(static_cast<std::uint16_t>(number)).map(mapping);
}

std::size_t Source::files() const { return 1 + state_->catalog.files.size(); }

const std::vector<std::string>& Source::notes() const { return state_->catalog.notes; }

std::uint64_t Source::stored_size() const { return state_->store->size(); }
std::uint64_t Source::shards_size() const {
  std::uint64_t sum = source::raw_size(state_->catalog);
  for (const model::FileRow& shard : state_->catalog.files) {
    if (shard.kind != model::FileRow::Kind::raw) sum = checked::add_up(sum, shard.size);
  }
  return sum;
}

void Source::read(std::span<const Read> reads, std::optional<Verify> verify, const Progress& progress) const {
  std::vector<read::Job> jobs;
  jobs.reserve(reads.size());
  std::uint64_t total = 0;
  for (const Read& read : reads) {
    if (Access::state(read.part) != state_)
      throw Error(Code::usage, "", "the part belongs to another source: read it there");
    const model::PartRow& part = source::row_of(read.part);
    source::located(*state_, Access::tensor_row(read.part), &part, [&] {
      const model::Recipe recipe = state_->measured(part, progress);
      if (recipe.decoded_length != read.out.size()) {
        throw Error(Code::usage, "",
                    "the buffer has " + std::to_string(read.out.size()) + " bytes, but the part has " +
                        std::to_string(recipe.decoded_length));
      }
      jobs.push_back({.part = state_->part_source(part, recipe),
                      .verify = verify.value_or(state_->options.verify),
                      .out = read.out,
                      .visit = {}});
    });
    total = checked::add(total, read.out.size()).value_or(total);
  }
  run::Meter meter(progress, total);
  read::carry_out(
      jobs, run::thread_count(state_->options.threads), meter, [&](std::size_t job, std::size_t, Error& error) {
        const Part& part = reads[job].part;
        error.enter(
            source::place_of(state_->catalog, Access::tensor_row(part), &state_->catalog.part(Access::row(part))));
        error.enter_file(state_->name);
        throw error;
      });
  meter.finish();
}

}  // namespace zt
