#pragma once

#include "run/arena.h"

namespace zt::source {

// Memory for many tensors at once, for the language bindings: see run::allocate.
using run::allocate;
using run::Buffer;

}  // namespace zt::source
