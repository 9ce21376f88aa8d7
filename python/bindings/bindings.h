#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gil.h"
#include "ztensor/ztensor.h"

// Declarations that the files of the module share. A function needs the GIL unless its comment says otherwise.
namespace zt::python {

namespace nb = nanobind;
class Turn;

void bind_errors(nb::module_& module);
void bind_buffer(nb::module_& module);
void bind_exports(nb::module_& module);
void bind_store(nb::module_& module);
void bind_options(nb::module_& module);
void bind_source(nb::module_& module);
void bind_writer(nb::module_& module);
void bind_tools(nb::module_& module);
void bind_grow(nb::module_& module);

// errors.cc
nb::object error_object(const Error& error);  // the Python exception for an Error
[[noreturn]] void throw_usage(const std::string& message);

// value.cc
nb::object to_python(const Value& value);
nb::dict to_dict(const Value& attributes);  // takes a map, or null: {}
// Throws TypeError for values that CBOR does not have, usage for integers over 64 bits.
Value to_value(nb::handle object);
std::string utf8(nb::handle text);  // throws TypeError unless it is a str, usage for lone surrogates
nb::str to_str(std::string_view text);

// store.cc: holds an object for threads without the GIL. Leaks the object if it is still held at the interpreter's end.
std::shared_ptr<void> hold(nb::object object);
// Python's buffers and file objects as stores. They may be used and destroyed without the GIL.
std::shared_ptr<const ByteStore> store_of_buffer(nb::handle buffer);
// Calls the Python file inside `turn`.
std::shared_ptr<const ByteStore> store_of_file(nb::object file, std::shared_ptr<Turn> turn);
std::unique_ptr<ByteSink> sink_of_file(nb::object file);

// arguments.cc
std::filesystem::path to_path(nb::handle path);  // bytes are decoded as by os.fsencode
nb::object from_path(const std::filesystem::path& path);
Limits to_limits(nb::handle limits);  // None, or an object with the members of Limits, each of which may be None
nb::list to_list(const std::vector<std::string>& lines);
std::optional<Verify> to_verify(std::optional<bool> verify);
// `level`: of zstd; 0: raw, -1: byte planes, -2: what is smallest by a sample.
std::optional<Encoding> to_encoding(std::optional<int> level);
std::optional<Checksum> to_checksum(nb::handle name);  // None, or a name
// Lets Ctrl-C through. `callback` is None, or is called with the bytes done and the total; it returns False to stop.
Progress to_progress(nb::object callback = nb::none());

// buffer.cc: memory, and its owner, as Python's buffer protocol shows it.
struct Buffer {
  std::shared_ptr<const void> owner;
  std::byte* data = nullptr;
  std::size_t size = 0;
  bool writable = false;

  std::span<std::byte> bytes() const { return {data, size}; }
};
// Memory of zt::allocate(). Throws no_memory. Needs no GIL.
Buffer allocate(std::uint64_t size);
[[noreturn]] void throw_no_memory();  // for more bytes than can be counted
// numpy.ndarray(shape, dtype, buffer, offset). Throws unsupported for a shape that NumPy cannot have.
nb::object make_array(std::span<const std::uint64_t> shape, DType dtype, nb::handle buffer, std::uint64_t offset);
nb::object make_array(std::span<const std::uint64_t> shape, DType dtype, Buffer buffer);
nb::object shape_tuple(std::span<const std::uint64_t> shape);
nb::object dtype_text(DType dtype);  // its name; always the same str

}  // namespace zt::python
