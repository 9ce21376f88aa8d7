#include "source/split_set.h"
#include "ztensor/error.h"

// A build that reads no GGUF file has nothing to check: opening the first file of a split model fails.
namespace zt::source {

void SplitCheck::check(model::Catalog& /*catalog*/, unsigned /*number*/) {
  throw Error(Code::unsupported, "format.unread", "this build of zTensor does not read split GGUF models");
}

void SplitCheck::finish() const {}

}  // namespace zt::source
