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

// An open source, as `_ztensor.Source`, until it is closed.
class OpenSource {
 public:
  OpenSource(Source opened, const OpenOptions& opened_with, std::string called, std::shared_ptr<const Turn> turn)
      : options(opened_with),
        name(std::move(called)),
        files(kMappings * opened.files()),
        source_(std::move(opened)),
        turn_(std::move(turn)) {}

  // A copy of the handle, which another thread's close() leaves as it is. Throws usage when this or its file is closed,
  // and where a file object must not be called: from within one of its own calls, in another process.
  Source use() const;
  // `file`, a file object, is its caller's, who may close it.
  void watch(nb::object file) { file_ = std::move(file); }
  void close();
  bool is_closed() const { return !source_; }

  const OpenOptions options;
  const std::string name;         // of the file, for messages
  std::vector<MappedFile> files;  // kMappings for each file of the source; under the GIL

 private:
  std::optional<Source> source_;            // nothing: closed
  const std::shared_ptr<const Turn> turn_;  // of the file object; null for others
  nb::object file_;
};

// A tensor of an open source, as `_ztensor.Tensor`. It does not keep the files open when the source is closed.
class Handle {
 public:
  Handle(OpenSource& from, std::size_t index) : from_(&from), owner_(nb::find(from)), index_(index) {}
  OpenSource& from() const { return *from_; }
  Tensor tensor() const { return from_->use()[index_]; }  // throws as OpenSource::use

 private:
  OpenSource* from_;
  nb::object owner_;  // keeps it
  std::size_t index_;
};

// The tensor of a name, which may be any object. Throws TypeError, not_found.
Tensor find_tensor(const Source& source, nb::handle name);

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

// What is known of a dense tensor before its elements are read.
struct Dense {
  Part part;
  DType dtype;
  std::uint64_t length;  // bytes
};
// Nothing for other layouts. Throws the cause of an unreadable tensor.
std::optional<Dense> dense_of(const Tensor& tensor);

enum class Want { view, writable_view, copy };
Want want_of(bool copy, bool writable);
Mapping mapping_of(Want want);

// Which files of a source are not mapped, or cannot be: other tensors need not ask.
using Unmapped = std::vector<bool>;  // by Part::file_number()
Unmapped unmapped_of(const OpenSource& from, Want want);
// The bytes as they lie in their file, or nothing when they have to be copied. Needs no GIL.
Bytes borrow(const OpenSource& from, const Dense& dense, Mapping mapping, std::optional<Verify> verify,
             Unmapped& unmapped);

// Memory as Python sees it, and where in it the elements lie.
struct Spot {
  nb::object buffer;
  std::uint64_t offset = 0;
};
// Of what borrow() gave, within the file's one buffer.
Spot spot_of(OpenSource& from, const Source& source, const Dense& dense, const Bytes& mapped, Mapping mapping);

void bind_metadata(Class<OpenSource>& type);  // metadata.cc
void bind_many(Class<OpenSource>& type);      // many.cc: whole tensors, many in one call
void bind_tensor(nb::module_& module);        // tensor.cc: what the index says of a tensor
void bind_reads(Class<Handle>& type);         // reads.cc: one whole tensor
void bind_pieces(Class<Handle>& type);        // pieces.cc: parts, slices, sparse indices, dequantized

}  // namespace zt::python
