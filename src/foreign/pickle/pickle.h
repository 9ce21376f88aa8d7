#pragma once

#include <string_view>

#include "base/region.h"
#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// Pickles that hold arrays of NumPy or tensors of torch, and what they nest in. Nothing of a pickle is ever executed.
namespace zt::foreign::pickle {

// Whether the content looks like a pickle of protocol 2 to 5. Or whether the name ends in ".pkl", ".pickle" or ".joblib",
// and the content may be a pickle of protocol 0 or 1, or a compressed pickle. Throws only io.
bool sniff(const ByteStore& store, std::string_view name);

// Reads what the pickle describes, and no element bytes, except where text stands for them. Lists arrays that cannot be
// read with their faults. Throws refused for a pickle that names code to run, and for compressed pickles unsupported;
// malformed and limit ("pickle.*"); io.
model::Catalog decode(const ByteStore& store, const Limits& limits);

// Whether files of this name are pickles by custom: "*.pkl", "*.pickle", "*.joblib".
bool has_pickle_name(std::string_view name);
// Throws unsupported "pickle.file.compressed" where the store begins like a compressed file.
void refuse_compressed(const ByteStore& store);

// As decode(), for a pickle inside of another file, whose root is an array of objects: what numpy.save() makes of a dict. The
// one object of an array without dimensions is the root; other arrays are lists.
void list_object_array(const ByteStore& store, Region range, const Limits& limits, model::Catalog& catalog);

}  // namespace zt::foreign::pickle
