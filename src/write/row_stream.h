#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "write/draft.h"
#include "write/output.h"
#include "write/part_layout.h"
#include "ztensor/writer.h"

namespace zt::write {

// A dense tensor that is being stored chunk by chunk. Its bytes go straight to the target, or, if the target needs
// their number first, through a temporary file. It must end by finish() or cancel(), unless the draft goes first. One
// owner.
class RowStream {
 public:
  // Throws usage and unsupported for a tensor that cannot be streamed; then the draft is as it was.
  RowStream(Draft& draft, std::string_view name, const Shape& shape, DType dtype, const AddOptions& options);
  ~RowStream() = default;
  RowStream(const RowStream&) = delete;
  RowStream& operator=(const RowStream&) = delete;

  void write(const ArrayView& chunk);
  void write(DType dtype, std::span<const std::byte> bytes);  // of whole rows
  std::uint64_t rows() const { return rows_; }
  // Adds the tensor to the catalog. Throws usage, and stays open, while rows are missing.
  void finish();
  void cancel() noexcept;
  const std::string& name() const { return name_; }

 private:
  bool is_open() const;
  void check_open() const;
  void check_chunk(const ArrayView& chunk) const;
  void put(std::span<const std::byte> bytes);
  StoredPart stored();
  Shape whole_shape() const;

  Draft& draft_;
  std::string name_;
  Shape shape_;  // its first dimension may be kUnknownRows
  DType dtype_;
  PartOptions options_;
  std::vector<std::byte> attributes_;
  std::uint64_t rows_ = 0;
  std::unique_ptr<PartStream> direct_;  // null: the bytes go through spool_
  std::unique_ptr<Output> spool_;
  std::uint64_t number_ = 0;  // of this stream, as the draft counts them
  bool failed_ = false;       // a write failed: only cancel() is left
};

}  // namespace zt::write
