#pragma once

#include <string>
#include <string_view>

#include "model/encoder.h"

// What tensors, parts, layouts and attributes may be named.
namespace zt::write {

// What is wrong with a name that readers are to take, or "": it is 1 to 1024 bytes of UTF-8 without NUL.
std::string fault_of_name(std::string_view name);
// Of a new tensor. Throws usage, and unsupported for a name that the format has for something else.
void check_name(std::string_view name, const model::Encoder& encoder);
// The same of a name that another file has, which is not the caller's fault: throws unsupported.
void check_movable(std::string_view name, const model::Encoder& encoder, bool canonical);
// Of a part, or a layout. Throws usage.
void check_role(std::string_view role, const model::Encoder& encoder);
// Throws usage unless the name is in Unicode's NFC, which canonical files want.
void check_normal_form(std::string_view name);

}  // namespace zt::write
