#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "io/system.h"

namespace zt::test {

// A mount that lacks some calls. While this object lives, a call for which `refuse` gives an errno fails with this
// errno.
class Lacking final : public io::sys::Hook {
 public:
  explicit Lacking(std::function<int(const io::sys::Event&)> refuse) : refuse_(std::move(refuse)) {
    io::sys::set_hook(this);
  }
  ~Lacking() override { io::sys::set_hook(nullptr); }
  Lacking(const Lacking&) = delete;
  Lacking& operator=(const Lacking&) = delete;

  io::sys::Verdict before(const io::sys::Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    return {.os_error = refuse_(event)};
  }

 private:
  std::recursive_mutex mutex_;
  std::function<int(const io::sys::Event&)> refuse_;
};

inline bool makes_unnamed(const io::sys::Event& event) {
  return event.call == io::sys::Call::create && (event.flags & O_TMPFILE) == O_TMPFILE;
}

}  // namespace zt::test
