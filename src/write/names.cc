#include "write/names.h"

#include "base/utf8.h"
#include "wire/normal_form.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;
const char* const kTaken = "means something else in format ";

std::string title(const model::Encoder& encoder) { return std::string(encoder.title); }

bool is_taken(std::string_view name, const model::Encoder& encoder) {
  return !encoder.holds.taken_name.empty() && name == encoder.holds.taken_name;
}

// Why the format cannot have the name, which otherwise is a good name; "": it can.
std::string fault_in_format(std::string_view name, const model::Encoder& encoder) {
  if (is_taken(name, encoder)) return kTaken + title(encoder);
  return encoder.archive == nullptr ? "" : encoder.archive->fault_of_name(name);
}

}  // namespace

std::string fault_of_name(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMaxNameBytes) return "has " + std::to_string(name.size()) + " bytes: use at most 1024";
  if (name.find('\0') != std::string_view::npos) return "holds a NUL";
  if (!is_utf8(name)) return "is not UTF-8";
  return "";
}

void check_name(std::string_view name, const model::Encoder& encoder) {
  const std::string fault = fault_of_name(name);
  if (!fault.empty())
    throw Error(
        Code::usage, "",
        name.empty() ? "the tensor's name is empty: give 1 to 1024 bytes" : "name " + in_quotes(name) + " " + fault);
  if (const std::string unfit = fault_in_format(name, encoder); !unfit.empty())
    throw Error(Code::unsupported, "", "name " + in_quotes(name) + " " + unfit);
}

void check_movable(std::string_view name, const model::Encoder& encoder, bool canonical) {
  std::string fault = fault_of_name(name);
  if (fault.empty() && canonical && !wire::is_nfc(name)) {
    fault = "is not in Unicode's normal form NFC, which canonical files need";
  }
  if (fault.empty()) fault = fault_in_format(name, encoder);
  if (!fault.empty()) throw Error(Code::unsupported, "write.name", "cannot write the tensor: its name " + fault);
}

void check_role(std::string_view role, const model::Encoder& encoder) {
  const bool named = encoder.holds.named_roles;
  const bool wrong = named ? !fault_of_name(role).empty() : role.size() > kMaxNameBytes || !is_utf8(role);
  if (wrong)
    throw Error(Code::usage, "",
                "role " + in_quotes(role) + " is not UTF-8 of " + (named ? "1 to" : "at most") + " 1024 bytes");
}

void check_normal_form(std::string_view name) {
  if (!wire::is_nfc(name)) {
    throw Error(
        Code::usage, "",
        "name " + in_quotes(name) + " is not in Unicode's normal form NFC: normalize it, or turn canonical off");
  }
}

}  // namespace zt::write
