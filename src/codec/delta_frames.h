#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

// The zstd frames of the lists of a piece (spec/delta.md §4): which blocks there are, and how each is stored.
namespace zt::codec {

// One after another, sections make up the content of a piece.
struct DeltaSection {
  std::size_t size = 0;
  std::span<const std::uint32_t> cuts =
      {};  // where a block may end to the gain of those after it: ascending, up to size
};

// Makes frames. Keeps its memory between calls. For one thread at a time.
class DeltaFrames {
 public:
  DeltaFrames();
  ~DeltaFrames();
  // Appends the frames of `content` to `out`. They depend only on the input.
  void add(std::span<const std::byte> content, std::span<const DeltaSection> sections, std::vector<std::byte>& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zt::codec
