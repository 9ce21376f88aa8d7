#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <variant>

#include "base/region.h"
#include "foreign/pickle/records.h"
#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"

namespace zt::foreign::pickle {

// The bytes of a pickle that a catalog must keep: those that stand in it as text, and all bytes of a pickle that does not
// lie in the file as it is. Each payload is decoded and kept once, however many arrays and storages share it. Payloads of
// different nodes do not overlap, and no character stands for more than one byte, so they take at most the size of the
// pickle.
class OwnedPayloads {
 public:
  // `store` has the pickle.
  OwnedPayloads(model::Catalog& catalog ZT_LIFETIME_BOUND, const ByteStore& store ZT_LIFETIME_BOUND)
      : catalog_(catalog), store_(store) {}
  // Where the catalog keeps the decoded bytes. Throws malformed (a broken escape, a character past U+00FF), each time.
  Region place(const Records::Payload& payload);
  // The bytes at such a place. They are valid until the next call of place().
  std::span<const std::byte> bytes(Region place) const {
    return catalog_.owned().subspan(static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.length));
  }

 private:
  using Answer = std::variant<Region, Error>;
  Answer read(const Records::Payload& payload);

  model::Catalog& catalog_;
  const ByteStore& store_;
  std::map<std::tuple<std::uint64_t, std::uint64_t, Packing>, Answer> known_;
};

}  // namespace zt::foreign::pickle
