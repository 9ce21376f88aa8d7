#pragma once

#include <string>
#include <string_view>

#include "model/encoder.h"

// Rules for the names of tensors, parts, layouts and attributes.
namespace zt::write {

// What is wrong with a name, or "". Readers take 1 to 1024 bytes of UTF-8 without NUL.
std::string fault_of_name(std::string_view name);
// Checks the name of a new tensor. Throws usage; unsupported for a name that has another meaning in the format.
void check_name(std::string_view name, const model::Encoder& encoder);
// Checks the name that a tensor has in another file. It is not the caller's fault: throws unsupported.
void check_movable(std::string_view name, const model::Encoder& encoder, bool canonical);
// Checks the role of a part, or the name of a layout. Throws usage.
void check_role(std::string_view role, const model::Encoder& encoder);
// Throws usage unless the name is in Unicode's NFC, which canonical files need.
void check_normal_form(std::string_view name);

}  // namespace zt::write
