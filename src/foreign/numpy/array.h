#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "foreign/numpy/header.h"
#include "foreign/zip/directory.h"
#include "model/catalog.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::numpy {

// The bytes of an npy file: a file, or a member of an archive.
struct Blob {
  std::uint64_t offset = 0;
  std::uint64_t stored_length = 0;
  std::uint64_t length = 0;  // decoded
  model::Coding coding = model::Coding::raw;
  std::optional<std::uint32_t> crc = {};  // CRC-32 of the decoded bytes

  static Blob of(const zip::Member& member);
};

// An array whose header is right: what its header says, and how to read it.
struct Array {
  Header header;
  model::Recipe recipe;  // its view is added when the array is
  std::string digest;
};

// `head`: the bytes of the header, and maybe more. Throws malformed "npy.*" if the elements do not fill the blob.
Array read_array(const Blob& blob, std::span<const std::byte> head, const Limits& limits);
// Adds the array as a dense tensor. Its elements may be in an order that needs a view.
void add_array(model::Catalog& catalog, std::string_view name, const Blob& blob, const Array& array);
// Adds a tensor that cannot be read, of which only the bytes are known.
void add_unreadable(model::Catalog& catalog, std::string_view name, std::span<const std::uint64_t> shape,
                    const Blob& blob, const model::Fault& fault);

}  // namespace zt::foreign::numpy
