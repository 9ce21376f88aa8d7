#pragma once

#include <utility>

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

}  // namespace zt::test
