#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>

#include "source.h"

namespace zt::python {
namespace {

// One part, decoded: bytes if elements do not fill bytes (float4), else an array of one dimension.
nb::object part(const Handle& self, const std::string& role, std::optional<bool> verify) {
  const Source source = self.from().use();
  const Tensor tensor = self.tensor();
  const Part found = tensor.part(role);
  const Progress progress = to_progress();
  const Buffer buffer = released([&] {
    Buffer memory = allocate(found.measure(progress));
    const Source::Read read{found, memory.bytes()};
    source.read({&read, 1}, to_verify(verify), progress);
    return memory;
  });
  const std::uint64_t size = dtype_bits(found.dtype()) / 8;
  if (size == 0) return make_array(std::vector<std::uint64_t>{buffer.size}, DType::u8, buffer);
  if (buffer.size % size != 0) {
    located(self.from(), tensor.name(), [&] {
      throw Error(Code::malformed, "part.length",
                  "part '" + role + "': " + std::to_string(buffer.size) + " bytes end inside an element");
    });
  }
  return make_array(std::vector<std::uint64_t>{buffer.size / size}, found.dtype(), buffer);
}

// The selected elements of a dense tensor. Each axis is (start, count, step) or a list of positions.
nb::object slice(const Handle& self, const nb::list& axes) {
  const Tensor tensor = self.tensor();
  Selection selection;
  std::vector<std::uint64_t> shape;
  for (const nb::handle axis : axes) {
    if (nb::isinstance<nb::list>(axis)) {
      selection.push_back(listed(nb::cast<std::vector<std::uint64_t>>(axis)));
      shape.push_back(nb::len(axis));
    } else {
      const auto [start, count, step] = nb::cast<std::tuple<std::uint64_t, std::uint64_t, std::int64_t>>(axis);
      selection.push_back(stepped(start, count, step));
      shape.push_back(count);
    }
  }
  const DType dtype = tensor.dtype();
  std::uint64_t elements = 1;
  for (const std::uint64_t size : shape) {
    if (__builtin_mul_overflow(elements, size, &elements)) throw_no_memory();
  }
  const auto length = byte_length(dtype, elements);
  if (!length) throw_no_memory();
  const Progress progress = to_progress();
  Buffer buffer = released([&] {
    Buffer memory = allocate(*length);
    tensor.read_slice(selection, memory.bytes(), {}, progress);
    return memory;
  });
  return located(self.from(), tensor.name(), [&] { return make_array(shape, dtype, std::move(buffer)); });
}

// SciPy's choice: 32 bits if every index and count fits.
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

// The checked (indices, indptr) of a sparse tensor; indptr is None for COO. Owned by the caller.
nb::tuple indices(const Handle& self, std::uint64_t nnz, bool wide, std::optional<bool> verify) {
  const Tensor tensor = self.tensor();
  const SparseIndices checked = released([&] { return tensor.read_indices(nnz, to_verify(verify)); });
  std::uint64_t largest = nnz;
  for (const std::uint64_t dimension : tensor.shape()) largest = std::max(largest, dimension);
  if (largest > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    located(self.from(), tensor.name(),
            [] { throw Error(Code::unsupported, "python.array", "a dimension needs more than 63 bits"); });
  }
  const bool narrow = !wide && largest <= static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  const bool rows = tensor.layout() == "sparse_csr";
  return nb::make_tuple(index_array(checked.indices, narrow),
                        rows ? index_array(checked.indptr, narrow) : nb::object(nb::none()));
}

// The values of a quantized tensor, as float32. Owned by the caller.
nb::object dequantize(const Handle& self, std::optional<bool> verify) {
  const Tensor tensor = self.tensor();
  const Progress progress = to_progress();
  Buffer buffer;
  const auto memory = [&](std::uint64_t elements) {
    buffer = allocate(elements * sizeof(float));  // within 64 bits: the limit was checked
    return std::span(reinterpret_cast<float*>(buffer.data), static_cast<std::size_t>(elements));
  };
  released([&] { zt::dequantize_into(tensor, memory, to_verify(verify), progress); });
  return located(self.from(), tensor.name(), [&] { return make_array(tensor.shape(), DType::f32, std::move(buffer)); });
}

}  // namespace

void bind_pieces(Class<Handle>& type) {
  type.def("part", part, nb::arg("role"), nb::arg("verify").none())
      .def("slice", slice, nb::arg("axes"))
      .def("dequantize", dequantize, nb::arg("verify").none())
      .def("indices", indices, nb::arg("nnz"), nb::arg("wide"), nb::arg("verify").none());
}

}  // namespace zt::python
