#include "source/formats.h"

// A build without the formats of others still tells what a file is, where its first bytes say so.
namespace zt::source {
namespace {

constexpr std::string_view kHint = "use a build that was made with ZTENSOR_FOREIGN=ON";

constexpr Format kForeign[] = {
    {.name = "safetensors", .title = "a safetensors file", .suffixes = {".safetensors"}, .hint = kHint},
    {.name = "gguf", .title = "a GGUF file", .suffixes = {".gguf"}, .begins_with = {"GGUF"}, .hint = kHint},
    {.name = "npz",
     .title = "a ZIP archive, such as an npz or PyTorch file",
     .suffixes = {".npz"},
     .begins_with = {"PK\x03\x04", "PK\x05\x06"},
     .hint = kHint},
    {.name = "pt", .title = "a PyTorch file", .suffixes = {".pt", ".pth", ".ckpt", ".bin"}, .hint = kHint},
    {.name = "pickle", .title = "a pickle", .suffixes = {".pkl", ".pickle", ".joblib"}, .hint = kHint},
    {.name = "npy", .title = "an npy file", .suffixes = {".npy"}, .begins_with = {"\x93NUMPY"}, .hint = kHint},
    kHdf5,
    {.name = "onnx", .title = "an ONNX file", .suffixes = {".onnx"}, .hint = kHint},
};

}  // namespace

std::span<const Format> foreign_formats() { return kForeign; }

std::string_view expected_files() {
  return "a .zt file of any generation; other formats need a build of zTensor that was made with ZTENSOR_FOREIGN=ON";
}

}  // namespace zt::source
