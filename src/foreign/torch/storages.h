#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foreign/pickle/records.h"
#include "foreign/zip/directory.h"
#include "model/recipe.h"
#include "ztensor/dtype.h"

namespace zt::foreign::torch {

// Where the bytes of a storage are.
struct StoragePlace {
  model::Recipe recipe;  // of all of its bytes; without a view
  bool is_big_endian = false;
  std::string digest = {};  // of its decoded bytes; "" if the file states none
  std::string type = {};    // of the storage, which its record does not tell if it is embedded
  std::optional<DType> dtype = {};
};

// Finds the bytes of storages.
class Storages {
 public:
  Storages() = default;
  virtual ~Storages() = default;
  Storages(const Storages&) = delete;
  Storages& operator=(const Storages&) = delete;
  // Throws what is wrong with the storage, which is then the fault of each tensor in it.
  virtual StoragePlace place(const pickle::StorageRecord& storage) = 0;
};

// The bytes that a storage claims to have. Throws malformed, or unsupported for a type that we do not know.
std::uint64_t storage_bytes(const pickle::StorageRecord& storage);

// Two tensors may see the bytes of one storage as two types only if one of these is bytes.
void check_same_type(const pickle::StorageRecord& storage, std::string& known_type);

// Storages that are files of an archive, all in one folder.
class ArchiveStorages final : public Storages {
 public:
  // `folder` ends in '/'. The directory must outlive this.
  ArchiveStorages(const zip::Directory& directory ZT_LIFETIME_BOUND, std::string folder, bool is_big_endian)
      : directory_(directory), folder_(std::move(folder)), is_big_endian_(is_big_endian) {
    types_.resize(directory.members().size());
  }
  StoragePlace place(const pickle::StorageRecord& storage) override;
  // The files in the folder that no storage has named.
  std::uint64_t unused() const;

 private:
  const zip::Directory& directory_;
  std::string folder_;
  bool is_big_endian_;
  std::vector<std::string> types_;  // of the storage in each member; "" while none has named it
};

}  // namespace zt::foreign::torch
