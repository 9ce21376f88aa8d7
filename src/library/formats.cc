#include "library/formats.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/utf8.h"
#include "container/zt01.h"
#include "container/zt10.h"
#include "container/zt12.h"
#include "container/zt2.h"
#include "foreign/safetensors.h"
#include "ztensor/error.h"

namespace zt::library {
namespace {

namespace zt01 = container::zt01;
namespace zt10 = container::zt10;
namespace zt12 = container::zt12;
namespace zt2 = container::zt2;
namespace safetensors = foreign::safetensors;

constexpr Format kFormats[] = {
    {"zt-1.2", zt12::sniff, zt12::decode, &zt12::kEncoder},
    {"zt-2", zt2::sniff, zt2::decode, &zt2::kEncoder},
    {"zt-1.0", zt10::sniff, zt10::decode, &zt10::kEncoder},
    {"zt-0.1", zt01::sniff, zt01::decode, nullptr},
    {"safetensors", safetensors::sniff, safetensors::decode, nullptr},
};

// Files that people have and this build does not read, by how they begin.
struct Known {
  std::string_view head;
  std::string_view name;
};
constexpr Known kKnown[] = {
    {"GGUF", "a GGUF file"},      {"PK\x03\x04", "a zip archive (PyTorch or npz)"},
    {"\x93NUMPY", "an npy file"}, {"\x89HDF\r\n\x1a\n", "an HDF5 file"},
    {"\x80\x02", "a pickle"},     {"\x80\x03", "a pickle"},
    {"\x80\x04", "a pickle"},     {"\x80\x05", "a pickle"},
};

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format& detect(const ByteStore& store, std::string_view file_name) {
  for (const Format& format : kFormats) {
    if (format.sniff(store, file_name)) return format;
  }
  std::array<std::byte, 8> buffer;
  const auto head = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(8, store.size())));
  store.read_at(0, head);
  for (const Known& known : kKnown) {
    if (as_text(head).starts_with(known.head)) {
      throw Error(Code::unsupported, "format.unread", "this is " + std::string(known.name) + ", which is not read");
    }
  }
  throw Error(Code::unsupported, "format.unknown",
              store.size() == 0 ? "the file is empty"
                                : "the content is of no format that is read: .zt of any generation, or safetensors");
}

const Format& find_writable(std::string_view name) {
  if (name.empty()) name = "1.2";
  for (const Format& format : kFormats) {
    if (format.encoder != nullptr && (format.name == name || format.name.substr(3) == name)) return format;
  }
  throw Error(Code::usage, "", "format " + in_quotes(name) + " cannot be written: expected 1.0, 1.2 or 2");
}

const model::Encoder* find_encoder(std::string_view format) {
  if (format == "zt-1.1") format = "zt-1.2";  // it grows as a 1.2 file does, and keeps its version
  for (const Format& known : kFormats) {
    if (known.name == format) return known.encoder;
  }
  return nullptr;
}

void check_format_name(std::string_view name) {
  constexpr std::string_view kNames[] = {"zt-0.1", "zt-1.0", "zt-1.1", "zt-1.2", "zt-2", "safetensors"};
  std::string expected = "auto";
  for (const std::string_view known : kNames) {
    if (name == known || (known.starts_with("zt-") && name == known.substr(3))) return;
    expected += ", " + std::string(known);
  }
  throw Error(Code::usage, "", "no format is named " + in_quotes(name) + ": expected " + expected);
}

void check_suffix(std::string_view path) {
  for (const std::string_view suffix :
       {".safetensors", ".npz", ".npy", ".gguf", ".pt", ".pth", ".onnx", ".h5", ".hdf5"}) {
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    const std::string_view end = path.substr(path.size() - std::min(path.size(), suffix.size()));
    if (std::equal(end.begin(), end.end(), suffix.begin(), suffix.end(), same)) {
      throw Error(Code::usage, "",
                  std::string(path) + ": files named *" + std::string(suffix) + " cannot be written: name it *.zt");
    }
  }
}

}  // namespace zt::library
