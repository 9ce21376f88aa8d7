#include "bindings.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <vector>

#include "turn.h"

namespace zt::python {
namespace {

// An array that Python hands over: (buffer, dtype name, shape, byte_swapped). The shape is None where the buffer has
// it; float4 comes packed, as bytes, with its own. Holds the buffer.
class Array {
 public:
  explicit Array(nb::handle spec) {
    const nb::tuple fields = nb::cast<nb::tuple>(spec);
    const auto dtype = find_dtype(utf8(fields[1]));
    if (!dtype) throw_usage("no such dtype: " + utf8(fields[1]));
    if (PyObject_GetBuffer(nb::object(fields[0]).ptr(), &buffer_, PyBUF_STRIDES) != 0) throw nb::python_error();
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

// One Writer, one call at a time: a second thread waits, without the GIL.
class OpenWriter {
 public:
  explicit OpenWriter(Writer writer) : writer_(std::move(writer)) { writer_.set_progress(to_progress()); }

  template <class F>
  void run(F&& work) {
    if (turn_.is_mine()) throw_usage("the writer was called from within one of its own calls");
    turn_.take([&] { work(writer_); });
  }

 private:
  Writer writer_;
  Turn turn_;
};

AddOptions to_options(std::optional<int> level, nb::handle checksum, nb::handle attributes) {
  return {.encoding = to_encoding(level), .checksum = to_checksum(checksum), .attributes = to_value(attributes)};
}

OpenWriter* create(nb::object target, bool is_path, bool create_new, const std::string& format, int level,
                   nb::handle checksum, std::uint64_t alignment, bool durable, unsigned threads, nb::handle limits) {
  WriterOptions options;
  options.mode = create_new ? WriteMode::create_new : WriteMode::replace;
  options.format = format;
  options.encoding = *to_encoding(level);
  options.checksum = to_checksum(checksum);
  options.alignment = alignment;
  options.durable = durable;
  options.threads = threads;
  options.limits = to_limits(limits);
  if (!is_path) return new OpenWriter(Writer::to(sink_of_file(std::move(target)), options));
  const std::filesystem::path path = to_path(target);
  return new OpenWriter(released([&] { return Writer::create(path, options); }));
}

void add(OpenWriter& self, const std::string& name, nb::handle spec, std::optional<int> level, nb::handle checksum,
         nb::handle attributes) {
  const Array array(spec);
  const AddOptions options = to_options(level, checksum, attributes);
  self.run([&](Writer& writer) { writer.add(name, array.view(), options); });
}

void add_csr(OpenWriter& self, const std::string& name, const Shape& shape, nb::handle values, nb::handle indices,
             nb::handle indptr, std::optional<int> level, nb::handle checksum, nb::handle attributes) {
  const Array cells(values);
  const Array columns(indices);
  const Array rows(indptr);
  const AddOptions options = to_options(level, checksum, attributes);
  self.run([&](Writer& writer) { writer.add_csr(name, shape, cells.view(), columns.view(), rows.view(), options); });
}

void add_coo(OpenWriter& self, const std::string& name, const Shape& shape, nb::handle values, nb::handle indices,
             std::optional<int> level, nb::handle checksum, nb::handle attributes) {
  const Array cells(values);
  const Array places(indices);
  const AddOptions options = to_options(level, checksum, attributes);
  self.run([&](Writer& writer) { writer.add_coo(name, shape, cells.view(), places.view(), options); });
}

void add_object(OpenWriter& self, const std::string& name, const Shape& shape, const std::string& layout,
                const nb::list& parts, std::optional<int> level, nb::handle checksum, nb::handle attributes) {
  std::vector<std::string> roles;
  std::vector<std::unique_ptr<Array>> arrays;
  for (const nb::handle part : parts) {
    const nb::tuple pair = nb::cast<nb::tuple>(part);
    roles.push_back(utf8(pair[0]));
    arrays.push_back(std::make_unique<Array>(pair[1]));
  }
  std::vector<PartView> views;
  for (std::size_t i = 0; i < roles.size(); ++i) views.push_back({roles[i], arrays[i]->view()});
  const AddOptions options = to_options(level, checksum, attributes);
  self.run([&](Writer& writer) { writer.add_object(name, shape, layout, views, options); });
}

void finalize(OpenWriter& self, nb::handle attributes) {
  const Value value = to_value(attributes);
  self.run([&](Writer& writer) {
    writer.set_attributes(value);
    writer.finalize();
  });
}

}  // namespace

void bind_writer(nb::module_& module) {
  module.def("create_writer", create, nb::arg("target"), nb::arg("is_path"), nb::arg("create_new"), nb::arg("format"),
             nb::arg("level"), nb::arg("checksum").none(), nb::arg("alignment"), nb::arg("durable"), nb::arg("threads"),
             nb::arg("limits").none(), nb::rv_policy::take_ownership);
  module.def(
      "check_attributes", [](nb::handle attributes) { to_value(attributes); }, nb::arg("attributes").none());
  nb::class_<OpenWriter>(module, "Writer", nb::is_final())
      .def("add", add, nb::arg("name"), nb::arg("array"), nb::arg("level").none(), nb::arg("checksum").none(),
           nb::arg("attributes").none())
      .def("add_csr", add_csr, nb::arg("name"), nb::arg("shape"), nb::arg("values"), nb::arg("indices"),
           nb::arg("indptr"), nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("attributes").none())
      .def("add_coo", add_coo, nb::arg("name"), nb::arg("shape"), nb::arg("values"), nb::arg("indices"),
           nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("attributes").none())
      .def("add_object", add_object, nb::arg("name"), nb::arg("shape"), nb::arg("layout"), nb::arg("parts"),
           nb::arg("level").none(), nb::arg("checksum").none(), nb::arg("attributes").none())
      .def(
          "add_alias",
          [](OpenWriter& self, const std::string& name, const std::string& existing) {
            self.run([&](Writer& writer) { writer.add_alias(name, existing); });
          },
          nb::arg("name"), nb::arg("existing"))
      .def("finalize", finalize, nb::arg("attributes").none())
      .def("abort", [](OpenWriter& self) { self.run([](Writer& writer) { writer.abort(); }); });
}

}  // namespace zt::python
