// The decoder of GGUF. Laws: it throws only zt::Error, those of every catalog, its attributes are one CBOR map, and a file
// that is written from them has the same attributes.

#include "foreign/gguf/gguf.h"

#include "catalog_laws.h"
#include "ztensor/error.h"

namespace {

namespace gguf = zt::foreign::gguf;

// Writes a file with the attributes alone, and reads it again.
void check_attributes(const zt::model::Catalog& catalog) {
  const zt::Value given = zt::Value::parse(catalog.attributes);
  if (!given.is_map()) std::abort();
  zt::model::Catalog other;
  other.attributes = catalog.attributes;
  const zt::MemoryStore store(gguf::kEncoder.index_head(other));
  const zt::Value again = zt::Value::parse(gguf::decode(store, {}).attributes);
  for (const auto& [key, value] : *given.members()) {
    if (*key.text() == "ztensor.gguf.byte_order") continue;  // we write little-endian files only
    const zt::Value* found = again.find(*key.text());
    if (found == nullptr || !(*found == value)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const zt::MemoryStore store = zt::fuzz::store_of(data, size);
  zt::fuzz::must_not_throw([&] { gguf::sniff(store, ""); });
  try {
    const zt::model::Catalog catalog = gguf::decode(store, {});
    zt::fuzz::check_catalog(catalog, size, zt::fuzz::Inside::readable);
    check_attributes(catalog);
  } catch (const zt::Error& error) {
    if (error.code() == zt::Code::internal) std::abort();
  }
  return 0;
}
