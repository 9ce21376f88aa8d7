#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>

// The one place where the module gives up Python's GIL, takes it, and calls code in Python.
//
// While the interpreter ends, CPython up to 3.13 ends every other thread that asks for the GIL, by unwinding its stack.
// That may not pass through C++: nanobind's functions and most destructors are noexcept, so that the process would be
// aborted, and objects would give back references without the GIL. Such a thread sleeps instead, where it is, until the
// process is gone. From 3.14 on CPython lets it sleep itself.
namespace zt::python {

namespace nb = nanobind;

bool has_gil() noexcept;  // the calling thread
// Whether another thread ends the interpreter, or has ended it: the calling one does not get the GIL any more.
bool is_too_late() noexcept;
// Whether the calling thread ends the interpreter. Others may sleep for ever in what they have begun.
bool ends_interpreter() noexcept;
[[noreturn]] void sleep_for_ever() noexcept;
PyGILState_STATE take_gil();  // sleeps when it is too late

// Gives up the GIL, if the thread has it, and takes it back at the end.
class GilReleased {
 public:
  GilReleased() noexcept;
  ~GilReleased() noexcept(false);  // as for in_python()
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* state_;  // null: the thread did not have it
};

// Takes the GIL, unless the thread has it, and gives it back at the end.
class GilHeld {
 public:
  // When it is too late, throws io: so locks are let go of before the thread sleeps, in its GilReleased.
  GilHeld();
  ~GilHeld();
  GilHeld(const GilHeld&) = delete;
  GilHeld& operator=(const GilHeld&) = delete;

 private:
  PyGILState_STATE state_;
};

// Runs `work` without the GIL; anything that may block, read a file or touch many bytes goes through here.
template <class F>
decltype(auto) released(F&& work) {
  const GilReleased unlocked;
  return std::forward<F>(work)();
}

// A thread that is ended by unwinding, which is no exception, sleeps in the destructor. A handler would not do: while
// another exception is being handled, as where errors are translated, none can be entered for this.
class Sleeper {
 public:
  ~Sleeper() {
    if (!passed_ && std::uncaught_exceptions() == uncaught_) sleep_for_ever();
  }
  void pass() { passed_ = true; }

 private:
  int uncaught_ = std::uncaught_exceptions();
  bool passed_ = false;
};

// Runs `work`: a call of Python's C interface that may run code in Python, and no objects of C++ around it. Not inlined,
// since a frame that is noexcept need not run destructors.
template <class F>
[[gnu::noinline]] auto in_python(F&& work) {
  Sleeper sleeper;
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    std::forward<F>(work)();
    sleeper.pass();
  } else {
    auto result = std::forward<F>(work)();
    sleeper.pass();
    return result;
  }
}

// Runs `drop`, which gives references back, with the GIL. When it is too late, they are left to the process's end.
template <class F>
void drop_with_gil(F&& drop) {
  if (is_too_late()) return;
  const PyGILState_STATE before = take_gil();
  in_python(std::forward<F>(drop));
  PyGILState_Release(before);
}

// callable(*arguments). The last ones go by the names in `names`, a tuple, if it is given. Throws what Python raises.
nb::object call_with(nb::handle callable, std::span<PyObject* const> arguments, nb::handle names = {});
nb::object get_attribute(nb::handle object, const char* name);

template <class... A>
nb::object call(nb::handle callable, const A&... arguments) {
  const std::array<PyObject*, sizeof...(A)> all = {arguments.ptr()...};
  return call_with(callable, all);
}
template <class... A>
nb::object call_method(nb::handle object, const char* name, const A&... arguments) {
  return call(get_attribute(object, name), arguments...);
}

// A function as it is given to nanobind. Python may run code in it that nobody asked for, such as a finalizer, and end the
// thread there.
template <class R, class... A>
auto guarded(R (*function)(A...)) {
  return [function](A... arguments) -> R {
    return in_python([&]() -> R { return function(std::forward<A>(arguments)...); });
  };
}

// nb::class_ of guarded functions.
template <class T>
class Class : public nb::class_<T> {
 public:
  using nb::class_<T>::class_;

  template <class F, class... Extra>
  Class& def(const char* name, F function, const Extra&... extra) {
    nb::class_<T>::def(name, guarded(+function), extra...);
    return *this;
  }
  template <class... A>
  Class& def(nb::init<A...>) {
    nb::class_<T>::def(nb::init<A...>());
    return *this;
  }
  template <class M>
  Class& def_rw(const char* name, M T::*member) {
    nb::class_<T>::def_rw(name, member);
    return *this;
  }
  // A field that is set and not asked for.
  template <class F>
  Class& set(const char* name, F function) {
    nb::class_<T>::def_prop_rw(name, nullptr, guarded(+function), nb::for_setter(nb::arg("value").none()));
    return *this;
  }
  template <class F>
  Class& def_prop_ro(const char* name, F function) {
    nb::class_<T>::def_prop_ro(name, guarded(+function));
    return *this;
  }
};

}  // namespace zt::python
