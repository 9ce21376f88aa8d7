#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "container/zt12/zt12.h"
#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/source.h"
#include "ztensor/writer.h"

namespace zt::test {

// Collects a file in memory.
class VectorSink final : public ByteSink {
 public:
  explicit VectorSink(std::vector<std::byte>& out) : out_(out) {}
  void write(std::span<const std::byte> bytes) override { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

 private:
  std::vector<std::byte>& out_;
};

// The bytes of a file with the tensors that `fill` adds.
template <class F>
std::vector<std::byte> written(const WriterOptions& options, F&& fill) {
  std::vector<std::byte> bytes;
  Writer writer = Writer::to(std::make_unique<VectorSink>(bytes), options);
  fill(writer);
  writer.finalize();
  return bytes;
}

inline Source open_bytes(std::vector<std::byte> bytes, const OpenOptions& options = {}) {
  return open(std::make_shared<MemoryStore>(std::move(bytes)), "memory.zt", options);
}

// A file of one dense tensor "w" under zstd, with stored bytes that our writer would not make.
inline std::vector<std::byte> zstd_file(DType dtype, std::span<const std::uint64_t> shape,
                                        std::span<const std::byte> stored, std::uint64_t decoded) {
  namespace zt12 = container::zt12;
  constexpr std::uint64_t kAt = 64;
  model::Catalog catalog;
  catalog.add_tensor("w", shape, "dense", {});
  model::PartRow& part = catalog.add_part(
      "data", dtype,
      {.offset = kAt, .stored_length = stored.size(), .decoded_length = decoded, .coding = model::Coding::zstd}, "");
  part.storage = catalog.intern(zt12::kEncoder.storage(dtype));
  part.logical = catalog.intern(zt12::kEncoder.logical(dtype));
  std::vector<std::byte> file = zt12::kEncoder.head();
  file.resize(kAt);
  file.insert(file.end(), stored.begin(), stored.end());
  const std::vector<std::byte> manifest = zt12::kEncoder.manifest(catalog);
  const std::vector<std::byte> footer = zt12::kEncoder.footer(file.size(), manifest);
  file.insert(file.end(), manifest.begin(), manifest.end());
  file.insert(file.end(), footer.begin(), footer.end());
  return file;
}

}  // namespace zt::test
