#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "ztensor/macros.h"

namespace zt {

// What a caller can do about an error. Append only: the numbers are part of the C ABI.
enum class Code : int {
  malformed = 1,  // the file contradicts its format
  mismatch,       // a digest does not match its bytes
  unsupported,    // legal, but not known to this build
  limit,          // over a bound of zt::Limits
  not_found,      // no tensor of that name
  usage,          // the call itself is wrong
  io,             // the operating system said no: see os_error()
  internal,       // a bug of this library
  refused,        // policy: trusting it takes a decision of the user
  cancelled,      // a progress callback asked to stop
  no_memory,
};

// "malformed", "mismatch", ... Never empty.
ZT_API std::string_view code_name(Code code) noexcept;

// The one exception type of the library. The message says where: file, tensor, part, offset, expected, found.
class ZT_API Error : public std::exception {
 public:
  // `rule` is a literal id such as "zt12.blob.bounds", listed in spec/rules.md; "" where no content was judged.
  Error(Code code, const char* rule, std::string message) : code_(code), rule_(rule), text_(std::move(message)) {}

  // An io error. `path` may be empty. The message becomes "path: message: strerror(os_error)". `rule`: as above, for
  // those that a caller may know a way around.
  static Error system(int os_error, std::string_view path, std::string_view message, const char* rule = "");

  Code code() const noexcept { return code_; }
  const char* rule() const noexcept { return rule_; }
  int os_error() const noexcept { return os_error_; }         // errno, or 0
  const std::string& path() const noexcept { return path_; }  // the file it is about, or ""
  const char* what() const noexcept override { return text_.c_str(); }

  // Puts "place: " before the message, behind the name of the file.
  void enter(std::string_view place) { text_.insert(named_, std::string(place) + ": "); }
  // Names the file, once: a second call, from further out, changes nothing.
  void enter_file(std::string_view path);

 private:
  Code code_;
  const char* rule_;
  int os_error_ = 0;
  std::string path_;
  std::size_t named_ = 0;  // how much of the text names the file
  std::string text_;
};

// Runs `work`; an Error that leaves it says `place` first.
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
