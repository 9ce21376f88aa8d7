#include "write/shard_writer.h"

#include <string>

#include "base/checked.h"
#include "hash/digest.h"
#include "run/parallel.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

constexpr std::size_t kMost = 65535;       // what a Recipe can name
constexpr std::uint64_t kManifest = 8192;  // of a whole shard: about, for a few tensors
constexpr std::uint64_t kFooter = 64;

std::string padded(std::size_t number) {
  std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

}  // namespace

ShardWriter::ShardWriter(std::filesystem::path root, const WriterOptions& options, const model::Encoder& encoder)
    : root_(std::move(root)), options_(options), encoder_(encoder) {}

void ShardWriter::open() {
  if (shards_.size() == kMost) throw Error(Code::usage, "", "more than 65535 shards: raise max_shard_size");
  Shard shard;
  const std::filesystem::path path = root_.parent_path() / (root_.stem().string() + "-" + padded(shards_.size() + 1));
  auto file = std::make_unique<io::Publication>(path.string() + ".zt",
                                                io::PublishOptions{.create_new = false, .durable = options_.durable});
  shard.file = file.get();
  shard.output = std::make_unique<Output>(std::unique_ptr<io::WritableFile>(std::move(file)));
  shard.output->hash_all();
  shard.output->write(encoder_.head());
  shard.blobs = std::make_unique<Blobs>(*shard.output, options_.alignment, false, run::thread_count(options_.threads));
  shards_.push_back(std::move(shard));
  open_ = true;
}

void ShardWriter::begin_tensor(std::uint64_t bound) {
  if (open_) {
    // Sums of a length of memory and of a file that is there: they do not wrap.
    const auto aligned = [&](std::uint64_t at) { return checked::round_up(at, options_.alignment); };
    const std::uint64_t used = shards_.back().output->position();
    const std::uint64_t end = aligned(used) + bound;
    const bool fits = (options_.whole_shards ? aligned(end) + kManifest : end) + kFooter <= options_.max_shard_size;
    if (!fits && used > encoder_.alignment) close();
  }
  if (!open_) open();
}

Blob ShardWriter::store(PieceSource& source, const PartOptions& options, run::Meter& meter) {
  Blob blob = shards_.back().blobs->store(source, options, meter);
  blob.recipe.file = static_cast<std::uint16_t>(shards_.size());
  return blob;
}

void ShardWriter::end_tensor(const model::Catalog& catalog, std::uint32_t row) {
  if (!options_.whole_shards) return;
  const model::TensorRow& tensor = catalog.tensor(row);
  model::Catalog& own = shards_.back().catalog;
  own.add_tensor(catalog.text(tensor.name), catalog.shape(tensor), catalog.word(tensor.layout),
                 std::as_bytes(std::span(catalog.text(tensor.attributes))));
  for (const model::PartRow& part : catalog.parts(tensor)) {
    model::Recipe recipe = part.recipe;
    recipe.file = 0;
    model::PartRow& added = own.add_part(catalog.word(part.role), part.dtype, recipe, catalog.text(part.digest));
    added.storage = own.intern(catalog.word(part.storage));
    added.logical = own.intern(catalog.word(part.logical));
  }
}

void ShardWriter::close() {
  Shard& shard = shards_.back();
  Output& output = *shard.output;
  if (options_.whole_shards) {
    const std::uint64_t at = output.place(encoder_.manifest_alignment, 0);
    const std::vector<std::byte> manifest = encoder_.manifest(shard.catalog);
    output.write(manifest);
    output.write(encoder_.footer(at, manifest));
  } else {
    output.write(encoder_.footer(0, {}));
  }
  output.flush();
  shard.row.size = output.position();
  shard.row.digest = hash::format_digest({.algorithm = Checksum::xxh3, .xxh3 = output.hash()});
  shard.row.name = padded(shards_.size()) + "-" + shard.row.digest.substr(shard.row.digest.find(':') + 1);
  shard.blobs.reset();
  shard.catalog = model::Catalog();
  open_ = false;
}

void ShardWriter::finish(model::Catalog& root) {
  if (open_) close();
  for (const Shard& shard : shards_) root.shards.push_back(shard.row);
}

void ShardWriter::publish(std::vector<std::string>& notes) {
  for (const Shard& shard : shards_) {
    const std::string name = root_.stem().string() + "-" + shard.row.name + ".zt";
    shard.file->rename_target(name);
    shard.file->publish();
    for (const std::string& note : shard.file->notes()) {
      notes.push_back((root_.parent_path() / name).string() + ": " + note);
    }
  }
}

}  // namespace zt::write
