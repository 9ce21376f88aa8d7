#include "model/encoder.h"

#include "ztensor/error.h"

namespace zt::model {

void check_index_size(std::uint64_t bytes, const Encoder& encoder, const Limits& limits) {
  if (bytes <= limits.index_bytes) return;
  throw Error(Code::limit, encoder.index_limit,
              "the index would have " + std::to_string(bytes) + " bytes, and readers accept at most " +
                  std::to_string(limits.index_bytes) +
                  ": write fewer tensors to one file, or raise the limit on both sides");
}

}  // namespace zt::model
