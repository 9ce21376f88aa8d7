#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ztensor/progress.h"

namespace cli {

// A progress bar on standard error, while it lives. Draws nothing when `quiet` or where that is no terminal; its
// callback stops the work after Ctrl-C all the same.
class Bar {
 public:
  explicit Bar(bool quiet);
  ~Bar();  // wipes the line
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

  zt::Progress callback();  // for calls that end before this Bar does
  double seconds() const;   // since it was made

 private:
  void draw(std::uint64_t done, std::uint64_t total);

  std::chrono::steady_clock::time_point start_;
  bool visible_;
  std::size_t drawn_ = 0;  // columns to wipe
};

}  // namespace cli
