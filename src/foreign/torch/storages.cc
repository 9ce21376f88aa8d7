#include "foreign/torch/storages.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/zip/member.h"
#include "ztensor/error.h"

namespace zt::foreign::torch {
namespace {

constexpr std::size_t kMostKey = 20;

// The bytes of an element; empty for a type that we do not know.
std::optional<std::uint64_t> width_of(const pickle::StorageRecord& storage) {
  struct Quantized {
    std::string_view type;
    std::uint64_t width;
  };
  constexpr std::array<Quantized, 5> kQuantized = {{{"QInt8Storage", 1},
                                                    {"QUInt8Storage", 1},
                                                    {"QInt32Storage", 4},
                                                    {"QUInt4x2Storage", 1},
                                                    {"QUInt2x4Storage", 1}}};
  if (storage.is_untyped) return 1;
  if (storage.dtype) return dtype_bits(*storage.dtype) / 8;
  const auto found = std::ranges::find(kQuantized, storage.type, &Quantized::type);
  if (found == kQuantized.end()) return std::nullopt;
  return found->width;
}

void check_key(const std::string& key) {
  const bool plain = std::ranges::all_of(key, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
  if (key.empty() || key.size() > kMostKey || !plain) {
    throw Error(Code::malformed, "torch.storage.key",
                "the key " + in_quotes(key) + " of a storage is not 1 to 20 letters, digits or underscores");
  }
}

bool is_bytes(std::string_view type) { return type == "UntypedStorage" || type == "ByteStorage"; }

}  // namespace

std::uint64_t storage_bytes(const pickle::StorageRecord& storage) {
  const auto width = width_of(storage);
  if (!width) {
    throw Error(Code::unsupported, "torch.dtype.unknown", "the type " + in_quotes(storage.type) + " is not known");
  }
  const auto bytes = checked::multiply(storage.elements, *width);
  if (!bytes) {
    throw Error(Code::malformed, "torch.storage.length",
                "storage " + in_quotes(storage.key) + " claims " + count_text(storage.elements, "element"));
  }
  return *bytes;
}

void check_same_type(const pickle::StorageRecord& storage, std::string& known_type) {
  if (known_type.empty() || is_bytes(known_type)) {
    known_type = storage.type;
  } else if (known_type != storage.type && !is_bytes(storage.type)) {
    throw Error(Code::malformed, "torch.storage.type",
                "storage " + in_quotes(storage.key) + " is of two types, " + known_type + " and " + storage.type);
  }
}

StoragePlace ArchiveStorages::place(const pickle::StorageRecord& storage) {
  if (storage.is_embedded) {
    throw Error(Code::unsupported, "torch.storage.embedded",
                "the bytes of the storage lie in the pickle of the archive: save the tensor with torch.save alone");
  }
  check_key(storage.key);
  if (storage.view != pickle::kNoNode) {
    throw Error(Code::malformed, "torch.storage.id", "the id of a storage in an archive has a view");
  }
  const zip::Member* member = directory_.find(folder_ + storage.key);
  if (member == nullptr) {
    throw Error(Code::malformed, "torch.storage.missing",
                "the archive has no file " + in_quotes(folder_ + storage.key) + " for a storage");
  }
  if (member->obstacle != zip::Obstacle::none) {
    const model::Fault fault = zip::fault_of(*member);
    throw Error(fault.code, fault.rule, fault.message);
  }
  const std::uint64_t bytes = storage_bytes(storage);
  if (member->length != bytes) {
    throw Error(Code::malformed, "torch.storage.length",
                "the file " + in_quotes(member->name) + " has " + count_text(member->length, "byte") +
                    ", but its storage claims " + std::to_string(bytes));
  }
  check_same_type(storage, types_[static_cast<std::size_t>(member - directory_.members().data())]);
  return {.recipe = {.offset = member->offset,
                     .stored_length = member->stored_length,
                     .decoded_length = member->length,
                     .coding = member->method == zip::kDeflated ? model::Coding::deflate : model::Coding::raw},
          .is_big_endian = is_big_endian_,
          .digest = zip::digest_of(*member),
          .type = storage.type,
          .dtype = storage.dtype};
}

std::uint64_t ArchiveStorages::unused() const {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < types_.size(); ++i) {
    if (types_[i].empty() && directory_.members()[i].name.starts_with(folder_)) ++count;
  }
  return count;
}

}  // namespace zt::foreign::torch
