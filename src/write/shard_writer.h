#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/publish.h"
#include "model/encoder.h"
#include "write/blobs.h"
#include "write/output.h"
#include "ztensor/options.h"

namespace zt::write {

// The files that hold the bytes of a generation 2 model beside its root: "<stem>-<number>-<digest>.zt". Their names say
// what is in them, so that a save never overwrites what an older root names. One owner.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path root, const WriterOptions& options, const model::Encoder& encoder);

  // Parts stored from here on belong to one tensor, of about so many bytes: they go to one shard.
  void begin_tensor(std::uint64_t bound);
  Blob store(PieceSource& source, const PartOptions& options, run::Meter& meter);
  // Row `row` of `catalog` is the tensor whose parts were stored last.
  void end_tensor(const model::Catalog& catalog, std::uint32_t row);
  // Finishes the last shard and names all in the catalog of the root.
  void finish(model::Catalog& root);
  // All, in order: before the root is. Adds what they could not keep of files that they replace.
  void publish(std::vector<std::string>& notes);

 private:
  struct Shard {
    io::Publication* file;  // owned by `output`
    std::unique_ptr<Output> output;
    std::unique_ptr<Blobs> blobs;
    model::Catalog catalog;  // of a whole shard
    model::ShardRow row;
  };
  void open();
  void close();

  std::filesystem::path root_;
  const WriterOptions& options_;
  const model::Encoder& encoder_;
  std::vector<Shard> shards_;
  bool open_ = false;
};

}  // namespace zt::write
