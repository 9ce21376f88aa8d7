#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "read/pieces.h"
#include "ztensor/byte_store.h"

// The bytes of a stored part, and all the ways to read them.
namespace zt::test {

using Data = std::vector<std::byte>;
Data operator+(Data a, const Data& b);
Data noise(std::size_t size, std::uint64_t seed);
Data frame(const Data& content);  // of zstd
std::string digest_of(Checksum algorithm, const Data& bytes);

// The decoded bytes of a part, and the rule that it breaks.
struct Outcome {
  Data out = {};
  std::string rule = "";
  bool ordered = false;
};
Outcome read_all(const read::PartSource& part, Verify verify, read::Use use = read::Use::any);
// Every way of reading gives `expected`: at once, in plain pieces, by many threads, and in slices of elements.
void expect_bytes(const read::PartSource& part, const Data& expected, std::size_t element, const std::string& what);

struct Plain {
  MemoryStore store;
  model::Recipe recipe;
};
Plain plain(const Data& bytes, model::Coding coding, std::uint64_t decoded);

}  // namespace zt::test
