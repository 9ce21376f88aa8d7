#include "write/writer_state.h"

#include <new>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/zt2/footer.h"
#include "io/spool.h"
#include "io/target.h"
#include "run/parallel.h"
#include "source/formats.h"
#include "source/hidden.h"
#include "write/admission.h"
#include "write/canonical.h"

namespace zt {
namespace {

constexpr std::uint64_t kMaxAlignment = std::uint64_t{2} << 20;

bool is_there(const std::filesystem::path& path) { return io::identify(path).has_value(); }

}  // namespace

Writer::State::State(const std::filesystem::path& target, const WriterOptions& wanted) : options(wanted), path(target) {
  const bool grows = options.mode == WriteMode::append && is_there(target);
  if (!grows) source::check_suffix(target.string());
  if (grows) {
    growing = std::make_unique<grow::Growing>(target, options);
    encoder = &growing->encoder();
    options.alignment = growing->alignment();
    check_options();
    output = std::make_unique<write::Output>(growing->file());
    blobs = std::make_unique<write::Blobs>(*output, options.alignment, encoder->holds.strict,
                                           run::thread_count(options.threads));
    if (!options.attributes.is_null()) growing->edit().attributes = attributes_of(options.attributes, true);
    return;
  }
  choose();
  const bool create_new = options.mode != WriteMode::replace;
  auto file = std::make_unique<io::Publication>(
      target, io::PublishOptions{.create_new = create_new, .durable = options.durable});
  publication = file.get();
  output = std::make_unique<write::Output>(std::unique_ptr<io::WritableFile>(std::move(file)));
  begin();
}

Writer::State::State(std::unique_ptr<ByteSink> target, const WriterOptions& wanted) : options(wanted) {
  if (options.mode == WriteMode::append) throw Error(Code::usage, "", "only a file on disk can grow");
  if (options.max_shard_size > 0) throw Error(Code::usage, "", "only a file on disk can have shards beside it");
  choose();
  if (canonical) {  // parts have to wait until the order of all is known
    sink = std::move(target);
    output = std::make_unique<write::Output>(std::unique_ptr<io::WritableFile>(std::make_unique<io::Spool>()));
  } else {
    output = std::make_unique<write::Output>(std::move(target));
  }
  begin();
}

void Writer::State::choose() {
  encoder = source::find_writable(options.format).encoder;
  canonical = write::is_canonical(options, *encoder);
  if (options.alignment == 0) options.alignment = canonical ? container::zt2::kCanonicalAlignment : encoder->alignment;
  check_options();
}

void Writer::State::check_options() const {
  write::check_level(options.encoding);
  const std::uint64_t alignment = options.alignment;
  if (alignment < encoder->alignment || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0) {
    throw Error(Code::usage, "",
                "alignment " + std::to_string(alignment) + ": expected a power of two from " +
                    std::to_string(encoder->alignment) + " to 2097152");
  }
  if (options.max_shard_size > 0 && !encoder->holds.strict) {
    throw Error(Code::usage, "", "shards are of format 2, not of " + std::string(encoder->format));
  }
  part_options({});  // the checksum
}

void Writer::State::begin() {
  catalog.attributes = attributes_of(options.attributes, true);
  output->write(encoder->head());
  const bool share = encoder->holds.strict && output->is_file();
  blobs = std::make_unique<write::Blobs>(*output, options.alignment, share, run::thread_count(options.threads));
  // Where `path` is a link, the file that it leads to is written, and its shards lie beside that.
  if (options.max_shard_size > 0) {
    shards = std::make_unique<write::ShardWriter>(io::names_through_links(path).back(), options, *encoder);
  }
}

// What lies around a map of attributes in the manifest takes some of the depth that readers allow.
std::uint32_t Writer::State::attribute_depth(bool of_file) const {
  if (encoder->holds.strict) return write::strict_attribute_depth(of_file);
  return options.limits.depth > 4 ? options.limits.depth - 4 : 0;
}

// Of the file: an empty map is stored as none. Of a tensor too, where the form is canonical.
std::vector<std::byte> Writer::State::attributes_of(const Value& attributes, bool of_file) const {
  const bool empty = attributes.is_map() && attributes.members()->empty();
  if (empty && (of_file || encoder->holds.strict)) return {};
  if (!of_file && !encoder->holds.tensor_attributes && source::without_hidden(attributes).is_null()) return {};
  if (attributes.is_map() && !of_file && !encoder->holds.tensor_attributes) {
    throw Error(Code::unsupported, "", "format " + std::string(encoder->title) + " has no attributes of tensors");
  }
  return write::encode_attributes(attributes, *encoder, of_file, attribute_depth(of_file));
}

Checksum Writer::State::default_checksum() const {
  return encoder->decoded_digests ? Checksum::xxh3 : Checksum::crc32c;
}

write::PartOptions Writer::State::part_options(const AddOptions& add) const {
  const Checksum checksum = add.checksum.value_or(options.checksum.value_or(default_checksum()));
  const bool known = checksum == Checksum::none || checksum == default_checksum() ||
                     (checksum == Checksum::sha256 && encoder->format != "zt-1.0");
  if (!known) {
    throw Error(
        Code::usage, "",
        "checksum " + std::string(checksum_name(checksum)) + " is not of format " + std::string(encoder->title));
  }
  write::PartOptions part{.encoding = add.encoding.value_or(options.encoding),
                          .checksum = checksum,
                          .digest_decoded = encoder->decoded_digests};
  write::check_level(part.encoding);
  if (canonical && (!part.encoding.is_raw() || checksum != Checksum::xxh3)) {
    throw Error(Code::usage, "", "a canonical file has raw parts with xxh3 digests: write it with canonical off");
  }
  return part;
}

void Writer::State::note_name(std::string_view name) {
  if (!canonical) return;
  if (!last_name.empty() && name <= last_name) in_order = false;
  last_name = name;
}

void Writer::State::begin_tensor(std::string_view name, std::uint64_t bound) {
  if (canonical) write::check_normal_form(name);
  if (shards) shards->begin_tensor(bound);
}

write::Blob Writer::State::store(write::PieceSource& bytes, const write::PartOptions& part) {
  broken = true;  // until it is whole
  write::Blob blob;
  try {
    blob = shards ? shards->store(bytes, part, *meter) : blobs->store(bytes, part, *meter);
  } catch (const std::bad_alloc&) {
    throw Error(Code::no_memory, "", "no memory to store a part of " + std::to_string(bytes.length()) + " bytes");
  }
  if (blob.recipe.coding == model::Coding::zstd && encoder->decoded_digests) {
    blob.recipe.coding = model::Coding::seekable;
  }
  broken = false;
  return blob;
}

void Writer::State::add_row(const write::Blob& blob, std::string_view role, DType dtype) {
  model::PartRow& added = catalog.add_part(role, dtype, blob.recipe, blob.digest);
  added.storage = catalog.intern(encoder->storage(dtype));
  added.logical = catalog.intern(encoder->logical(dtype));
}

void Writer::State::end_tensor(std::string_view name, bool replace) {
  note_name(name);
  if (shards) shards->end_tensor(catalog, static_cast<std::uint32_t>(catalog.size() - 1));
  if (replace && growing && growing->has(name)) growing->remove(name);
}

void Writer::State::finalize() {
  check_open();
  if (growing) {
    open = false;
    output->flush();
    // Attributes can be asked for when all else is let go of.
    const auto& edited = growing->edit().attributes;
    const auto former = growing->current().attributes_cbor();
    std::vector<std::byte> attributes = edited ? *edited : std::vector<std::byte>(former.begin(), former.end());
    size = growing->commit(catalog, options.limits);
    catalog.attributes = std::move(attributes);
    output.reset();  // it writes to the file that is let go of now, with its lock
    blobs.reset();
    growing.reset();
    return;
  }
  if (shards) shards->finish(catalog);
  std::unique_ptr<write::Output> ordered;
  if (canonical && (sink || !in_order)) {
    if (sink) {
      ordered = std::make_unique<write::Output>(std::move(sink));
    } else {
      auto file = std::make_unique<io::Publication>(
          path, io::PublishOptions{.create_new = options.mode != WriteMode::replace, .durable = options.durable});
      publication = file.get();
      ordered = std::make_unique<write::Output>(std::unique_ptr<io::WritableFile>(std::move(file)));
    }
    ordered->write(encoder->head());
    write::write_in_order(catalog, *output, *ordered, options.alignment);
    blobs.reset();
    output = std::move(ordered);
  }
  const std::vector<std::byte> manifest = encoder->manifest(catalog);
  model::check_index_size(manifest.size(), *encoder, options.limits);
  open = false;
  const std::uint64_t at = output->place(encoder->manifest_alignment == 1 ? 1 : options.alignment, manifest.size());
  output->write(manifest);
  output->write(encoder->footer(at, manifest));
  output->flush();
  size = output->position();
  for (const model::ShardRow& shard : catalog.shards) size += shards ? shard.size : 0;  // what it refers to was there
  if (shards) shards->publish(notes);
  if (publication == nullptr) return;
  publication->publish();
  for (const std::string& note : publication->notes()) notes.push_back(path.string() + ": " + note);
}

}  // namespace zt
