#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings.h"

namespace zt::python {

// One mapping of a file, of the source or a shard, as a Python buffer. Arrays are places in it, so no array needs a
// buffer of its own.
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
        shares_equal_bytes_(opened.shares_equal_bytes()),
        source_(std::move(opened)),
        turn_(std::move(turn)) {}
  ~OpenSource() { delete twins_.load(); }
  OpenSource(const OpenSource&) = delete;
  OpenSource& operator=(const OpenSource&) = delete;

  // A copy of the handle, which stays valid when another thread calls close(). Throws usage if the source or its file
  // object is closed, and if a file object must not be called: from inside one of its own calls, or in another process.
  Source use() const;
  // `file`: the caller's file object, which the caller may close.
  void watch(nb::object file) { file_ = std::move(file); }
  // Whether an earlier tensor of the source has the same stored bytes and may yet be another one: see
  // Source::shares_equal_bytes(). Writing to one of them must not change the other. Needs no GIL.
  bool is_twin(const Source& source, std::size_t index) const;
  void close();
  bool is_closed() const { return !source_; }
  bool calls_python() const { return turn_ != nullptr; }  // for each read: its bytes are in a Python file object

  const OpenOptions options;
  const std::string name;         // of the file, for messages
  std::vector<MappedFile> files;  // kMappings for each file of the source; under the GIL

 private:
  const bool shares_equal_bytes_;
  std::optional<Source> source_;            // empty when closed
  const std::shared_ptr<const Turn> turn_;  // for the file object; null for other sources
  // By tensor; null until it is asked for. There is no lock, which a fork could leave held.
  mutable std::atomic<const std::vector<bool>*> twins_ = nullptr;
  nb::object file_;
};

// A tensor of an open source, as `_ztensor.Tensor`. It does not keep the files open after the source is closed.
class Handle {
 public:
  Handle(OpenSource& from, std::size_t index) : from_(&from), owner_(nb::find(from)), index_(index) {}
  OpenSource& from() const { return *from_; }
  std::size_t index() const { return index_; }
  Tensor tensor() const { return from_->use()[index_]; }  // throws as OpenSource::use

 private:
  OpenSource* from_;
  nb::object owner_;  // keeps the source alive
  std::size_t index_;
};

// The tensor with a name, which may be any object. Throws TypeError, not_found.
Tensor find_tensor(const Source& source, nb::handle name);

// Runs `work`. An Error that leaves it names the file and the tensor.
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

// The facts about a dense tensor that are known before its elements are read.
struct Dense {
  Part part;
  DType dtype;
  std::uint64_t length;  // in bytes
};
// Empty for other layouts. Throws the reason if the tensor is unreadable.
std::optional<Dense> dense_of(const Tensor& tensor);

enum class Want { view, writable_view, copy };
Want want_of(bool copy, bool writable);
Mapping mapping_of(Want want);

// Which files of a source are not mapped, or cannot be. Remembered, so that later tensors need not ask.
using Unmapped = std::vector<bool>;  // by Part::file_number()
Unmapped unmapped_of(const OpenSource& from, Want want);
// The bytes in the file's mapping; empty if they must be copied. Needs no GIL.
Bytes borrow(const OpenSource& from, const Dense& dense, Mapping mapping, std::optional<Verify> verify,
             Unmapped& unmapped);

// Memory as Python sees it, and the place of the elements in it.
struct Spot {
  nb::object buffer;
  std::uint64_t offset = 0;
};
// The spot of bytes from borrow(), in the one buffer of their file.
Spot spot_of(OpenSource& from, const Source& source, const Dense& dense, const Bytes& mapped, Mapping mapping);

// prefetch.cc: the items of pairs of a tensor and its axes, which are None for a whole tensor.
std::vector<PrefetchItem> to_items(const nb::list& items);

void bind_metadata(Class<OpenSource>& type);                         // metadata.cc
void bind_many(Class<OpenSource>& type);                             // many.cc: whole tensors, many in one call
void bind_tensor(nb::module_& module);                               // tensor.cc: the index's entry of a tensor
void bind_prefetch(nb::module_& module, Class<OpenSource>& source);  // prefetch.cc: tensors read in the background
void bind_device(nb::module_& module, Class<OpenSource>& source);    // device.cc: tensors read to CUDA devices
void bind_reads(Class<Handle>& type);                                // reads.cc: one whole tensor
void bind_pieces(Class<Handle>& type);  // pieces.cc: parts, slices, sparse indices, dequantized

}  // namespace zt::python
