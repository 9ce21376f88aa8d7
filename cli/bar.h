#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ztensor/progress.h"

namespace cli {

// A progress bar on standard error, while this object lives. It draws nothing if `quiet`, or if standard error is not a
// terminal. Its callback always stops the work after Ctrl-C.
class Bar {
 public:
  explicit Bar(bool quiet);
  ~Bar();  // wipes the line
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

  zt::Progress callback();  // must not be called after this Bar is gone
  double seconds() const;   // since this Bar was made

 private:
  void draw(std::uint64_t done, std::uint64_t total);

  std::chrono::steady_clock::time_point start_;
  bool visible_;
  std::size_t drawn_ = 0;  // columns to wipe
};

}  // namespace cli
