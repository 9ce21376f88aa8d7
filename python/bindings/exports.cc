#include "bindings.h"

namespace zt::python {
namespace {

// The buffer of the array that the object's _exported() returns. In a class that derives from Tensor, this may be an
// object that exports itself again: without the guard, the recursion would take all of the stack.
int export_buffer(PyObject* object, Py_buffer* view, int flags) {
  view->obj = nullptr;
  if (Py_EnterRecursiveCall(" while the buffer of a tensor is exported: _exported() must return an array") != 0) {
    return -1;
  }
  PyObject* const array = in_python([&] { return PyObject_CallMethod(object, "_exported", nullptr); });
  const int failed = array == nullptr ? -1 : in_python([&] { return PyObject_GetBuffer(array, view, flags); });
  Py_LeaveRecursiveCall();
  if (array == nullptr) return -1;
  Py_DECREF(array);
  if (failed != 0 && PyErr_ExceptionMatches(PyExc_ValueError) != 0) {  // NumPy's, of an array that is read-only
    PyErr_SetString(PyExc_BufferError, "the memory of a tensor is read-only: copy it with numpy(copy=True)");
  }
  return failed;
}

}  // namespace

// Before Python 3.12, only a type that is made here can have the buffer protocol. ztensor.Tensor derives from it.
void bind_exports(nb::module_& module) {
  static PyType_Slot slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(export_buffer)}, {0, nullptr}};
  static PyType_Spec spec = {.name = "ztensor._ztensor.Exports",
                             .basicsize = sizeof(PyObject),
                             .itemsize = 0,
                             .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                             .slots = slots};
  const nb::object type = nb::steal(PyType_FromSpec(&spec));
  if (!type.is_valid()) throw nb::python_error();
  module.attr("Exports") = type;
}

}  // namespace zt::python
