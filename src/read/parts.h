#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "read/pieces.h"
#include "run/progress.h"
#include "ztensor/error.h"

namespace zt::read {

// One part, and the receiver of its decoded bytes.
struct Job {
  PartSource part;
  Verify verify = Verify::standard;
  std::span<std::byte> out = {};  // for all of the bytes; ignored if `visit` is set
  // Called with each piece and its offset, in any order and from any thread.
  std::function<void(std::uint64_t offset, std::span<const std::byte> bytes)> visit = {};
};

// Carries out all jobs with up to `threads` threads. Passes each failure to `failed`, with the numbers of its job and
// piece, in any order but one at a time: several pieces of one job may fail. If `failed` rethrows, the rest stops, and the error with the lowest number is thrown.
void carry_out(std::span<const Job> jobs, unsigned threads, run::Meter& meter,
               const std::function<void(std::size_t job, std::size_t piece, Error& error)>& failed);

}  // namespace zt::read
