#pragma once

#include <cstdint>
#include <span>

#include "io/descriptor.h"
#include "io/writable.h"

namespace zt::io {

// An unnamed file in the system's folder for temporary files. It is gone with this object.
class Spool final : public WritableFile {
 public:
  Spool();  // throws io
  void write(std::span<const std::byte> bytes) override;
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound) override;
  void reserve(std::uint64_t position, std::uint64_t bytes) noexcept override;
  void read_back(std::uint64_t offset, std::span<std::byte> out) const override;
  void rewind(std::uint64_t position) override { position_ = position; }

 private:
  Descriptor file_;
  std::uint64_t position_ = 0;
};

}  // namespace zt::io
