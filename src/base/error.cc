#include "ztensor/error.h"

#include <system_error>

namespace zt {

std::string_view code_name(Code code) noexcept {
  switch (code) {
    case Code::malformed: return "malformed";
    case Code::mismatch: return "mismatch";
    case Code::unsupported: return "unsupported";
    case Code::limit: return "limit";
    case Code::not_found: return "not_found";
    case Code::usage: return "usage";
    case Code::io: return "io";
    case Code::internal: return "internal";
    case Code::refused: return "refused";
    case Code::cancelled: return "cancelled";
    case Code::no_memory: return "no_memory";
  }
  return "internal";
}

Error Error::system(int os_error, std::string_view path, std::string_view message, const char* rule) {
  std::string text(message);
  if (os_error != 0) text += (text.empty() ? "" : ": ") + std::generic_category().message(os_error);
  Error error(Code::io, rule, std::move(text));
  error.os_error_ = os_error;
  error.enter_file(path);
  return error;
}

void Error::enter_file(std::string_view path) {
  if (path.empty() || !path_.empty()) return;
  path_ = path;
  text_.insert(0, path_ + ": ");
  named_ = path_.size() + 2;
}

}  // namespace zt
