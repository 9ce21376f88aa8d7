#include "container/zt12/delta.h"

#include "base/checked.h"
#include "base/utf8.h"
#include "container/shared/fields.h"
#include "container/zt12/planes.h"

namespace zt::container::zt12 {

PartFields delta_as_dense(const ObjectFields& object, const DeltaNote& note) {
  if (object.fault) throw *object.fault;
  if (object.parts.size() != 1 || object.parts[0].role != kDeltaRole) {
    throw Error(Code::malformed, "zt12.delta.parts", "an object of format zt.delta/1 needs one component, delta");
  }
  const PartFields& stored = object.parts[0];
  if (stored.fault) throw *stored.fault;
  if (stored.dtype != "u8" || !stored.type.empty() || stored.codec != Codec::raw || stored.decoded_length) {
    throw Error(Code::malformed, "zt12.delta.part", "a delta must be u8, raw, and state no uncompressed_length");
  }
  if (note.dtype.empty()) {
    throw Error(Code::malformed, "zt12.delta.dtype", "the attribute zt.delta must say the dtype of the tensor");
  }
  const TypeWords words = words_of_type(note.dtype);
  PartFields part = stored;
  part.role = "data";
  part.dtype = words.storage;
  part.type = words.logical;
  part.codec = Codec::delta;
  part.digest = note.digest;  // that of the component is over stored bytes
  return part;
}

}  // namespace zt::container::zt12
