#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "ztensor/macros.h"

namespace zt {

// Tells what a caller can do about an error. Append only: the numbers are part of the C ABI.
enum class Code : int {
  malformed = 1,  // the file contradicts its format
  mismatch,       // a digest does not match its bytes
  unsupported,    // legal, but not known to this build
  limit,          // over a bound of zt::Limits
  not_found,      // no tensor of that name
  usage,          // the call itself is wrong
  io,             // the operating system refused: see os_error()
  internal,       // a bug of this library
  refused,        // policy: only the user can decide to trust the file
  cancelled,      // a progress callback asked to stop
  no_memory,
};

// "malformed", "mismatch", ... Never empty.
[[nodiscard]] ZT_API std::string_view code_name(Code code) noexcept;

// The one exception type of the library. The message says where the error is (file, tensor, part, offset), what was
// expected and what was found.
class ZT_API Error : public std::exception {
 public:
  // `rule` is a literal id such as "zt12.blob.bounds", listed in spec/rules.md; "" for errors that are not about the
  // content of a file.
  Error(Code code, const char* rule, std::string message) : code_(code), rule_(rule), text_(std::move(message)) {}

  // An io error. `path` may be empty. The message becomes "path: message: strerror(os_error)". `rule` is an id as above
  // for errors that a caller may know a way around.
  [[nodiscard]] static Error system(int os_error, std::string_view path, std::string_view message,
                                    const char* rule = "");

  [[nodiscard]] Code code() const noexcept { return code_; }
  [[nodiscard]] const char* rule() const noexcept { return rule_; }
  [[nodiscard]] int os_error() const noexcept { return os_error_; }         // errno, or 0
  [[nodiscard]] const std::string& path() const noexcept { return path_; }  // of the file with the error, or ""
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

  // Inserts "place: " before the message, after the name of the file.
  void enter(std::string_view place) { text_.insert(named_, std::string(place) + ": "); }
  // Inserts "path: " in front, once: a second call changes nothing, so the innermost name stays.
  void enter_file(std::string_view path);

 private:
  Code code_;
  const char* rule_;
  int os_error_ = 0;
  std::string path_;
  std::size_t named_ = 0;  // how much of the text names the file
  std::string text_;
};

// Runs `work`. Adds `place` to an Error that leaves it.
template <class F>
decltype(auto) inside(std::string_view place, F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (Error& e) {
    e.enter(place);
    throw;
  }
}

}  // namespace zt
