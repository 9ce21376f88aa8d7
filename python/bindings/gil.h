#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>

// Only this file gives up Python's GIL, takes it, and calls code in Python.
//
// While the interpreter ends, CPython up to 3.13 ends every other thread that asks for the GIL, by unwinding its stack.
// This unwinding must not pass through C++: nanobind's functions and most destructors are noexcept, so it would abort
// the process, and objects would drop references without the GIL. So such a thread sleeps where it is until the process
// is gone. From 3.14 on CPython itself lets it sleep.
namespace zt::python {

namespace nb = nanobind;

bool has_gil() noexcept;  // of the calling thread
// Whether another thread ends the interpreter, or has ended it: then the calling thread cannot get the GIL any more.
bool is_too_late() noexcept;
// Whether the calling thread ends the interpreter. Other threads may sleep for ever in the middle of their work.
bool ends_interpreter() noexcept;
[[noreturn]] void sleep_for_ever() noexcept;
PyGILState_STATE take_gil();  // sleeps if it is too late

// Gives up the GIL if the thread has it, and takes it back at the end.
class GilReleased {
 public:
  GilReleased() noexcept;
  ~GilReleased() noexcept(false);  // as for in_python()
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* state_;  // null: the thread did not have the GIL
};

// Takes the GIL unless the thread has it, and gives it back at the end.
class GilHeld {
 public:
  // If it is too late, throws io, so that the thread releases its locks before it sleeps in its GilReleased.
  GilHeld();
  ~GilHeld();
  GilHeld(const GilHeld&) = delete;
  GilHeld& operator=(const GilHeld&) = delete;

 private:
  PyGILState_STATE state_;
};

// Runs `work` without the GIL. Use it for anything that may block, reads a file, or touches many bytes.
template <class F>
decltype(auto) released(F&& work) {
  const GilReleased unlocked;
  return std::forward<F>(work)();
}

// Makes a thread sleep that is ended by unwinding: its destructor sleeps, since this unwinding is no exception. A
// handler would not do: while another exception is handled, as in the translation of errors, no handler is entered for
// it.
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

// Runs `work`: a call of Python's C interface that may run Python code, without C++ objects around it. Not inlined,
// because a noexcept frame need not run destructors.
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

// Runs `drop`, which gives references back, with the GIL. If it is too late, leaks these references.
template <class F>
void drop_with_gil(F&& drop) {
  if (is_too_late()) return;
  const PyGILState_STATE before = take_gil();
  in_python(std::forward<F>(drop));
  PyGILState_Release(before);
}

// callable(*arguments). If `names` is given, a tuple, the last arguments are passed by these names. Throws what Python
// raises.
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

// A function for nanobind, guarded: Python may run other code in it, such as a finalizer, and end the thread there.
template <class R, class... A>
auto guarded(R (*function)(A...)) {
  return [function](A... arguments) -> R {
    return in_python([&]() -> R { return function(std::forward<A>(arguments)...); });
  };
}

// nb::class_ with guarded functions.
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
  // A field that can be set, but not read.
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
