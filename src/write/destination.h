#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "write/output.h"
#include "ztensor/byte_store.h"
#include "ztensor/options.h"

namespace zt::write {

// Where the bytes of a new file go. One owner.
class Destination {
 public:
  virtual ~Destination() = default;
  // The file, from its first byte on. Of a path it may be asked for again: what was written before stays readable as
  // long as its Output lives, and only the last is published.
  virtual std::unique_ptr<Output> open() = 0;
  // Something that can be read back, for parts whose place is not known yet. Of a path it is the file itself, which
  // may turn out to be right as it is; a sink's is a temporary file.
  virtual std::unique_ptr<Output> begin() = 0;
  // Whether begin() gave the file itself.
  virtual bool begins_with_file() const = 0;
  // The file appears. It has another name in the same folder, where one is given. `notes`: see Target::publish().
  virtual void publish(std::vector<std::string>& notes, const std::string& name = "") = 0;
};

// A file at a path, replaced or made by publish(). Throws io.
std::unique_ptr<Destination> to_path(const std::filesystem::path& path, WriteMode mode, bool durable);
// A sink, which takes the bytes as they are made.
std::unique_ptr<Destination> to_sink(std::unique_ptr<ByteSink> sink);

}  // namespace zt::write
