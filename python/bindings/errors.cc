#include "bindings.h"

#include <array>
#include <cerrno>
#include <new>
#include <string>
#include <string_view>

namespace zt::python {
namespace {

// Looked up when the module is loaded: at the end of a program nothing can be imported. Leaked: errors may outlive the
// module.
struct Classes {
  nb::object module = nb::module_::import_("ztensor._errors");
  nb::object malformed = module.attr("FormatError");
  nb::object mismatch = module.attr("ChecksumError");
  nb::object unsupported = module.attr("UnsupportedError");
  nb::object limit = module.attr("LimitError");
  nb::object not_found = module.attr("TensorNotFoundError");
  nb::object usage = module.attr("UsageError");
  nb::object refused = module.attr("RefusedError");
  nb::object internal = module.attr("InternalError");
  nb::object other = module.attr("ZTensorError");
  nb::tuple names = nb::make_tuple("code", "rule");  // of the arguments of the classes
};
const Classes* classes = nullptr;

nb::handle class_of(Code code) {
  switch (code) {
    case Code::malformed: return classes->malformed;
    case Code::mismatch: return classes->mismatch;
    case Code::unsupported: return classes->unsupported;
    case Code::limit: return classes->limit;
    case Code::not_found: return classes->not_found;
    case Code::usage: return classes->usage;
    case Code::refused: return classes->refused;
    case Code::internal: return classes->internal;
    case Code::io:
    case Code::cancelled:
    case Code::no_memory: break;
  }
  return classes->other;
}

// The library knows only the cause of an error. These hints tell Python callers what to do.
struct Hint {
  std::string_view rule;
  std::string_view text;
};
constexpr Hint kHints[] = {
    {"convert.format", "`from_` is the format of the inputs, `to` the format of the output"},
    {"write.exists", "pass force=True to replace it"},
    {"write.inplace",
     "write to another folder and copy, or write in place through a file object: Writer(open(path, 'wb'))"},
    {"write.loss", "pass lossy=True to accept the loss"},
    {"write.regular", "to write to anything but a regular file, open it: Writer(open(path, 'wb'))"},
};

std::string with_hint(std::string_view message, const Error& error) {
  std::string text(message);
  for (const Hint& hint : kHints) {
    if (hint.rule == error.rule()) text.append("; ").append(hint.text);
  }
  return text;
}

// The message without the name of the file: OSError keeps the name in a member of its own.
std::string_view without_path(const Error& error) {
  std::string_view text = error.what();
  const std::string& path = error.path();
  if (path.empty() || !text.starts_with(path)) return text;
  text.remove_prefix(path.size());
  if (text.starts_with(": ")) text.remove_prefix(2);
  return text;
}

// OSError chooses its subclass by the number: FileNotFoundError, FileExistsError, ... No number means a file that ends
// too early.
nb::object os_error(const Error& error) {
  const nb::handle type(PyExc_OSError);
  const int number = error.os_error() != 0 ? error.os_error() : EIO;
  const nb::str text = to_str(with_hint(without_path(error), error));
  if (error.path().empty()) return call(type, nb::int_(number), text);
  return call(type, nb::int_(number), text, from_path(error.path()));
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const nb::object object = error_object(error);
    PyErr_SetObject(object.type().ptr(), object.ptr());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "no memory for the temporary data of this call");
  }
}

}  // namespace

nb::object error_object(const Error& error) {
  if (error.code() == Code::io) return os_error(error);
  if (error.code() == Code::no_memory) return call(nb::handle(PyExc_MemoryError), to_str(error.what()));
  const nb::str message = to_str(with_hint(error.what(), error));
  const nb::str code = to_str(code_name(error.code()));
  const nb::str rule = to_str(error.rule());
  const std::array<PyObject*, 3> arguments = {message.ptr(), code.ptr(), rule.ptr()};
  return call_with(class_of(error.code()), arguments, classes->names);
}

void throw_usage(const std::string& message) { throw Error(Code::usage, "", message); }

void bind_errors(nb::module_&) {
  classes = new Classes();
  nb::register_exception_translator(translate);
}

}  // namespace zt::python
