#pragma once

#include <string>

namespace zt::run {

// A library of the system, found when the program runs. It stays loaded until the process ends.
class Library {
 public:
  // `name`: a path, or a name that the system looks for. is_open() tells whether it was found.
  explicit Library(const std::string& name) noexcept;

  bool is_open() const noexcept { return handle_ != nullptr; }
  // The function of this name; null if the library has none.
  template <class F>
  F* function(const char* name) const noexcept {
    return reinterpret_cast<F*>(symbol(name));
  }

 private:
  void* symbol(const char* name) const noexcept;

  void* handle_;
};

}  // namespace zt::run
