#pragma once

#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// NumPy's formats (docs/formats/numpy.md): npy, one array; and npz, a zip archive of npy files.
namespace zt::foreign::numpy {

// Whether the content begins like an npy file. Throws only io.
bool sniff_npy(const ByteStore& store, std::string_view name);
// One tensor, "data". Reads only the header. Throws malformed "npy.*", unsupported, limit; io.
model::Catalog decode_npy(const ByteStore& store, const Limits& limits);

// Whether the content is a zip archive with arrays, and no checkpoint of PyTorch; or any zip archive if the name ends in
// ".npz". Throws only io.
bool sniff_npz(const ByteStore& store, std::string_view name);
// One tensor for each member that is an npy file, and one more for an archive of scipy.sparse. Reads the headers of the
// arrays, and no elements, except the indices of a compressed COO matrix. Lists arrays that cannot be read. Throws what
// zip::Directory throws, and malformed "npz.*".
model::Catalog decode_npz(const ByteStore& store, const Limits& limits);
// Writes members that are not compressed. Their elements begin at multiples of 64.
extern const model::Encoder kNpzEncoder;

}  // namespace zt::foreign::numpy
