#include "bindings.h"

#include <algorithm>
#include <cerrno>

#include "turn.h"

namespace zt::python {
namespace {

constexpr std::size_t kPiece = std::size_t{4} << 20;  // what one call of a Python file object is given

// Holds an object from threads that do not have the GIL. Objects left at the interpreter's end are leaked.
std::shared_ptr<void> hold(nb::object object) {
  return {object.release().ptr(), [](void* held) {
            if (!Py_IsInitialized()) return;
            const nb::gil_scoped_acquire locked;
            Py_DECREF(static_cast<PyObject*>(held));
          }};
}

class FileStore final : public ByteStore {
 public:
  FileStore(nb::object file, std::shared_ptr<Turn> turn)
      : readinto_(nb::hasattr(file, "readinto")), turn_(std::move(turn)) {
    size_ = nb::cast<std::uint64_t>(file.attr("seek")(0, 2));
    file_ = hold(std::move(file));
  }
  std::uint64_t size() const override { return size_; }

  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    turn_->take([&] {
      const nb::gil_scoped_acquire locked;
      fill(offset, out);
    });
  }

 private:
  void fill(std::uint64_t offset, std::span<std::byte> out) const {
    const nb::handle file(static_cast<PyObject*>(file_.get()));
    file.attr("seek")(offset);
    while (!out.empty()) {
      const std::size_t got = read_some(file, out.first(std::min(out.size(), kPiece)));
      if (got == 0) throw Error::system(EIO, "", "the file object ends before its size");
      out = out.subspan(got);
    }
  }

  // Never shows our memory to Python, which might keep it.
  std::size_t read_some(nb::handle file, std::span<std::byte> out) const {
    nb::object piece;
    if (readinto_) {
      piece = nb::steal(PyByteArray_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(out.size())));
      if (!piece.is_valid()) throw nb::python_error();
      const nb::object count = file.attr("readinto")(piece);
      const std::size_t got = count.is_none() ? 0 : nb::cast<std::size_t>(count);
      if (got > out.size()) throw nb::value_error("readinto() says that it read more than it was asked for");
      std::copy_n(reinterpret_cast<const std::byte*>(PyByteArray_AsString(piece.ptr())), got, out.begin());
      return got;
    }
    piece = file.attr("read")(out.size());
    if (!PyBytes_Check(piece.ptr())) throw nb::type_error("read() of the file object does not return bytes");
    const nb::bytes bytes = nb::borrow<nb::bytes>(piece);
    if (bytes.size() > out.size()) throw nb::value_error("read() returned more than it was asked for");
    std::copy_n(static_cast<const std::byte*>(bytes.data()), bytes.size(), out.begin());
    return bytes.size();
  }

  bool readinto_;
  std::uint64_t size_ = 0;
  std::shared_ptr<void> file_;
  std::shared_ptr<Turn> turn_;
};

class FileSink final : public ByteSink {
 public:
  explicit FileSink(nb::object file) : file_(hold(std::move(file))) {}

  void write(std::span<const std::byte> bytes) override {
    const nb::gil_scoped_acquire locked;
    const nb::handle file(static_cast<PyObject*>(file_.get()));
    while (!bytes.empty()) {
      const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), kPiece));
      // A copy, since the object may keep what it is given.
      const nb::object count = file.attr("write")(nb::bytes(piece.data(), piece.size()));
      const std::size_t done = count.is_none() ? piece.size() : nb::cast<std::size_t>(count);
      if (done == 0 || done > piece.size()) throw Error::system(EIO, "", "write() of the file object took no bytes");
      bytes = bytes.subspan(done);
    }
  }

 private:
  std::shared_ptr<void> file_;
};

// A Py_buffer, given back when the last Bytes over it is gone.
struct View {
  Py_buffer view = {};
  ~View() {
    if (!Py_IsInitialized()) return;
    const nb::gil_scoped_acquire locked;
    PyBuffer_Release(&view);
  }
};

}  // namespace

std::shared_ptr<const ByteStore> store_of_buffer(nb::handle buffer) {
  auto held = std::make_shared<View>();
  if (PyObject_GetBuffer(buffer.ptr(), &held->view, PyBUF_SIMPLE) != 0) throw nb::python_error();
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(held->view.buf),
                                         static_cast<std::size_t>(held->view.len));
  return std::make_shared<MemoryStore>(Bytes(std::move(held), bytes));
}

std::shared_ptr<const ByteStore> store_of_file(nb::object file, std::shared_ptr<Turn> turn) {
  return std::make_shared<FileStore>(std::move(file), std::move(turn));
}

std::unique_ptr<ByteSink> sink_of_file(nb::object file) { return std::make_unique<FileSink>(std::move(file)); }

}  // namespace zt::python
