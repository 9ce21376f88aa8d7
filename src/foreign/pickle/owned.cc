#include "foreign/pickle/owned.h"

#include <utility>

namespace zt::foreign::pickle {

Region OwnedPayloads::place(const Records::Payload& payload) {
  const std::tuple key(payload.range.offset, payload.range.length, payload.packing);
  auto known = known_.find(key);
  if (known == known_.end()) known = known_.emplace(key, read(payload)).first;
  if (const Error* error = std::get_if<Error>(&known->second)) throw Error(*error);
  return std::get<Region>(known->second);
}

OwnedPayloads::Answer OwnedPayloads::read(const Records::Payload& payload) {
  try {
    const auto bytes = decode_payload(store_, payload);
    return Region{catalog_.own(bytes), bytes.size()};
  } catch (Error& error) {
    if (error.code() != Code::malformed) throw;
    return std::move(error);
  }
}

}  // namespace zt::foreign::pickle
