#include "bindings.h"

#include <cerrno>
#include <string>
#include <string_view>

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

// The library knows causes; what a Python caller can do about some of them is said here.
struct Hint {
  std::string_view rule;
  std::string_view text;
};
constexpr Hint kHints[] = {
    {"convert.format", "`format` says what the inputs are, `to` what is written"},
    {"write.exists", "force=True replaces it"},
    {"write.inplace", "write in another folder and copy, or in place, through a file: Writer(open(path, 'wb'))"},
    {"write.loss", "lossy=True gives it up"},
    {"write.regular", "to write to what is no file, open it: Writer(open(path, 'wb'))"},
};

std::string with_hint(std::string_view message, const Error& error) {
  std::string text(message);
  for (const Hint& hint : kHints) {
    if (hint.rule == error.rule()) text.append("; ").append(hint.text);
  }
  return text;
}

// The message without the name of the file, which OSError has in a place of its own.
std::string_view without_path(const Error& error) {
  std::string_view text = error.what();
  const std::string& path = error.path();
  if (path.empty() || !text.starts_with(path)) return text;
  text.remove_prefix(path.size());
  if (text.starts_with(": ")) text.remove_prefix(2);
  return text;
}

// OSError picks its subclass by the number: FileNotFoundError, FileExistsError, ... The system has none for a file that
// ends too early.
nb::object os_error(const Error& error) {
  const nb::handle type(PyExc_OSError);
  const int number = error.os_error() != 0 ? error.os_error() : EIO;
  const nb::str text = to_str(with_hint(without_path(error), error));
  if (error.path().empty()) return type(number, text);
  return type(number, text, from_path(error.path()));
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
  if (error.code() == Code::no_memory) return nb::handle(PyExc_MemoryError)(to_str(error.what()));
  const nb::object type = nb::module_::import_("ztensor._errors").attr(class_name(error.code()));
  return type(to_str(with_hint(error.what(), error)), nb::arg("code") = to_str(code_name(error.code())),
              nb::arg("rule") = to_str(error.rule()));
}

void throw_usage(const std::string& message) { throw Error(Code::usage, "", message); }

void bind_errors(nb::module_&) { nb::register_exception_translator(translate); }

}  // namespace zt::python
