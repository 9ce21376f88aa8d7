#include <nanobind/stl/optional.h>

#include <unordered_map>
#include <vector>

#include "source.h"

namespace zt::python {
namespace {

constexpr std::uint64_t kArenaAlignment = 64;

// The elements of a tensor: in a mapping, or in the memory that all copied tensors share.
struct Place {
  Dense dense;
  Bytes mapped;
  std::uint64_t offset = 0;  // in the shared memory, if nothing is mapped
  bool is_tied = false;      // an earlier tensor brings these bytes
};

std::vector<Tensor> find_all(const Source& source, const nb::list& names) {
  std::vector<Tensor> tensors;
  tensors.reserve(nb::len(names));
  for (const nb::handle name : names) tensors.push_back(find_tensor(source, name));
  return tensors;
}

// Many tensors, mapped or in memory of their own. Only add_to needs the GIL.
class Fetched {
 public:
  Fetched(const OpenSource& from, const Source& source, const std::vector<Tensor>& tensors, Want want,
          std::optional<Verify> verify, const Progress& progress)
      : mapping_(mapping_of(want)) {
    locate(from, source, tensors, want, verify);
    std::vector<Source::Read> reads;
    for (const auto& place : places_) {
      if (!place || !place->mapped.empty() || place->is_tied) continue;
      reads.push_back({place->dense.part, arena_.bytes().subspan(place->offset, place->dense.length)});
    }
    if (!reads.empty()) source.read(reads, verify, progress);
  }
  const std::vector<std::optional<Place>>& places() const { return places_; }  // empty for tensors that are not dense

  // Needs the GIL.
  Spot spot(OpenSource& from, const Source& source, const Place& place) {
    if (!place.mapped.empty()) return spot_of(from, source, place.dense, place.mapped, mapping_);
    if (!shared_.is_valid()) shared_ = nb::cast(arena_);
    return {.buffer = shared_, .offset = place.offset};
  }

 private:
  void locate(const OpenSource& from, const Source& source, const std::vector<Tensor>& tensors, Want want,
              std::optional<Verify> verify) {
    Unmapped unmapped = unmapped_of(from, want);
    places_.reserve(tensors.size());
    // Tied tensors share one copy, as they share a mapping. Who asks for copies gets one of each.
    std::span<const std::size_t> ties;
    std::unordered_map<std::size_t, std::uint64_t> copied;  // the first of tied tensors, and its offset
    std::uint64_t size = 0;
    for (const Tensor& tensor : tensors) {
      const std::optional<Dense> dense = dense_of(tensor);
      if (!dense) {
        places_.emplace_back();
        continue;
      }
      const bool is_twin = mapping_ == Mapping::copy_on_write && from.is_twin(source, tensor.index());
      Bytes mapped = is_twin ? Bytes() : borrow(from, *dense, mapping_, verify, unmapped);
      if (!mapped.empty()) {
        places_.push_back(Place{.dense = *dense, .mapped = std::move(mapped)});
        continue;
      }
      if (want != Want::copy && ties.empty()) ties = source.ties();
      const std::size_t first = want == Want::copy ? places_.size() : ties[tensor.index()];
      const auto [known, is_new] = copied.try_emplace(first, size);
      if (is_new) size = end_of(size, dense->length);
      places_.push_back(Place{.dense = *dense, .mapped = {}, .offset = known->second, .is_tied = !is_new});
    }
    arena_ = allocate(size);
  }

  static std::uint64_t end_of(std::uint64_t offset, std::uint64_t length) {
    std::uint64_t end = 0;
    if (__builtin_add_overflow(offset, length, &end) || __builtin_add_overflow(end, kArenaAlignment - 1, &end)) {
      throw_no_memory();
    }
    return end / kArenaAlignment * kArenaAlignment;
  }

  Mapping mapping_;
  std::vector<std::optional<Place>> places_;
  Buffer arena_;
  nb::object shared_;
};

// Calls `make` for each dense tensor; other tensors give None.
template <class F>
nb::list made_of_all(OpenSource& self, const nb::list& names, Want want, std::optional<bool> verify,
                     nb::object callback, F&& make) {
  const Source source = self.use();
  const std::vector<Tensor> tensors = find_all(source, names);
  const Progress progress = to_progress(std::move(callback));
  Fetched fetched = released([&] { return Fetched(self, source, tensors, want, to_verify(verify), progress); });
  nb::list list;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& place = fetched.places()[i];
    if (place) {
      list.append(make(tensors[i], place->dense, fetched.spot(self, source, *place)));
    } else {
      list.append(nb::none());
    }
  }
  return list;
}

// NumPy arrays; None for a tensor that is not dense, and for float4, which NumPy holds in another form.
nb::list arrays(OpenSource& self, const nb::list& names, bool copy, bool writable, std::optional<bool> verify,
                nb::object progress) {
  const auto make = [&](const Tensor& tensor, const Dense& dense, const Spot& spot) -> nb::object {
    if (dense.dtype == DType::f4_e2m1) return nb::none();
    return located(self, tensor.name(),
                   [&] { return make_array(tensor.shape(), dense.dtype, spot.buffer, spot.offset); });
  };
  return made_of_all(self, names, want_of(copy, writable), verify, std::move(progress), make);
}

// For each tensor, the result of Handle's place().
nb::list places(OpenSource& self, const nb::list& names, bool copy, std::optional<bool> verify, nb::object progress) {
  const auto make = [](const Tensor& tensor, const Dense& dense, const Spot& spot) -> nb::object {
    return nb::make_tuple(spot.buffer, spot.offset, dense.length, dtype_text(dense.dtype), shape_tuple(tensor.shape()));
  };
  return made_of_all(self, names, want_of(copy, true), verify, std::move(progress), make);
}

// Writable buffers of the caller, held during a call.
class Targets {
 public:
  explicit Targets(const nb::list& buffers) : views_(nb::len(buffers)) {
    for (Py_buffer& view : views_) {
      const auto index = static_cast<std::size_t>(&view - views_.data());
      if (PyObject_GetBuffer(nb::object(buffers[index]).ptr(), &view, PyBUF_WRITABLE) != 0) throw_and_release(index);
    }
  }
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;
  ~Targets() {
    for (Py_buffer& view : views_) PyBuffer_Release(&view);
  }
  std::span<std::byte> operator[](std::size_t index) const {
    return {static_cast<std::byte*>(views_[index].buf), static_cast<std::size_t>(views_[index].len)};
  }

 private:
  [[noreturn]] void throw_and_release(std::size_t taken) {
    nb::python_error error;
    for (std::size_t i = 0; i < taken; ++i) PyBuffer_Release(&views_[i]);
    throw error;
  }

  std::vector<Py_buffer> views_;
};

void read_into(const OpenSource& self, const nb::list& names, const nb::list& buffers, std::optional<bool> verify) {
  const Source source = self.use();
  const std::vector<Tensor> tensors = find_all(source, names);
  const Targets targets(buffers);
  const Progress progress = to_progress();
  released([&] {
    std::vector<Source::Read> reads;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (const auto cause = tensors[i].unreadable()) throw *cause;
      reads.push_back({tensors[i].data(), targets[i]});
    }
    source.read(reads, to_verify(verify), progress);
  });
}

}  // namespace

void bind_many(Class<OpenSource>& type) {
  type.def("arrays", arrays, nb::arg("names"), nb::arg("copy"), nb::arg("writable"), nb::arg("verify").none(),
           nb::arg("progress").none())
      .def("places", places, nb::arg("names"), nb::arg("copy"), nb::arg("verify").none(), nb::arg("progress").none())
      .def("read_into", read_into, nb::arg("names"), nb::arg("buffers"), nb::arg("verify").none());
}

}  // namespace zt::python
