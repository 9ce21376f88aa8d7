#pragma once

#include <gtest/gtest.h>

#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "posix_only.h"

namespace zt::test {

// What `work` returns in a child of this process, and false where it throws or hangs there. The child has no thread
// except the one that forks.
#ifdef _WIN32
template <class Work>
bool in_child(Work&&) {
  return false;  // begin such a test with ZT_POSIX_ONLY("fork")
}
#else
template <class Work>
bool in_child(Work&& work) {
  constexpr unsigned kPatience = 60;  // seconds, then the system ends the child
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kPatience);
    bool good = false;
    try {
      good = work();
    } catch (...) {}
    ::_exit(good ? 0 : 1);
  }
  int status = 1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status == 0;
}
#endif

}  // namespace zt::test
