#include "bindings.h"

#include <array>
#include <limits>

namespace zt::python {
namespace {

int get_buffer(PyObject* object, Py_buffer* view, int flags) {
  const Buffer* buffer = nb::inst_ptr<Buffer>(nb::handle(object));
  static std::byte nothing;  // a view of no bytes still needs an address
  return PyBuffer_FillInfo(view, object, buffer->data != nullptr ? buffer->data : &nothing,
                           static_cast<Py_ssize_t>(buffer->size), buffer->writable ? 0 : 1, flags);
}

// Objects of NumPy, looked up when the module is loaded: at the end of a program nothing can be imported. Leaked:
// arrays may outlive the module.
struct NumPy {
  nb::object ndarray = nb::module_::import_("numpy").attr("ndarray");
  std::array<nb::object, kDTypeCount> dtypes;
  std::array<nb::object, kDTypeCount> names;

  NumPy() {
    const nb::object table = nb::module_::import_("ztensor._dtypes").attr("NUMPY");
    for (std::uint8_t i = 0; i < kDTypeCount; ++i) {
      names[i] = to_str(dtype_name(static_cast<DType>(i)));
      dtypes[i] = table[names[i]];
    }
  }
};

const NumPy* numpy = nullptr;

}  // namespace

Buffer allocate(std::uint64_t size) {
  if (size > static_cast<std::uint64_t>(std::numeric_limits<Py_ssize_t>::max())) throw_no_memory();
  Memory memory = zt::allocate(static_cast<std::size_t>(size));
  return {.owner = std::move(memory.owner), .data = memory.bytes.data(), .size = memory.bytes.size(), .writable = true};
}

void throw_no_memory() { throw Error(Code::no_memory, "", "no memory: the size has more than 64 bits"); }

nb::object dtype_text(DType dtype) { return numpy->names[static_cast<std::size_t>(dtype)]; }

nb::object shape_tuple(std::span<const std::uint64_t> shape) {
  nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(shape.size())));
  if (!tuple.is_valid()) throw nb::python_error();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i), nb::int_(shape[i]).release().ptr());
  }
  return tuple;
}

nb::object make_array(std::span<const std::uint64_t> shape, DType dtype, nb::handle buffer, std::uint64_t offset) {
  const nb::object dimensions = shape_tuple(shape);
  const nb::int_ start(offset);
  const std::array<PyObject*, 4> arguments = {dimensions.ptr(), numpy->dtypes[static_cast<std::size_t>(dtype)].ptr(),
                                              buffer.ptr(), start.ptr()};
  PyObject* array = PyObject_Vectorcall(numpy->ndarray.ptr(), arguments.data(), arguments.size(), nullptr);
  if (array == nullptr) {
    const bool too_large = PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_OverflowError);
    if (!too_large) throw nb::python_error();
    PyErr_Clear();
    throw Error(Code::unsupported, "python.array",
                "NumPy cannot have an array of this rank or size: read a slice or a part");
  }
  return nb::steal(array);
}

nb::object make_array(std::span<const std::uint64_t> shape, DType dtype, Buffer buffer) {
  return make_array(shape, dtype, nb::cast(std::move(buffer)), 0);
}

void bind_buffer(nb::module_& module) {
  numpy = new NumPy();
  static PyType_Slot slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)}, {0, nullptr}};
  nb::class_<Buffer>(module, "Buffer", nb::type_slots(slots), nb::is_final())
      .def("__len__", [](const Buffer& buffer) { return buffer.size; })
      .def_ro("writable", &Buffer::writable);
}

}  // namespace zt::python
