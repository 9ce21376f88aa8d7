#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "io/system.h"

namespace zt::test {

// Counts the system calls of io that change something, and spoils one of them, while this object lives.
class Faults final : public io::sys::Hook {
 public:
  enum class Kind {
    none,
    fail,        // the call fails, the next calls do not
    short_fail,  // a write is done in part, the next one fails; another call just fails
    die          // the call and all after it do nothing, as if the process had been killed
  };

  explicit Faults(Kind kind = Kind::none, std::size_t at = 0, int os_error = EIO)
      : kind_(kind), at_(at), os_error_(os_error) {
    io::sys::set_hook(this);
  }
  ~Faults() override { io::sys::set_hook(nullptr); }
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // Called before each call; its own calls are neither counted nor spoiled.
  std::function<void(const io::sys::Event&)> watch;

  std::size_t count() const { return count_; }
  bool hit() const { return hit_; }

  io::sys::Verdict before(const io::sys::Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    if (inside_) return {};
    inside_ = true;
    try {
      if (watch) watch(event);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "call " << count_ << ": " << error.what();
    }
    inside_ = false;
    const std::size_t index = count_++;
    if (fail_next_ || (kind_ == Kind::die && index > at_)) {
      fail_next_ = false;
      return {.os_error = os_error_};
    }
    if (kind_ == Kind::none || index != at_) return skipped(event);
    hit_ = true;
    if (kind_ != Kind::short_fail || event.bytes.size() < 2) return {.os_error = os_error_};
    fail_next_ = true;
    return {.at_most = event.bytes.size() / 2};
  }

 private:
  // Syncing is slow, and this process cannot see its effect.
  static io::sys::Verdict skipped(const io::sys::Event& event) {
    const bool sync = event.call == io::sys::Call::sync || event.call == io::sys::Call::datasync;
    return {.pretend = sync};
  }

  Kind kind_;
  std::size_t at_;
  int os_error_;
  std::recursive_mutex mutex_;
  std::size_t count_ = 0;
  bool hit_ = false;
  bool fail_next_ = false;
  bool inside_ = false;
};

}  // namespace zt::test
