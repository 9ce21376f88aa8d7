#pragma once

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

namespace zt::test {

// What `work` returns in a child of this process, and false where it throws or hangs there. The child has no thread
// except the one that forks.
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

}  // namespace zt::test
