#include "source/formats.h"

#include "foreign/gguf/gguf.h"
#include "foreign/numpy/numpy.h"
#include "foreign/onnx/onnx.h"
#include "foreign/pickle/pickle.h"
#include "foreign/safetensors.h"
#include "foreign/torch/torch.h"

namespace zt::source {
namespace {

namespace gguf = foreign::gguf;
namespace onnx = foreign::onnx;
namespace numpy = foreign::numpy;
namespace pickle = foreign::pickle;
namespace safetensors = foreign::safetensors;
namespace torch = foreign::torch;

constexpr Format kForeign[] = {
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
    kHdf5,
    {.name = "onnx",
     .title = "an ONNX file",
     .suffixes = {".onnx"},
     .sniff = onnx::sniff,
     .decode = onnx::decode,
     .holds_more = true},
};

}  // namespace

std::span<const Format> foreign_formats() { return kForeign; }

std::string_view expected_files() {
  return "a .zt file of any generation, or a safetensors, GGUF, PyTorch, pickle, NumPy or ONNX file";
}

}  // namespace zt::source
