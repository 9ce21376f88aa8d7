#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bindings.h"

namespace zt::python {

// One mapping of the file as a Python buffer: arrays are places in it, so that each costs no buffer of its own.
struct MappedFile {
  const void* owner = nullptr;
  std::uintptr_t base = 0;
  nb::object buffer;
};

// An open source, as `_ztensor.Source`. Tensors go by their names.
class OpenSource {
 public:
  OpenSource(Source opened, const OpenOptions& opened_with) : source(std::move(opened)), options(opened_with) {}

  const Source source;
  const OpenOptions options;
  MappedFile files[2];  // by Mapping; under the GIL
};

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

enum class Want { shared_view, private_view, copy };

// Maps the tensors, and copies those that cannot be mapped or where it was asked for. Needs no GIL.
Places locate(const OpenSource& from, const std::vector<Tensor>& tensors, Want want, std::optional<Verify> verify);

// The tensor where it is mapped; nothing when that cannot be, or it is not dense. Needs no GIL.
std::optional<Place> find_mapped(const OpenSource& from, const Tensor& tensor);

void bind_metadata(nb::class_<OpenSource>& type);  // metadata.cc
void bind_reads(nb::class_<OpenSource>& type);     // reads.cc: whole tensors
void bind_pieces(nb::class_<OpenSource>& type);    // pieces.cc: parts, slices, sparse indices

}  // namespace zt::python
