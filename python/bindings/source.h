#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings.h"

namespace zt::python {

// One mapping of a file, the source's own or a shard, as a Python buffer: arrays are places in it, so that each costs
// no buffer of its own.
struct MappedFile {
  std::uintptr_t base = 0;
  nb::object buffer;
};

// An open source, as `_ztensor.Source`. Tensors go by their names.
class OpenSource {
 public:
  OpenSource(Source opened, const OpenOptions& opened_with, std::string called, std::shared_ptr<const Turn> turn)
      : options(opened_with),
        name(std::move(called)),
        files(kMappings * opened.files()),
        source_(std::move(opened)),
        turn_(std::move(turn)) {}

  // Throws usage where a file object must not be called: from within one of its own calls, in another process.
  const Source& source() const;

  const OpenOptions options;
  const std::string name;         // of the file, for messages
  std::vector<MappedFile> files;  // kMappings for each file of the source; under the GIL

 private:
  const Source source_;
  const std::shared_ptr<const Turn> turn_;  // of the file object; null for others
};

// Runs `work`; an Error that leaves it names the file and the tensor.
template <class F>
decltype(auto) located(const OpenSource& from, std::string_view tensor, F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (Error& error) {
    error.enter("tensor '" + std::string(tensor) + "'");
    error.enter_file(from.name);
    throw;
  }
}

// Where the elements of a dense tensor lie: in a mapping, or in memory of their own.
struct Place {
  Tensor tensor;
  DType dtype;
  std::uint64_t length;  // bytes
  Bytes mapped;          // empty: at `offset` of the arena
  std::uint64_t offset = 0;
};
struct Places {
  std::vector<std::optional<Place>> tensors;  // nothing for what is not dense
  Buffer arena;
};

enum class Want { view, writable_view, copy };

// Maps the tensors, and copies those that cannot be mapped or where it was asked for. Needs no GIL.
Places locate(const OpenSource& from, const std::vector<Tensor>& tensors, Want want, std::optional<Verify> verify);

// The tensor where it is mapped, for a view; nothing when that cannot be, or it is not dense. Needs no GIL.
std::optional<Place> find_mapped(const OpenSource& from, const Tensor& tensor);

void bind_metadata(Class<OpenSource>& type);  // metadata.cc
void bind_reads(Class<OpenSource>& type);     // reads.cc: whole tensors
void bind_pieces(Class<OpenSource>& type);    // pieces.cc: parts, slices, sparse indices, dequantized

}  // namespace zt::python
