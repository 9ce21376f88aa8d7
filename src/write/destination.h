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
  // The file, from its first byte on. A path may be opened again: bytes that were written before stay readable while
  // their Output lives, and only the last Output is published.
  virtual std::unique_ptr<Output> open() = 0;
  // An output that can be read back, for parts whose places are not known yet. For a path it is the file itself, which
  // may turn out to be in order. For a sink it is a temporary file.
  virtual std::unique_ptr<Output> begin() = 0;
  // Whether begin() gives the file itself.
  virtual bool begins_with_file() const = 0;
  // The file appears. `notes`: see Target::publish().
  virtual void publish(std::vector<std::string>& notes) = 0;
  // The same under another name in the same folder. False if a file has this name: try another name.
  virtual bool publish_as(const std::string& name, std::vector<std::string>& notes) = 0;
};

// A file at a path. publish() creates or replaces it. Throws io.
std::unique_ptr<Destination> to_path(const std::filesystem::path& path, WriteMode mode, bool durable);
// A sink, which takes the bytes as they are made.
std::unique_ptr<Destination> to_sink(std::unique_ptr<ByteSink> sink);

}  // namespace zt::write
