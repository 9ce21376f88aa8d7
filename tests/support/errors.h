#pragma once

#include <utility>

#include <gtest/gtest.h>

#include "ztensor/error.h"

namespace zt::test {

// The code that `work` throws; internal, which no code may throw, if it throws nothing.
template <class Work>
Error error_of(Work&& work) {
  try {
    std::forward<Work>(work)();
  } catch (const Error& error) {
    return error;
  }
  return {Code::internal, "", "nothing was thrown"};
}

template <class Work>
Code code_of(Work&& work) {
  return error_of(std::forward<Work>(work)).code();
}

// Expects an error of the system.
template <class Work>
void expect_io(int os_error, Work&& work) {
  const Error error = error_of(std::forward<Work>(work));
  EXPECT_EQ(error.code(), Code::io) << error.what();
  EXPECT_EQ(error.os_error(), os_error) << error.what();
}

}  // namespace zt::test
