#pragma once

#include <string_view>

namespace zt::source {

// Throws unsupported where these first bytes of a file are text, and says which: what lies under a tensor file's name
// when the file was never fetched. A pointer to it ("format.pointer"), a web page ("format.html"), JSON or other text of
// a server ("format.text").
void refuse_text(std::string_view head);

}  // namespace zt::source
