#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "read/pieces.h"
#include "run/progress.h"
#include "ztensor/error.h"

namespace zt::read {

// What becomes of the decoded bytes of one part.
struct Job {
  PartSource part;
  Verify verify = Verify::standard;
  std::span<std::byte> out = {};  // all of them; or, where `visit` is set, not used
  // Called with pieces and their places, in any order and from any thread.
  std::function<void(std::uint64_t offset, std::span<const std::byte> bytes)> visit = {};
};

// Carries out all jobs on up to `threads` threads. A failure of a job is given to `failed` with the job's number, in
// no particular order but one at a time; when it rethrows, the rest stops, and the error of the lowest number is
// thrown.
void carry_out(std::span<const Job> jobs, unsigned threads, run::Meter& meter,
               const std::function<void(std::size_t job, Error& error)>& failed);

}  // namespace zt::read
