#include "gil.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include "ztensor/error.h"

#ifdef Py_LIMITED_API
// The stable ABI lacks these. Every CPython since 3.12 exports them, the first under one of two names.
extern "C" {
[[gnu::weak]] int Py_IsFinalizing();   // since 3.13
[[gnu::weak]] int _Py_IsFinalizing();  // 3.12
int PyGILState_Check();
}
#endif

namespace zt::python {
namespace {

// A thread that has the GIL while the interpreter ends is the thread that ends it, and remains it.
thread_local bool ends_it = false;

bool is_ending() noexcept {
#ifdef Py_LIMITED_API
  const bool finalizing = (Py_IsFinalizing != nullptr ? Py_IsFinalizing() : _Py_IsFinalizing()) != 0;
#elif PY_VERSION_HEX >= 0x030D0000
  const bool finalizing = Py_IsFinalizing() != 0;
#else
  const bool finalizing = _Py_IsFinalizing() != 0;
#endif
  return finalizing || Py_IsInitialized() == 0;
}

// Takes the GIL with `take`, unless it is too late. The interpreter may begin to end after the question, or while the
// thread waits: then `take` is unwound.
template <class F>
auto wait_for_gil(F&& take) {
  if (is_too_late()) sleep_for_ever();
  return in_python(std::forward<F>(take));
}

}  // namespace

bool has_gil() noexcept {
  // Without a state of the thread, as after the interpreter's end, PyGILState_Check() returns true.
  return PyGILState_GetThisThreadState() != nullptr && PyGILState_Check() != 0;
}

bool ends_interpreter() noexcept {
  if (!ends_it && is_ending() && has_gil()) ends_it = true;
  return ends_it;
}

bool is_too_late() noexcept { return is_ending() && !ends_interpreter(); }

void sleep_for_ever() noexcept {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

GilReleased::GilReleased() noexcept : state_(nullptr) {
  if (!has_gil()) return;
  ends_interpreter();  // needs the GIL, so ask before giving it up
  state_ = PyEval_SaveThread();
}

GilReleased::~GilReleased() noexcept(false) {
  if (state_ == nullptr) return;
  wait_for_gil([this] { PyEval_RestoreThread(state_); });
}

PyGILState_STATE take_gil() { return wait_for_gil(PyGILState_Ensure); }

GilHeld::GilHeld() {
  if (is_too_late()) throw Error::system(EIO, "", "the program is ending: Python code cannot run any more");
  state_ = take_gil();
}

GilHeld::~GilHeld() { PyGILState_Release(state_); }

nb::object call_with(nb::handle callable, std::span<PyObject* const> arguments, nb::handle names) {
  const std::size_t positional = arguments.size() - (names.is_valid() ? nb::len(names) : 0);
  PyObject* const result =
      in_python([&] { return PyObject_Vectorcall(callable.ptr(), arguments.data(), positional, names.ptr()); });
  if (result == nullptr) throw nb::python_error();
  return nb::steal(result);
}

nb::object get_attribute(nb::handle object, const char* name) {
  PyObject* const found = in_python([&] { return PyObject_GetAttrString(object.ptr(), name); });
  if (found == nullptr) throw nb::python_error();
  return nb::steal(found);
}

}  // namespace zt::python
