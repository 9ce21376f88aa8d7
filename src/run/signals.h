#pragma once

#include <memory>

namespace zt::run {

// Threads that start while this object lives take no signals of the process: those are for threads of the user. A handler
// of Python, for example, must wake the main thread.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  struct Mask;
  std::unique_ptr<Mask> before_;
};

}  // namespace zt::run
