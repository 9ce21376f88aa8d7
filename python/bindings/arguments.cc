#include "bindings.h"

namespace zt::python {
namespace {

template <class T>
void take(T& field, nb::handle limits, const char* name) {
  const nb::object value = limits.attr(name);
  if (!value.is_none()) field = nb::cast<T>(value);
}

}  // namespace

std::filesystem::path to_path(nb::handle path) {
  const nb::bytes bytes = nb::cast<nb::bytes>(path);
  return std::string(bytes.c_str(), bytes.size());
}

nb::object from_path(const std::filesystem::path& path) {
  const std::string& bytes = path.native();
  PyObject* text = PyUnicode_DecodeFSDefaultAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
  if (text == nullptr) throw nb::python_error();
  return nb::steal(text);
}

Limits to_limits(nb::handle limits) {
  Limits result;
  if (limits.is_none()) return result;
  take(result.index_bytes, limits, "index_bytes");
  take(result.decoded_bytes, limits, "decoded_bytes");
  take(result.rank, limits, "rank");
  take(result.parts, limits, "parts");
  take(result.depth, limits, "depth");
  return result;
}

nb::list to_list(const std::vector<std::string>& lines) {
  nb::list list;
  for (const std::string& line : lines) list.append(to_str(line));
  return list;
}

std::optional<Verify> to_verify(std::optional<bool> verify) {
  if (!verify) return std::nullopt;
  return *verify ? Verify::always : Verify::never;
}

std::optional<Encoding> to_encoding(std::optional<int> level) {
  if (!level) return std::nullopt;
  if (*level < 0) return *level == -1 ? Encoding::planes() : Encoding::automatic();
  return *level == 0 ? Encoding::raw() : Encoding::zstd(*level);
}

std::optional<Checksum> to_checksum(nb::handle name) {
  if (name.is_none()) return std::nullopt;
  const std::string text = utf8(name);
  const std::optional<Checksum> checksum = find_checksum(text);
  if (!checksum) throw_usage("checksum is '" + text + "': expected 'crc32c', 'sha256', 'xxh3' or 'none'");
  return checksum;
}

Progress to_progress(nb::object callback) {
  // A shared pointer, so that copying the Progress needs no GIL. The last copy may be dropped without it.
  struct Held {
    nb::object callback;
    ~Held() {
      if (callback.is_valid()) drop_with_gil([this] { callback.reset(); });
      callback.release();
    }
  };
  auto held = std::make_shared<Held>();
  if (!callback.is_none()) held->callback = std::move(callback);
  return [held](std::uint64_t done, std::uint64_t total) {
    const GilHeld locked;
    if (in_python(PyErr_CheckSignals) != 0) throw nb::python_error();
    if (!held->callback.is_valid()) return true;
    return !call(held->callback, nb::int_(done), nb::int_(total)).is(nb::handle(Py_False));
  };
}

}  // namespace zt::python
