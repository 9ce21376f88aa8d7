#pragma once

#include "container/shared/delta_note.h"
#include "container/zt12/manifest.h"

namespace zt::container::zt12 {

// The dense part that an object of the format zt.delta/1 stands for. The manifest holds it as an object of a format that
// earlier readers do not know (spec/delta.md §5). Throws malformed "zt12.delta.*", unsupported for a dtype that we do not
// know.
PartFields delta_as_dense(const ObjectFields& object, const DeltaNote& note);

}  // namespace zt::container::zt12
