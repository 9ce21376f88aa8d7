#include "read/parts.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/checked.h"
#include "run/parallel.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

// A run of pieces of one job: one piece, or all pieces of an ordered part.
struct Item {
  std::uint32_t job;
  std::uint32_t first;
  std::uint32_t last;
};

// The bytes to count with each piece of a part that lies in a larger blob.
std::uint64_t share_of(const PieceReader& reader, std::size_t piece) {
  const std::uint64_t each = reader.decoded_length() / reader.pieces();
  return piece + 1 < reader.pieces() ? each : reader.decoded_length() - each * piece;
}

class Carrier {
 public:
  Carrier(std::span<const Job> jobs, unsigned threads, run::Meter& meter,
          const std::function<void(std::size_t, std::size_t, Error&)>& failed)
      : jobs_(jobs), threads_(threads), meter_(meter), failed_(failed), readers_(jobs.size()), left_(jobs.size()) {}

  void run();

 private:
  void plan(std::size_t job);
  void carry(const Item& item);
  void fail(std::size_t job, std::size_t piece, Error& error);

  std::span<const Job> jobs_;
  unsigned threads_;
  run::Meter& meter_;
  const std::function<void(std::size_t, std::size_t, Error&)>& failed_;
  std::vector<std::unique_ptr<PieceReader>> readers_;  // null after a failure
  std::vector<std::atomic<std::size_t>> left_;         // items of each job that are not done
  std::vector<Item> items_;
  std::mutex mutex_;  // guards failed_
  Scratches scratches_;
  std::uint64_t bytes_ = 0;
};

void Carrier::fail(std::size_t job, std::size_t piece, Error& error) {
  const std::lock_guard lock(mutex_);
  failed_(job, piece, error);
}

void Carrier::plan(std::size_t job) {
  try {
    readers_[job] =
        std::make_unique<PieceReader>(jobs_[job].part, jobs_[job].verify, jobs_[job].visit ? Use::any : Use::lasting);
    PieceReader& reader = *readers_[job];
    bytes_ = checked::add(bytes_, reader.decoded_length()).value_or(bytes_);
    const auto number = static_cast<std::uint32_t>(job);
    if (reader.pieces() == 0) {
      reader.finish();
    } else if (reader.ordered()) {
      items_.push_back({number, 0, static_cast<std::uint32_t>(reader.pieces())});
      left_[job] = 1;
    } else {
      for (std::uint32_t i = 0; i < reader.pieces(); ++i) items_.push_back({number, i, i + 1});
      left_[job] = reader.pieces();
    }
  } catch (Error& error) {
    fail(job, 0, error);
  }
}

void Carrier::carry(const Item& item) {
  const Job& job = jobs_[item.job];
  PieceReader& reader = *readers_[item.job];
  std::unique_ptr<Scratch> scratch = scratches_.take();
  std::size_t piece = item.first;
  try {
    for (; piece < item.last; ++piece) {
      const std::size_t length = reader.scatters() ? 0 : reader.piece_length(piece);
      std::span<std::byte> out;
      if (job.visit) {
        scratch->decoded.resize(length);
        out = scratch->decoded;
      } else {
        const std::uint64_t offset = reader.piece_offset(piece);
        out = reader.scatters() ? job.out : job.out.subspan(static_cast<std::size_t>(offset), length);
      }
      reader.read(piece, out, *scratch);
      if (job.visit) job.visit(reader.piece_offset(piece), out);
      meter_.add(reader.scatters() ? share_of(reader, piece) : length);
    }
    if (left_[item.job].fetch_sub(1, std::memory_order_acq_rel) == 1) {
      reader.finish();
      readers_[item.job].reset();  // frees the decoder's window, which may be large
    }
  } catch (Error& error) {
    fail(item.job, piece, error);
  }
  scratches_.give(std::move(scratch));
}

void Carrier::run() {
  for (std::size_t job = 0; job < jobs_.size(); ++job) plan(job);
  run::parallel_for(items_.size(), bytes_, threads_, meter_, [&](std::size_t i) { carry(items_[i]); });
}

}  // namespace

void carry_out(std::span<const Job> jobs, unsigned threads, run::Meter& meter,
               const std::function<void(std::size_t, std::size_t, Error&)>& failed) {
  Carrier(jobs, threads, meter, failed).run();
}

}  // namespace zt::read
