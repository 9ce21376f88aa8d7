#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "grow/growing.h"
#include "io/publish.h"
#include "model/encoder.h"
#include "run/progress.h"
#include "source/owner.h"
#include "source/state.h"
#include "write/blobs.h"
#include "write/output.h"
#include "write/piece_sources.h"
#include "write/shard_writer.h"
#include "ztensor/writer.h"

namespace zt {

// What a Writer writes to, and what it knows of that. Calls go: place bytes by store(), then name them in the catalog.
struct Writer::State {
  State(const std::filesystem::path& path, const WriterOptions& wanted);
  State(std::unique_ptr<ByteSink> sink, const WriterOptions& wanted);

  // --- writer.cc: admission
  void check_open() const;
  void check_new(std::string_view name, bool replace = false) const;
  bool is_taken(std::string_view name) const;

  // --- writer_state.cc: what the options mean, storing, the end
  std::vector<std::byte> attributes_of(const Value& attributes, bool of_file) const;
  write::PartOptions part_options(const AddOptions& add) const;
  Checksum default_checksum() const;
  void finalize();
  // A tensor's parts are about to be stored, of so many bytes in all.
  void begin_tensor(std::string_view name, std::uint64_t bound);
  // Writes one part at the next place. What went wrong halfway leaves the output unusable.
  write::Blob store(write::PieceSource& source, const write::PartOptions& part);
  void add_row(const write::Blob& blob, std::string_view role, DType dtype);
  void end_tensor(std::string_view name, bool replace);
  void note_name(std::string_view name);  // canonical files: whether names still come in order

  // A stored range of a source, and where it went.
  using Range = std::tuple<std::uint16_t, std::uint64_t, std::uint64_t, model::Coding, std::uint32_t>;
  struct Stored {
    write::Blob blob;
    const model::PartRow* from = nullptr;  // the part of `source` that it was
  };

  // --- writer_moves.cc: tensors of other sources
  void store_existing(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode);
  void store_sparse(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode);
  void add_tensor_row(std::string_view name, const Tensor& tensor);
  void give_up_losses(const Tensor& tensor);
  bool keeps_stored(const SourceState& from, const model::PartRow& part, std::optional<Encoding> recode) const;
  std::optional<write::Blob> find_tied(const Tensor& tensor, const model::PartRow& part, const Range& range,
                                       bool as_stored);
  write::Blob store_part(const Tensor& tensor, const model::PartRow& part, std::optional<Encoding> recode);
  write::Blob store_moved(const SourceState& from, const model::PartRow& part);
  write::Blob store_decoded(const SourceState& from, const model::PartRow& part, const write::PartOptions& options);
  std::uint16_t add_shard(const SourceState& from, std::uint16_t file);

  WriterOptions options;
  std::filesystem::path path;              // of a file that is published
  std::unique_ptr<grow::Growing> growing;  // of a file that grows
  const model::Encoder* encoder = nullptr;
  bool canonical = false;
  std::unique_ptr<ByteSink> sink;          // a canonical file's, whose parts wait in a spool until the end
  io::Publication* publication = nullptr;  // owned by `output`
  std::unique_ptr<write::Output> output;
  std::unique_ptr<write::Blobs> blobs;
  std::unique_ptr<write::ShardWriter> shards;
  model::Catalog catalog;  // of a file that grows: the new tensors
  std::unique_ptr<run::Meter> meter = std::make_unique<run::Meter>();
  std::vector<std::string> losses;
  std::vector<std::string> notes;  // of the files that were put in place
  std::string last_name;
  bool in_order = true;
  source::Owner made_by;  // a child has no part in the file
  bool open = true;
  bool broken = false;
  std::uint64_t size = 0;  // of the file, once it is finished

  // The source at hand, and what of it was stored already: tied tensors stay tied.
  std::shared_ptr<const SourceState> source;  // held, so that its address means one source only
  std::map<Range, Stored> moved;
  // Files that are named as shards -> their numbers. The sources are held by `references`.
  std::map<std::pair<const SourceState*, std::uint16_t>, std::uint16_t> referenced;
  std::vector<std::shared_ptr<const SourceState>> references;

 private:
  void choose();  // the encoder, and what the options mean for it
  void check_options() const;
  void begin();
  std::uint32_t attribute_depth(bool of_file) const;
};

}  // namespace zt
