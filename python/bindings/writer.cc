#include "bindings.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <vector>

#include "source.h"
#include "turn.h"

namespace zt::python {
namespace {

// An array from Python: (buffer, dtype name, shape, byte_swapped). The shape is None if the buffer has it. float4 comes
// packed, as bytes, with its own shape. Holds the buffer.
class Array {
 public:
  explicit Array(nb::handle spec) {
    const nb::tuple fields = nb::cast<nb::tuple>(spec);
    const auto dtype = find_dtype(utf8(fields[1]));
    if (!dtype) throw_usage("unknown dtype: " + utf8(fields[1]));
    const nb::object array = fields[0];
    const int failed = in_python([&] { return PyObject_GetBuffer(array.ptr(), &buffer_, PyBUF_STRIDES); });
    if (failed != 0) throw nb::python_error();
    view_ = {.dtype = *dtype,
             .shape = {},
             .data = static_cast<const std::byte*>(buffer_.buf),
             .strides = {},
             .byte_swapped = nb::cast<bool>(fields[3])};
    if (!nb::object(fields[2]).is_none()) {
      view_.shape = nb::cast<Shape>(fields[2]);
      return;
    }
    for (int axis = 0; axis < buffer_.ndim; ++axis) {
      view_.shape.push_back(static_cast<std::uint64_t>(buffer_.shape[axis]));
      view_.strides.push_back(buffer_.strides[axis]);
    }
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { PyBuffer_Release(&buffer_); }
  const ArrayView& view() const { return view_; }

 private:
  Py_buffer buffer_ = {};
  ArrayView view_;
};

// A Writer for one call at a time: a second thread waits, without the GIL.
class OpenWriter {
 public:
  explicit OpenWriter(Writer writer) : writer_(std::make_unique<Writer>(std::move(writer))) {
    writer_->set_progress(to_progress());
  }
  OpenWriter(const OpenWriter&) = delete;
  OpenWriter& operator=(const OpenWriter&) = delete;
  ~OpenWriter() {
    // A thread that does not exist in the child may have been in the middle of a call, so the child touches nothing of
    // its copy.
    if (!turn_.is_here()) static_cast<void>(writer_.release());
  }

  template <class F>
  void run(F&& work) {
    turn_.take([&] { work(*writer_); });
  }
  // The same for the tensor that is being streamed.
  // `number`: of the stream, as begin_stream() gave it. A stream that has ended must not touch the next one.
  template <class F>
  void run_stream(std::uint64_t number, F&& work) {
    run([&](Writer&) {
      if (!stream_ || number != number_) throw Error(Code::usage, "", "the stream is finished or cancelled");
      work(*stream_);
    });
  }
  std::uint64_t begin_stream(const std::string& name, const Shape& shape, DType dtype, const AddOptions& options) {
    run([&](Writer& writer) {
      stream_.emplace(writer.stream(name, shape, dtype, options));
      ++number_;
    });
    return number_;
  }
  void finish_stream(std::uint64_t number) {
    run_stream(number, [&](TensorStream& stream) {
      stream.finish();
      stream_.reset();
    });
  }
  void cancel_stream(std::uint64_t number) {
    if (!turn_.is_here()) return;
    run([&](Writer&) {
      if (number == number_) stream_.reset();
    });
  }
  // In a child of the writer's process there is nothing to abort.
  void abort() {
    if (turn_.is_here()) run([](Writer& writer) { writer.abort(); });
  }

 private:
  std::unique_ptr<Writer> writer_;
  std::optional<TensorStream> stream_;
  std::uint64_t number_ = 0;  // of the last stream
  Turn turn_{"the writer"};
};

AddOptions to_options(std::optional<int> level, nb::handle checksum, nb::handle attributes, bool replace) {
  return {.encoding = to_encoding(level),
          .checksum = to_checksum(checksum),
          .attributes = to_value(attributes),
          .replace = replace};
}

WriteMode to_mode(const std::string& mode) {
  if (mode == "w") return WriteMode::replace;
  if (mode == "x") return WriteMode::create_new;
  if (mode == "a") return WriteMode::append;
  throw_usage("mode is '" + mode + "': expected 'w', 'x' or 'a'");
}

OpenWriter* create(nb::object target, bool is_path, const std::string& mode, const WriterOptions& options) {
  const WriteMode wanted = to_mode(mode);
  if (!is_path) {
    if (wanted == WriteMode::append) throw_usage("a file object cannot grow: give the path of a file on disk");
    return new OpenWriter(Writer::to(sink_of_file(std::move(target)), options));
  }
  const std::filesystem::path path = to_path(target);
  return new OpenWriter(released([&] { return Writer::create(path, wanted, options); }));
}

void add(OpenWriter& self, const std::string& name, nb::handle spec, std::optional<int> level, nb::handle checksum,
         nb::handle attributes, bool replace, bool delta) {
  const Array array(spec);
  AddOptions options = to_options(level, checksum, attributes, replace);
  options.delta = delta;
  self.run([&](Writer& writer) { writer.add(name, array.view(), options); });
}

void add_csr(OpenWriter& self, const std::string& name, const Shape& shape, nb::handle values, nb::handle indices,
             nb::handle indptr, std::optional<int> level, nb::handle checksum, nb::handle attributes, bool replace) {
  const Array cells(values);
  const Array columns(indices);
  const Array rows(indptr);
  const AddOptions options = to_options(level, checksum, attributes, replace);
  self.run([&](Writer& writer) { writer.add_csr(name, shape, cells.view(), columns.view(), rows.view(), options); });
}

void add_coo(OpenWriter& self, const std::string& name, const Shape& shape, nb::handle values, nb::handle indices,
             std::optional<int> level, nb::handle checksum, nb::handle attributes, bool replace) {
  const Array cells(values);
  const Array places(indices);
  const AddOptions options = to_options(level, checksum, attributes, replace);
  self.run([&](Writer& writer) { writer.add_coo(name, shape, cells.view(), places.view(), options); });
}

void add_object(OpenWriter& self, const std::string& name, const Shape& shape, const std::string& layout,
                const nb::list& parts, std::optional<int> level, nb::handle checksum, nb::handle attributes,
                bool replace) {
  std::vector<std::string> roles;
  std::vector<std::unique_ptr<Array>> arrays;
  for (const nb::handle part : parts) {
    const nb::tuple pair = nb::cast<nb::tuple>(part);
    roles.push_back(utf8(pair[0]));
    arrays.push_back(std::make_unique<Array>(pair[1]));
  }
  std::vector<PartView> views;
  for (std::size_t i = 0; i < roles.size(); ++i) views.push_back({roles[i], arrays[i]->view()});
  const AddOptions options = to_options(level, checksum, attributes, replace);
  self.run([&](Writer& writer) { writer.add_object(name, shape, layout, views, options); });
}

// `rows`: None if it is known only at the end.
std::uint64_t begin_stream(OpenWriter& self, const std::string& name, std::optional<std::uint64_t> rows,
                           const Shape& row, const std::string& dtype, std::optional<int> level, nb::handle checksum,
                           nb::handle attributes, bool replace) {
  const auto known = find_dtype(dtype);
  if (!known) throw_usage("unknown dtype: " + dtype);
  Shape shape = row;
  shape.insert(shape.begin(), rows.value_or(kUnknownRows));
  const AddOptions options = to_options(level, checksum, attributes, replace);
  return self.begin_stream(name, shape, *known, options);
}

void write_rows(OpenWriter& self, std::uint64_t number, nb::handle spec) {
  const Array array(spec);
  self.run_stream(number, [&](TensorStream& stream) { stream.write(array.view()); });
}

std::uint64_t streamed_rows(OpenWriter& self, std::uint64_t number) {
  std::uint64_t rows = 0;
  self.run_stream(number, [&](TensorStream& stream) { rows = stream.rows(); });
  return rows;
}

void add_stored(OpenWriter& self, const std::string& name, const Handle& tensor, std::optional<int> level,
                bool replace) {
  const Tensor stored = tensor.tensor();
  self.run([&](Writer& writer) { writer.add_stored(name, stored, to_encoding(level), replace); });
}

void add_reference(OpenWriter& self, const std::string& name, const Handle& tensor) {
  const Tensor stored = tensor.tensor();
  self.run([&](Writer& writer) { writer.add_reference(name, stored); });
}

nb::dict attributes(OpenWriter& self) {
  Value value;
  self.run([&](Writer& writer) { value = writer.attributes(); });
  return to_dict(value);
}

nb::str format(OpenWriter& self) {
  std::string_view name;
  self.run([&](Writer& writer) { name = writer.format(); });
  return to_str(name);
}

nb::list losses(OpenWriter& self) {
  std::vector<std::string> lines;
  self.run([&](Writer& writer) { lines = writer.losses(); });
  return to_list(lines);
}

nb::list notes(OpenWriter& self) {
  std::vector<std::string> lines;
  self.run([&](Writer& writer) { lines = writer.notes(); });
  return to_list(lines);
}

std::uint64_t reclaimable(OpenWriter& self) {
  std::uint64_t bytes = 0;
  self.run([&](Writer& writer) { bytes = writer.reclaimable(); });
  return bytes;
}

// `former`: the unchanged result of attributes(). Attributes that are equal in both stay in the file as they are, with
// values that Python does not have.
void finalize(OpenWriter& self, nb::handle attributes, nb::handle former) {
  const Value value = to_value(attributes);
  const bool same = value == to_value(former);
  self.run([&](Writer& writer) {
    if (!same) writer.set_attributes(value);
    writer.finalize();
  });
}

}  // namespace

void bind_writer(nb::module_& module) {
  module.def("create_writer", guarded(create), nb::arg("target"), nb::arg("is_path"), nb::arg("mode"),
             nb::arg("options"), nb::rv_policy::take_ownership);
  module.def("check_attributes", guarded(+[](nb::handle attributes) { to_value(attributes); }),
             nb::arg("attributes").none());
  Class<OpenWriter>(module, "Writer", nb::is_final())
      .def("add", add, nb::arg("name"), nb::arg("array"), nb::arg("level").none(), nb::arg("checksum").none(),
           nb::arg("attributes").none(), nb::arg("replace"), nb::arg("delta"))
      .def("add_csr", add_csr, nb::arg("name"), nb::arg("shape"), nb::arg("values"), nb::arg("indices"),
           nb::arg("indptr"), nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("attributes").none(),
           nb::arg("replace"))
      .def("add_coo", add_coo, nb::arg("name"), nb::arg("shape"), nb::arg("values"), nb::arg("indices"),
           nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("attributes").none(), nb::arg("replace"))
      .def("add_object", add_object, nb::arg("name"), nb::arg("shape"), nb::arg("layout"), nb::arg("parts"),
           nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("attributes").none(), nb::arg("replace"))
      .def(
          "add_alias",
          [](OpenWriter& self, const std::string& name, const std::string& existing) {
            self.run([&](Writer& writer) { writer.add_alias(name, existing); });
          },
          nb::arg("name"), nb::arg("existing"))
      .def("begin_stream", begin_stream, nb::arg("name"), nb::arg("rows").none(), nb::arg("row"), nb::arg("dtype"),
           nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("attributes").none(), nb::arg("replace"))
      .def("write_rows", write_rows, nb::arg("number"), nb::arg("array"))
      .def("streamed_rows", streamed_rows, nb::arg("number"))
      .def(
          "finish_stream", [](OpenWriter& self, std::uint64_t number) { self.finish_stream(number); },
          nb::arg("number"))
      .def(
          "cancel_stream", [](OpenWriter& self, std::uint64_t number) { self.cancel_stream(number); },
          nb::arg("number"))
      .def("add_stored", add_stored, nb::arg("name"), nb::arg("tensor"), nb::arg("level").none(), nb::arg("replace"))
      .def("add_reference", add_reference, nb::arg("name"), nb::arg("tensor"))
      .def(
          "remove",
          [](OpenWriter& self, const std::string& name) { self.run([&](Writer& writer) { writer.remove(name); }); },
          nb::arg("name"))
      .def(
          "set_tensor_attributes",
          [](OpenWriter& self, const std::string& name, nb::handle attributes) {
            const Value value = to_value(attributes);
            self.run([&](Writer& writer) { writer.set_tensor_attributes(name, value); });
          },
          nb::arg("name"), nb::arg("attributes").none())
      .def("attributes", attributes)
      .def("format", format)
      .def("losses", losses)
      .def("notes", notes)
      .def("reclaimable", reclaimable)
      .def("finalize", finalize, nb::arg("attributes").none(), nb::arg("former").none())
      .def("abort", [](OpenWriter& self) { self.abort(); });
}

}  // namespace zt::python
