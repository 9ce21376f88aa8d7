#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>

#include "source.h"
#include "source/dequantize.h"

namespace zt::python {
namespace {

// One part, decoded: as its bytes where elements do not fill them (float4), else as an array of one dimension.
nb::object part(const OpenSource& self, const std::string& name, const std::string& role, std::optional<bool> verify) {
  const Part found = self.source().tensor(name).part(role);
  const Progress progress = to_progress();
  const Buffer buffer = released([&] {
    Buffer memory = allocate(found.length());
    const Source::Read read{found, memory.bytes()};
    self.source().read({&read, 1}, to_verify(verify), progress);
    return memory;
  });
  const std::uint64_t size = dtype_bits(found.dtype()) / 8;
  if (size == 0) return make_array(std::vector<std::uint64_t>{buffer.size}, DType::u8, buffer);
  if (buffer.size % size != 0) {
    located(self, name, [&] {
      throw Error(Code::malformed, "part.length",
                  "part '" + role + "': " + std::to_string(buffer.size) + " bytes are no whole number of elements");
    });
  }
  return make_array(std::vector<std::uint64_t>{buffer.size / size}, found.dtype(), buffer);
}

// The selected elements of a dense tensor. Each axis is (start, count, step) or a list of positions.
nb::object slice(const OpenSource& self, const std::string& name, const nb::list& axes) {
  const Tensor tensor = self.source().tensor(name);
  Selection selection;
  std::vector<std::uint64_t> shape;
  for (const nb::handle axis : axes) {
    AxisSelection chosen;
    if (nb::isinstance<nb::list>(axis)) {
      chosen.list = nb::cast<std::vector<std::uint64_t>>(axis);
    } else {
      const auto [start, count, step] = nb::cast<std::tuple<std::uint64_t, std::uint64_t, std::int64_t>>(axis);
      chosen.start = start;
      chosen.count = count;
      chosen.step = step;
    }
    shape.push_back(chosen.size());
    selection.push_back(std::move(chosen));
  }
  const DType dtype = tensor.dtype();
  std::uint64_t elements = 1;
  for (const std::uint64_t size : shape) {
    if (__builtin_mul_overflow(elements, size, &elements)) throw_no_memory();
  }
  const auto length = byte_length(dtype, elements);
  if (!length) throw_no_memory();
  Buffer buffer = released([&] {
    Buffer memory = allocate(*length);
    tensor.read_slice(selection, memory.bytes());
    return memory;
  });
  return located(self, name, [&] { return make_array(shape, dtype, std::move(buffer)); });
}

// SciPy's choice: 32 bits when every index and count fits.
nb::object index_array(const std::vector<std::uint64_t>& values, bool narrow) {
  Buffer buffer = released([&] {
    Buffer memory = allocate(values.size() * (narrow ? 4 : 8));
    if (narrow) {
      std::transform(values.begin(), values.end(), reinterpret_cast<std::int32_t*>(memory.data),
                     [](std::uint64_t value) { return static_cast<std::int32_t>(value); });
    } else {
      std::copy(values.begin(), values.end(), reinterpret_cast<std::uint64_t*>(memory.data));
    }
    return memory;
  });
  return make_array(std::vector<std::uint64_t>{values.size()}, narrow ? DType::i32 : DType::i64, std::move(buffer));
}

// The checked (indices, indptr) of a sparse tensor; None for the indptr of COO. Owned.
nb::tuple indices(const OpenSource& self, const std::string& name, std::uint64_t nnz, bool wide,
                  std::optional<bool> verify) {
  const Tensor tensor = self.source().tensor(name);
  const SparseIndices checked = released([&] { return tensor.read_indices(nnz, to_verify(verify)); });
  std::uint64_t largest = nnz;
  for (const std::uint64_t dimension : tensor.shape()) largest = std::max(largest, dimension);
  if (largest > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    located(self, name, [] { throw Error(Code::unsupported, "python.array", "a dimension needs more than 63 bits"); });
  }
  const bool narrow = !wide && largest <= static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  const bool rows = tensor.layout() == "sparse_csr";
  return nb::make_tuple(index_array(checked.indices, narrow),
                        rows ? index_array(checked.indptr, narrow) : nb::object(nb::none()));
}

// The values of a quantized tensor, as float32. Owned.
nb::object dequantize(const OpenSource& self, const std::string& name, std::optional<bool> verify) {
  const Tensor tensor = self.source().tensor(name);
  const Progress progress = to_progress();
  Buffer buffer = released([&] {
    source::Dequantization work(tensor);
    work.read(to_verify(verify), progress);
    Buffer memory = allocate(work.elements() * sizeof(float));  // within 64 bits: it has checked
    work.fill({reinterpret_cast<float*>(memory.data), static_cast<std::size_t>(work.elements())});
    return memory;
  });
  return located(self, name, [&] { return make_array(tensor.shape(), DType::f32, std::move(buffer)); });
}

}  // namespace

void bind_pieces(Class<OpenSource>& type) {
  type.def("part", part, nb::arg("name"), nb::arg("role"), nb::arg("verify").none())
      .def("slice", slice, nb::arg("name"), nb::arg("axes"))
      .def("dequantize", dequantize, nb::arg("name"), nb::arg("verify").none())
      .def("indices", indices, nb::arg("name"), nb::arg("nnz"), nb::arg("wide"), nb::arg("verify").none());
}

}  // namespace zt::python
