#include "model/encoder.h"

#include <algorithm>
#include <string>

#include "ztensor/error.h"

namespace zt::model {

void check_index_size(std::uint64_t bytes, const Encoder& encoder, const Limits& limits) {
  const std::uint64_t most = std::min(limits.index_bytes, encoder.most_index);
  if (bytes <= most) return;
  const bool fixed = most == encoder.most_index;
  throw Error(Code::limit, encoder.index_limit,
              "the index would have " + std::to_string(bytes) + " bytes, and readers accept at most " +
                  std::to_string(most) + ": write fewer tensors to one file" +
                  (fixed ? "" : ", or raise the limit on both sides"));
}

}  // namespace zt::model
