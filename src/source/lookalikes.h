#pragma once

#include <string_view>

namespace zt::source {

// Throws unsupported if the first bytes of a file are text, and says which kind: a tensor file that was never fetched
// leaves a pointer ("format.pointer"), a web page ("format.html"), or JSON or other text of a server ("format.text"). So
// it does for compressed files ("format.compressed").
void refuse_lookalike(std::string_view head);

}  // namespace zt::source
