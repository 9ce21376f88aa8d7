#include "bindings.h"

#include <vector>

namespace zt::python {
namespace {

constexpr int kMaxDepth = 200;  // of values from a caller; also ends lists that contain themselves

[[noreturn]] void throw_type(const std::string& message) { throw nb::type_error(message.c_str()); }

Value from_object(nb::handle object, int depth);

Value from_integer(nb::handle object) {
  int overflow = 0;
  const long long small = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
  if (overflow == 0) return Value(static_cast<std::int64_t>(small));
  // -1 - n is ~n, in Python too.
  const nb::object number = overflow > 0 ? nb::borrow(object) : nb::steal(PyNumber_Invert(object.ptr()));
  const unsigned long long large = PyLong_AsUnsignedLongLong(number.ptr());
  if (PyErr_Occurred()) {
    PyErr_Clear();
    throw_usage("an attribute holds an integer of more than 64 bits: store it as text");
  }
  const auto magnitude = static_cast<std::uint64_t>(large);
  return overflow > 0 ? Value(magnitude) : Value(Value::Negative{magnitude});
}

std::vector<std::byte> from_buffer(nb::handle object) {
  const nb::bytes copy(nb::steal<nb::bytes>(PyBytes_FromObject(object.ptr())));
  if (!copy.is_valid()) throw nb::python_error();
  const auto* first = static_cast<const std::byte*>(copy.data());
  return {first, first + copy.size()};
}

Value from_sequence(nb::handle object, int depth) {
  Value::Array items;
  for (const nb::handle item : nb::borrow(object)) items.push_back(from_object(item, depth + 1));
  return Value(std::move(items));
}

Value from_mapping(nb::handle object, int depth) {
  Value::Map members;
  for (const auto [key, item] : nb::borrow<nb::dict>(object)) {
    Value name = from_object(key, depth + 1);
    members.emplace_back(std::move(name), from_object(item, depth + 1));
  }
  return Value(std::move(members));
}

// NumPy's scalars and 0-d arrays.
bool is_numpy_scalar(nb::handle object) {
  return nb::hasattr(object, "item") && nb::hasattr(object, "dtype") && nb::hasattr(object, "shape") &&
         nb::object(object.attr("shape")).equal(nb::tuple());
}

Value from_object(nb::handle object, int depth) {
  if (depth > kMaxDepth) throw_usage("the attributes are nested too deeply, or contain themselves");
  if (object.is_none()) return Value();
  if (PyBool_Check(object.ptr())) return Value(object.is(nb::handle(Py_True)));
  if (PyLong_Check(object.ptr())) return from_integer(object);
  if (PyFloat_Check(object.ptr())) return Value(PyFloat_AsDouble(object.ptr()));
  if (PyUnicode_Check(object.ptr())) return Value(utf8(object));
  if (PyBytes_Check(object.ptr()) || PyByteArray_Check(object.ptr()) || PyMemoryView_Check(object.ptr())) {
    return Value(from_buffer(object));
  }
  if (PyList_Check(object.ptr()) || PyTuple_Check(object.ptr())) return from_sequence(object, depth);
  if (PyDict_Check(object.ptr())) return from_mapping(object, depth);
  if (is_numpy_scalar(object)) {
    const nb::object item = object.attr("item")();
    if (!item.type().is(object.type())) return from_object(item, depth + 1);
  }
  throw_type("an attribute cannot be a " + std::string(nb::type_name(object.type()).c_str()) +
             ": use str, int, float, bool, None, bytes, lists or dicts");
}

nb::object from_bytes(const std::vector<std::byte>& bytes) { return nb::bytes(bytes.data(), bytes.size()); }

// A dict's key must be hashable, so arrays become tuples, and maps become tuples of pairs.
nb::object to_key(const Value& value) {
  nb::list items;
  if (const auto* array = value.array()) {
    for (const Value& item : *array) items.append(to_key(item));
  } else if (const auto* members = value.members()) {
    for (const auto& [key, item] : *members) items.append(nb::make_tuple(to_key(key), to_key(item)));
  } else if (const auto* tag = value.tag()) {
    return to_key(tag->content);
  } else {
    return to_python(value);
  }
  return nb::tuple(items);
}

}  // namespace

nb::str to_str(std::string_view text) {
  PyObject* decoded = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (decoded == nullptr) throw nb::python_error();
  return nb::steal<nb::str>(decoded);
}

std::string utf8(nb::handle text) {
  if (!PyUnicode_Check(text.ptr())) {
    throw_type("expected a str, not " + std::string(nb::type_name(text.type()).c_str()));
  }
  Py_ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (bytes == nullptr) {
    PyErr_Clear();
    throw_usage("a str holds a lone surrogate: UTF-8 cannot encode it");
  }
  return {bytes, static_cast<std::size_t>(size)};
}

nb::object to_python(const Value& value) {
  if (const bool* flag = value.boolean()) return nb::bool_(*flag);
  if (const auto number = value.integer()) return nb::int_(*number);
  if (const auto number = value.unsigned_integer()) return nb::int_(*number);
  if (const auto* negative = value.negative()) return ~nb::int_(negative->number);
  if (const double* number = value.floating()) return nb::float_(*number);
  if (const std::string* text = value.text()) return to_str(*text);
  if (const auto* bytes = value.bytes()) return from_bytes(*bytes);
  if (const auto* array = value.array()) {
    nb::list items;
    for (const Value& item : *array) items.append(to_python(item));
    return items;
  }
  if (value.is_map()) return to_dict(value);
  if (const auto* tag = value.tag()) return to_python(tag->content);
  if (const auto* simple = value.simple()) return nb::int_(simple->number);
  return nb::none();  // null and undefined
}

nb::dict to_dict(const Value& attributes) {
  nb::dict result;
  if (const auto* members = attributes.members()) {
    for (const auto& [key, item] : *members) result[to_key(key)] = to_python(item);
  }
  return result;
}

Value to_value(nb::handle object) { return from_object(object, 0); }

}  // namespace zt::python
