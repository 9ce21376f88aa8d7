#include "bindings.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "gil.h"
#include "turn.h"

namespace zt::python {
namespace {

constexpr std::size_t kPiece = std::size_t{4} << 20;  // the most bytes for one call of a Python file object
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

nb::handle raw_io_base;  // io.RawIOBase, looked up when the module is loaded; leaked

bool has(nb::handle file, const char* method) {
  return in_python([&] { return PyObject_HasAttrString(file.ptr(), method); }) != 0;
}

[[noreturn]] void throw_returned(const char* method, nb::handle value, const std::string& expected) {
  const std::string type = nb::type_name(value.type()).c_str();
  throw nb::type_error((std::string(method) + "() of the file object returned " + type + ", not " + expected).c_str());
}

// The result of a method of a file object, which may be anything, as a number from 0 to `most`.
std::uint64_t number_of(const char* method, nb::handle value, std::uint64_t most) {
  if (PyIndex_Check(value.ptr()) == 0) throw_returned(method, value, "an int");
  PyObject* const index = in_python([&] { return PyNumber_Index(value.ptr()); });
  if (index == nullptr) throw nb::python_error();
  const nb::object held = nb::steal(index);
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index, &overflow);
  if (overflow == 0 && number >= 0 && static_cast<std::uint64_t>(number) <= most) {
    return static_cast<std::uint64_t>(number);
  }
  const std::string text = overflow == 0 ? std::to_string(number) : overflow < 0 ? "less than -2**63" : "2**63 or more";
  throw nb::value_error((std::string(method) + "() of the file object returned " + text +
                         ": expected a number from 0 to " + std::to_string(most))
                            .c_str());
}

[[noreturn]] void throw_would_block(const char* method) {
  throw Error::system(
      EAGAIN, "",
      std::string(method) + "() of the file object returned None: the object does not block, and is not ready");
}

class FileStore final : public ByteStore {
 public:
  FileStore(nb::object file, std::shared_ptr<Turn> turn) : readinto_(has(file, "readinto")), turn_(std::move(turn)) {
    size_ = seek(file, 0, 2);
    file_ = hold(std::move(file));
  }
  std::uint64_t size() const override { return size_; }

  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    turn_->take([&] {
      const GilHeld locked;
      fill(offset, out);
    });
  }

 private:
  // Returns the new position of the file object. Some objects do not return it, so it may ask tell().
  static std::uint64_t seek(nb::handle file, std::uint64_t offset, int whence) {
    const nb::object position = call_method(file, "seek", nb::int_(offset), nb::int_(whence));
    if (!position.is_none()) return number_of("seek", position, kLargest);
    if (!has(file, "tell")) throw_returned("seek", position, "an int, and it has no tell()");
    return number_of("tell", call_method(file, "tell"), kLargest);
  }

  void fill(std::uint64_t offset, std::span<std::byte> out) const {
    const nb::handle file(static_cast<PyObject*>(file_.get()));
    const std::uint64_t position = seek(file, offset, 0);
    if (position != offset) {
      throw nb::value_error(
          ("the file object is at " + std::to_string(position) + " after seek(" + std::to_string(offset) + ")")
              .c_str());
    }
    while (!out.empty()) {
      const std::size_t got = read_some(file, out.first(std::min(out.size(), kPiece)));
      if (got == 0) throw Error::system(EIO, "", "the file object ends before its size");
      out = out.subspan(got);
    }
  }

  // Never gives our memory to Python, which might keep it.
  std::size_t read_some(nb::handle file, std::span<std::byte> out) const {
    const std::byte* first = nullptr;
    std::size_t got = 0;
    nb::object piece;
    if (readinto_) {
      piece = nb::steal(PyByteArray_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(out.size())));
      if (!piece.is_valid()) throw nb::python_error();
      const nb::object count = call_method(file, "readinto", piece);
      if (count.is_none()) throw_would_block("readinto");
      got = number_of("readinto", count, out.size());
      // The object may have shortened the array.
      if (static_cast<std::size_t>(PyByteArray_Size(piece.ptr())) < got) {
        throw nb::value_error("readinto() of the file object changed the size of the buffer that it was given");
      }
      first = reinterpret_cast<const std::byte*>(PyByteArray_AsString(piece.ptr()));
    } else {
      piece = call_method(file, "read", nb::int_(out.size()));
      if (piece.is_none()) throw_would_block("read");
      if (PyUnicode_Check(piece.ptr())) throw_returned("read", piece, "bytes: open it in binary mode, \"rb\"");
      if (!PyBytes_Check(piece.ptr())) throw_returned("read", piece, "bytes");
      got = static_cast<std::size_t>(PyBytes_Size(piece.ptr()));
      if (got > out.size()) {
        throw nb::value_error(("read() of the file object returned " + std::to_string(got) +
                               " bytes, but the call asked for " + std::to_string(out.size()))
                                  .c_str());
      }
      first = reinterpret_cast<const std::byte*>(PyBytes_AsString(piece.ptr()));
    }
    std::copy_n(first, got, out.begin());
    return got;
  }

  bool readinto_;
  std::uint64_t size_ = 0;
  std::shared_ptr<void> file_;
  std::shared_ptr<Turn> turn_;
};

class FileSink final : public ByteSink {
 public:
  explicit FileSink(nb::object file) : is_raw_(is_raw(file)), file_(hold(std::move(file))) {}

  void write(std::span<const std::byte> bytes) override {
    const GilHeld locked;
    while (!bytes.empty()) bytes = bytes.subspan(write_some(bytes.first(std::min(bytes.size(), kPiece))));
  }

 private:
  static bool is_raw(nb::handle file) {
    const int found = in_python([&] { return PyObject_IsInstance(file.ptr(), raw_io_base.ptr()); });
    if (found < 0) throw nb::python_error();
    return found != 0;
  }

  std::size_t write_some(std::span<const std::byte> piece) const {
    const nb::handle file(static_cast<PyObject*>(file_.get()));
    // Pass a copy: the object may keep it.
    const nb::object count = call_method(file, "write", nb::bytes(piece.data(), piece.size()));
    if (count.is_none() && is_raw_) throw_would_block("write");
    if (count.is_none()) return piece.size();
    const std::size_t done = number_of("write", count, piece.size());
    if (done == 0) throw Error::system(EIO, "", "write() of the file object took no bytes");
    return done;
  }

  bool is_raw_;  // None from write() means no bytes were taken; from other objects, that all were
  std::shared_ptr<void> file_;
};

// A Py_buffer. It is released when the last Bytes over it is gone.
struct View {
  Py_buffer view = {};
  ~View() {
    drop_with_gil([this] { PyBuffer_Release(&view); });
  }
};

}  // namespace

std::shared_ptr<void> hold(nb::object object) {
  return {object.release().ptr(), [](void* held) { drop_with_gil([&] { Py_DECREF(static_cast<PyObject*>(held)); }); }};
}

void bind_store(nb::module_&) { raw_io_base = nb::object(nb::module_::import_("io").attr("RawIOBase")).release(); }

std::shared_ptr<const ByteStore> store_of_buffer(nb::handle buffer) {
  auto held = std::make_shared<View>();
  const int failed = in_python([&] { return PyObject_GetBuffer(buffer.ptr(), &held->view, PyBUF_SIMPLE); });
  if (failed != 0) throw nb::python_error();
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(held->view.buf),
                                         static_cast<std::size_t>(held->view.len));
  return std::make_shared<MemoryStore>(Bytes(std::move(held), bytes));
}

std::shared_ptr<const ByteStore> store_of_file(nb::object file, std::shared_ptr<Turn> turn) {
  return std::make_shared<FileStore>(std::move(file), std::move(turn));
}

std::unique_ptr<ByteSink> sink_of_file(nb::object file) { return std::make_unique<FileSink>(std::move(file)); }

}  // namespace zt::python
