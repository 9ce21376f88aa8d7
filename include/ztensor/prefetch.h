#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "ztensor/macros.h"
#include "ztensor/memory.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/slice.h"
#include "ztensor/tensor.h"

namespace zt {

namespace source {
class PrefetchState;
}

// What a Prefetch is to read: a dense tensor, whole or a slice of it.
struct PrefetchItem {
  Tensor tensor;
  std::optional<Selection> selection = {};  // empty: the whole tensor
};

struct PrefetchOptions {
  // The most bytes that are read and not yet handed out. One item that is larger is still read, alone. 0: one item at a
  // time.
  std::uint64_t ahead = std::uint64_t{256} << 20;
  // 0: as the source of the first item was opened. 1: one thread beside those that wait.
  unsigned threads = 0;
  std::optional<Verify> verify = {};  // empty: as the source was opened
  // If false, no thread is started: the thread that asks for an item reads it.
  bool in_background = true;
};

// An item that was handed out.
struct Prefetched {
  std::size_t index = 0;  // in the items of the Prefetch
  Memory memory = {};     // the decoded elements, little-endian and row-major; begins at a multiple of 64
  // Why the item could not be read; null if it was. An Error, or what the ByteStore of the source threw.
  std::exception_ptr failure = {};

  // Throws the failure, if there is one.
  void check() const {
    if (failure) std::rethrow_exception(failure);
  }
};

// Reads tensors in the background, in the order of their stored bytes, and hands out each of them once, in the order in
// which they become complete. Digests are checked as by Tensor::read_into() and read_slice(). The error of one tensor
// is handed out in its place, and the others go on. Any thread may call any member, except the destructor. In a child
// of the process that made the Prefetch, calls throw usage, and close() and the destructor change nothing.
class ZT_API Prefetch {
 public:
  // Starts to read. An item that cannot be read, such as a tensor that is not dense or a selection outside its shape,
  // fails where it is handed out. Throws usage for a bad number of threads.
  explicit Prefetch(std::vector<PrefetchItem> items, const PrefetchOptions& options = {});
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;
  ~Prefetch();  // closes

  // The next item that is complete; waits for one. Nothing if all are handed out. The callback is called while it
  // waits, with the bytes that are read and the bytes of all items; if it stops the wait, nothing is handed out. Throws
  // cancelled; usage if the object is closed, also by another thread during the wait.
  [[nodiscard]] std::optional<Prefetched> next(const Progress& progress = {});
  // The same, but nothing if no item is complete now. It does not read: where no thread does, only next() and take() do.
  [[nodiscard]] std::optional<Prefetched> try_next();
  // Waits for one item. An item that was not begun is read next, whatever `ahead` says. Throws as next(); usage if the
  // item was handed out, or another thread waits for it; not_found.
  [[nodiscard]] Prefetched take(std::size_t index, const Progress& progress = {});

  [[nodiscard]] std::size_t left() const;  // how many items are still to be handed out
  // Gives up the items that are left, and stops the threads before it returns. A second call does nothing.
  void close();

 private:
  std::unique_ptr<source::PrefetchState> state_;
};

}  // namespace zt
