#include "source/formats.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/utf8.h"
#include "container/zt01/zt01.h"
#include "container/zt10/zt10.h"
#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "foreign/gguf/gguf.h"
#include "foreign/numpy/numpy.h"
#include "foreign/onnx/onnx.h"
#include "foreign/pickle/pickle.h"
#include "foreign/safetensors.h"
#include "foreign/torch/torch.h"
#include "source/lookalikes.h"
#include "ztensor/error.h"
#include "ztensor/source.h"

namespace zt::source {
namespace {

namespace zt01 = container::zt01;
namespace zt10 = container::zt10;
namespace zt12 = container::zt12;
namespace zt2 = container::zt2;
namespace gguf = foreign::gguf;
namespace onnx = foreign::onnx;
namespace numpy = foreign::numpy;
namespace pickle = foreign::pickle;
namespace safetensors = foreign::safetensors;
namespace torch = foreign::torch;

// In the order of detection: the first row that accepts the content wins.
constexpr Format kFormats[] = {
    {.name = "zt-1.2",
     .title = "a .zt file of generation 1.2",
     .sniff = zt12::sniff,
     .decode = zt12::decode,
     .encoder = &zt12::kEncoder,
     .is_written = true},
    // The decoder of 1.2 tells both versions apart. A file of 1.1 grows as one of 1.2, and keeps its version.
    {.name = "zt-1.1", .title = "a .zt file of generation 1.1", .decode = zt12::decode, .encoder = &zt12::kEncoder},
    {.name = "zt-2",
     .title = "a .zt file of generation 2",
     .sniff = zt2::sniff,
     .decode = zt2::decode,
     .encoder = &zt2::kEncoder,
     .is_written = true},
    {.name = "zt-1.0",
     .title = "a .zt file of generation 1.0",
     .sniff = zt10::sniff,
     .decode = zt10::decode,
     .encoder = &zt10::kEncoder,
     .is_written = true},
    {.name = "zt-0.1", .title = "a .zt file of generation 0.1", .sniff = zt01::sniff, .decode = zt01::decode},
    {.name = "safetensors",
     .title = "a safetensors file",
     .suffixes = {".safetensors"},
     .sniff = safetensors::sniff,
     .decode = safetensors::decode,
     .encoder = &safetensors::kEncoder,
     .is_written = true},
    {.name = "gguf",
     .title = "a GGUF file",
     .suffixes = {".gguf"},
     .sniff = gguf::sniff,
     .decode = gguf::decode,
     .encoder = &gguf::kEncoder,
     .is_written = true},
    {.name = "pt",
     .title = "a PyTorch file",
     .suffixes = {".pt", ".pth", ".ckpt", ".bin"},
     .sniff = torch::sniff,
     .decode = torch::decode,
     .holds_more = true},
    {.name = "npz",
     .title = "an npz file",
     .suffixes = {".npz"},
     .sniff = numpy::sniff_npz,
     .decode = numpy::decode_npz,
     .encoder = &numpy::kNpzEncoder,
     .is_written = true},
    {.name = "pickle",
     .title = "a pickle",
     .suffixes = {".pkl", ".pickle", ".joblib"},
     .sniff = pickle::sniff,
     .decode = pickle::decode,
     .holds_more = true,
     .may_be_text = true},
    {.name = "npy",
     .title = "an npy file",
     .suffixes = {".npy"},
     .sniff = numpy::sniff_npy,
     .decode = numpy::decode_npy},
    {.name = "hdf5",
     .title = "an HDF5 file",
     .suffixes = {".h5", ".hdf5"},
     .begins_with = {"\x89HDF\r\n\x1a\n"},
     .hint = "only the Python package reads it, by ztensor.open() and ztensor.convert(): pip install 'ztensor[hdf5]'"},
    {.name = "onnx",
     .title = "an ONNX file",
     .suffixes = {".onnx"},
     .sniff = onnx::sniff,
     .decode = onnx::decode,
     .holds_more = true},
};

constexpr std::string_view kOurs = "zt-";
constexpr std::size_t kHead = 512;  // bytes that are enough to recognize other formats

bool is_named(const Format& format, std::string_view name) {
  return format.name == name || (format.name.starts_with(kOurs) && format.name.substr(kOurs.size()) == name);
}

bool ends_in(std::string_view path, std::string_view suffix) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  const std::string_view end = path.substr(path.size() - std::min(path.size(), suffix.size()));
  return !suffix.empty() && std::equal(end.begin(), end.end(), suffix.begin(), suffix.end(), same);
}

bool begins(const Format& format, std::string_view head) {
  return std::ranges::any_of(format.begins_with,
                             [&](std::string_view magic) { return !magic.empty() && head.starts_with(magic); });
}

}  // namespace

const Format& detect(const ByteStore& store, std::string_view file_name) {
  for (const Format& format : kFormats) {
    if (format.sniff != nullptr && format.sniff(store, "")) return format;
  }
  // The content comes before the name: what a file really is tells more than how it breaks the format that its name
  // claims.
  std::array<std::byte, kHead> buffer;
  const auto head = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(kHead, store.size())));
  store.read_at(0, head);
  for (const Format& format : kFormats) {
    if (begins(format, as_text(head))) {
      throw Error(Code::unsupported, "format.unread",
                  "this is " + std::string(format.title) + ": this library does not read it" +
                      (format.hint.empty() ? "" : "; " + std::string(format.hint)));
    }
  }
  for (const Format& format : kFormats) {
    if (format.may_be_text && format.sniff(store, file_name)) return format;
  }
  refuse_lookalike(as_text(head));
  for (const Format& format : kFormats) {
    if (format.sniff != nullptr && format.sniff(store, file_name)) return format;
  }
  throw Error(Code::unsupported, "format.unknown",
              store.size() == 0 ? "the file is empty"
                                : "unknown format: expected a .zt file of any generation, or a safetensors, GGUF, "
                                  "PyTorch, pickle, NumPy or ONNX file");
}

const Format& find_writable(std::string_view name) {
  if (name.empty()) name = "1.2";
  std::string expected;
  for (const Format& format : kFormats) {
    if (!format.is_written) continue;
    if (is_named(format, name)) return format;
    expected += (expected.empty() ? "" : ", ") + std::string(format.encoder->title);
  }
  throw Error(Code::usage, "", "format " + in_quotes(name) + " cannot be written: expected one of " + expected);
}

const model::Encoder* find_encoder(std::string_view format) {
  const auto found = std::ranges::find(kFormats, format, &Format::name);
  return found == std::end(kFormats) ? nullptr : found->encoder;
}

bool holds_more(std::string_view format) {
  const auto found = std::ranges::find(kFormats, format, &Format::name);
  return found != std::end(kFormats) && found->holds_more;
}

bool is_foreign(std::string_view format) { return !format.starts_with(kOurs); }

void check_format_name(std::string_view name) {
  std::string expected = "auto";
  for (const Format& format : kFormats) {
    if (format.decode == nullptr) continue;
    if (is_named(format, name)) return;
    expected += ", " + std::string(format.name);
  }
  throw Error(Code::usage, "", "no format is named " + in_quotes(name) + ": expected " + expected);
}

const Format& find_target(std::string_view name, std::string_view path) {
  const Format* by_name = name.empty() ? nullptr : &find_writable(name);
  for (const Format& format : kFormats) {
    for (const std::string_view suffix : format.suffixes) {
      if (!ends_in(path, suffix)) continue;
      const std::string files = std::string(path) + ": files named *" + std::string(suffix);
      if (!format.is_written) throw Error(Code::usage, "", files + " cannot be written: name the file *.zt");
      if (by_name == nullptr || by_name == &format) return format;
      throw Error(Code::usage, "",
                  files + " are of format " + std::string(format.name) + ", not " + std::string(by_name->name) +
                      ": name the file *.zt");
    }
  }
  return by_name != nullptr ? *by_name : find_writable("");
}

}  // namespace zt::source

namespace zt {

std::vector<std::string_view> readable_formats() {
  std::vector<std::string_view> names;
  for (const source::Format& format : source::kFormats) {
    if (format.decode != nullptr) names.push_back(format.name);
  }
  return names;
}

}  // namespace zt
