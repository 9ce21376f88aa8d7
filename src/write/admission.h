#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/encoder.h"
#include "ztensor/options.h"
#include "ztensor/tensor.h"

// What a new file may be given. All of these throw usage unless they say otherwise.
namespace zt::write {

// Of a tensor: 1 to 1024 bytes of UTF-8 without NUL.
void check_name(std::string_view name);
// The same of a name that another file has, which is not the caller's fault: throws unsupported.
void check_movable(std::string_view name, bool canonical = false);
// Of a part, or a layout. `strict`: as names are.
void check_role(std::string_view role, bool strict);
void check_level(Encoding encoding);
// Throws usage unless the name is in Unicode's NFC, which canonical files want.
void check_normal_form(std::string_view name);

// Attributes as a format stores them: a map with text keys; nothing for null. Throws usage for what it cannot hold.
std::vector<std::byte> encode_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file,
                                         std::uint32_t depth);

// Whether a new file is of the canonical form, by default or asked for. Throws usage where that is asked for beside
// what rules it out.
bool is_canonical(const WriterOptions& options, const model::Encoder& encoder);

// How deep attributes, their map counted, may be for strict readers: what lies around them takes the rest.
std::uint32_t strict_attribute_depth(bool of_file);

// One thing about a tensor, or a file, that a format cannot hold.
struct Loss {
  std::string what;
  bool fatal = false;  // there is nothing left to carry over
};

// What the attributes of a tensor, or of a file, lose, and what is left of them.
std::vector<Loss> losses_of_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file);
Value reduced_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file);

// What a tensor of another file loses by its kind. Reads no elements.
std::vector<Loss> losses_of(const Tensor& tensor, const model::Encoder& encoder);
// Throws unsupported "write.loss" for the first that cannot be carried over, or that may not be.
void check_losses(const std::vector<Loss>& losses, const model::Encoder& encoder, bool lossy);
// Whether a part of a layout is stored at all: strict formats have nothing beside the parts of their layouts.
bool is_kept(std::string_view layout, std::string_view role, const model::Encoder& encoder);
// What it loses by its contents: bool bytes, which it reads, and for a strict format the order of
// sparse entries.
std::vector<Loss> losses_of_content(const Tensor& tensor, const model::Encoder& encoder);

// The dtype that is stored: the storage type where the format has no such logical type. Empty when neither is there.
std::optional<DType> stored_dtype(DType dtype, const model::Encoder& encoder);

}  // namespace zt::write
