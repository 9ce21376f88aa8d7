#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>

#include "base/region.h"
#include "foreign/pickle/graph.h"
#include "foreign/pickle/owned.h"
#include "foreign/torch/storages.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"

// The streams of torch.save before version 1.6, which torch.storage._load_from_bytes has too: five pickles, and then the
// storages.
namespace zt::foreign::torch {

// Whether a stream of torch begins at the front of the store. Throws io.
bool starts_legacy(const ByteStore& store);

// Storages that are embedded in a pickle, each as a stream of its own.
class EmbeddedStorages final : public Storages {
 public:
  // The payload of a storage is a range of `store`, or stands there as text, which is decoded into `owned`. So the result
  // is a range of the file or of what the catalog owns.
  EmbeddedStorages(const ByteStore& store ZT_LIFETIME_BOUND, pickle::OwnedPayloads& owned ZT_LIFETIME_BOUND)
      : store_(store), owned_(owned) {}
  StoragePlace place(const pickle::StorageRecord& storage) override;

 private:
  using Answer = std::variant<StoragePlace, Error>;
  Answer read(const pickle::StorageRecord& storage) const;

  const ByteStore& store_;
  pickle::OwnedPayloads& owned_;
  std::map<std::uint64_t, Answer> known_;  // by where the payload begins
};

// The storages of a stream, behind its pickles.
class LegacyStorages final : public Storages {
 public:
  // Reads all pickles and finds all storages, which end where `stream` ends. `graph` becomes that of the saved object, and
  // must outlive this. `embedded` finds the storages in bytes of the pickle; null: there must be none.
  LegacyStorages(const ByteStore& store ZT_LIFETIME_BOUND, Region stream, pickle::Graph& graph ZT_LIFETIME_BOUND,
                 Storages* embedded);
  StoragePlace place(const pickle::StorageRecord& storage) override;

 private:
  struct Root {
    pickle::StorageRecord storage;  // as its first id states it
    std::string type;
    std::uint64_t offset = 0;  // of its bytes
    std::uint64_t bytes = 0;
    bool is_listed = false;
  };
  void read_header(Region& rest) const;
  void collect(const pickle::Graph& graph ZT_LIFETIME_BOUND);
  void locate(const pickle::Graph& keys, Region rest);
  void read_counts(std::span<const Root* const> roots) const;
  Region view_of(const pickle::StorageRecord& storage, Region root) const;

  const ByteStore& store_;
  const pickle::Graph& graph_;
  Storages* embedded_;
  std::map<std::string, Root, std::less<>> roots_;  // by key
};

}  // namespace zt::foreign::torch
