#include "bindings.h"

#include <cstring>

namespace zt::python {
namespace {

const char* class_name(Code code) {
  switch (code) {
    case Code::malformed: return "FormatError";
    case Code::mismatch: return "ChecksumError";
    case Code::unsupported: return "UnsupportedError";
    case Code::limit: return "LimitError";
    case Code::not_found: return "TensorNotFoundError";
    case Code::usage: return "UsageError";
    case Code::refused: return "RefusedError";
    case Code::internal: return "InternalError";
    case Code::io:
    case Code::cancelled:
    case Code::no_memory: break;
  }
  return "ZTensorError";
}

// OSError picks its subclass by the number: FileNotFoundError, FileExistsError, ...
nb::object os_error(const Error& error) {
  const nb::handle type(PyExc_OSError);
  if (error.os_error() == 0) return type(error.what());
  const char* text = std::strerror(error.os_error());
  if (error.path().empty()) return type(error.os_error(), text);
  return type(error.os_error(), text, from_path(error.path()));
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const nb::object object = error_object(error);
    PyErr_SetObject(object.type().ptr(), object.ptr());
  }
}

}  // namespace

nb::object error_object(const Error& error) {
  if (error.code() == Code::io) return os_error(error);
  if (error.code() == Code::no_memory) return nb::handle(PyExc_MemoryError)(error.what());
  const nb::object type = nb::module_::import_("ztensor._errors").attr(class_name(error.code()));
  return type(to_str(error.what()), nb::arg("code") = to_str(code_name(error.code())),
              nb::arg("rule") = to_str(error.rule()));
}

void throw_usage(const std::string& message) { throw Error(Code::usage, "", message); }

void bind_errors(nb::module_&) { nb::register_exception_translator(translate); }

}  // namespace zt::python
