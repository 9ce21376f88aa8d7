#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "write/array_pieces.h"
#include "write/draft.h"
#include "write/mover.h"
#include "write/references.h"
#include "ztensor/writer.h"

namespace zt {

// What a Writer, and a stream of one of its tensors, work on.
struct Writer::State {
  State(const std::filesystem::path& target, WriteMode mode, const WriterOptions& wanted);
  State(std::unique_ptr<ByteSink> sink, const WriterOptions& wanted);

  void check_new(std::string_view name, bool replace = false) const;
  void check_replaced(std::string_view name, bool replace) const;
  void end_tensor(std::string_view name, bool replace);
  std::vector<std::string> accepted_losses(const Tensor& tensor) const;
  void set_file_attributes(std::vector<std::byte> encoded);
  void set_own_attributes(const Value& attributes);
  void check_base(const std::filesystem::path& target) const;
  bool add_delta(std::string_view name, const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                 std::span<write::ArrayPieces> pieces, const AddOptions& options);

  std::filesystem::path path;  // empty for a sink
  write::Draft draft;
  write::Mover mover{draft};
  write::References references;
  std::vector<std::string> losses;
  std::vector<std::string> notes;  // of the published files
};

}  // namespace zt
