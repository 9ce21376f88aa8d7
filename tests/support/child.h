#pragma once

#include <gtest/gtest.h>

#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "posix_only.h"

namespace zt::test {

#ifdef _WIN32
template <class Work>
bool in_child(Work&&) {
  return false;  // begin such a test with ZT_POSIX_ONLY("fork")
}
#else
// The number, below 90, that `work` returns in a child of this process; another one where it throws or hangs there. The
// child may change its limits and mounts, and has no thread except the one that forks.
template <class Work>
int result_of_child(Work&& work) {
  constexpr unsigned kPatience = 60;  // seconds, then the system ends the child
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kPatience);
    int result = 99;
    try {
      result = work();
    } catch (...) {}
    ::_exit(result);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What `work` returns in a child, and false where it throws or hangs there.
template <class Work>
bool in_child(Work&& work) {
  return result_of_child([&] { return work() ? 0 : 1; }) == 0;
}
#endif

}  // namespace zt::test
