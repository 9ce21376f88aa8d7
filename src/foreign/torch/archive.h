#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foreign/zip/directory.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

namespace zt::foreign::torch {

// What an archive of torch says about itself.
struct ArchiveInfo {
  std::string folder;                      // of all files, with its '/'
  bool is_big_endian = false;              // the elements of storages
  const zip::Member* constants = nullptr;  // the second pickle of TorchScript; null: there is none
  const zip::Member* pickle = nullptr;
};

// Throws malformed, and unsupported for archives that are no checkpoints, with what they are.
ArchiveInfo read_info(const ByteStore& store, const zip::Directory& directory);

}  // namespace zt::foreign::torch
