#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"

namespace zt::source {

// What a folder with a model holds: an index of shards, or files of tensors.
struct FolderContent {
  std::string index;               // ""; or the name of an index
  std::vector<std::string> files;  // sorted by name; of one kind
};

// Looks at names alone. Where there are files of several kinds, chooses the first of: .zt, safetensors, GGUF, PyTorch,
// the others. A ".bin" beside an ONNX model is none of these, except "pytorch_model*.bin". Throws io; usage if there is no tensor file, or more than one index.
FolderContent look_into(const std::filesystem::path& folder);

// Opens the file `name`, which is one component. A file that is a link must lead to a file in the folder, or in the
// cache of a model hub that the folder is part of. Throws io; refused "index.shard.link".
std::shared_ptr<const io::File> open_in_folder(const std::filesystem::path& folder, const std::string& name);

}  // namespace zt::source
