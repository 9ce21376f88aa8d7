#include <cerrno>
#include <string>

#include "io/traits.h"

#include <io.h>
#include <windows.h>

#include <aclapi.h>

namespace zt::io {

mode_t guarded_mode(std::uint32_t) { return 0666; }

void guard_traits(const Target& target, const Descriptor& file) {
  const auto handle_of = [](int number) { return reinterpret_cast<HANDLE>(::_get_osfhandle(number)); };
  const Descriptor old(os::openat(target.folder.get(), target.name.c_str(), O_PATH, 0));  // may read its access list
  PACL list = nullptr;
  PSECURITY_DESCRIPTOR security = nullptr;
  DWORD error = !old ? ERROR_ACCESS_DENIED
                     : ::GetSecurityInfo(handle_of(old.get()), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr,
                                         nullptr, &list, nullptr, &security);
  if (error == ERROR_NOT_SUPPORTED || error == ERROR_INVALID_FUNCTION) return;  // a file system without access lists
  if (error == ERROR_SUCCESS) {
    SECURITY_DESCRIPTOR_CONTROL control{};
    DWORD revision = 0;
    ::GetSecurityDescriptorControl(security, &control, &revision);
    const DWORD inherits = (control & SE_DACL_PROTECTED) != 0 ? PROTECTED_DACL_SECURITY_INFORMATION
                                                              : UNPROTECTED_DACL_SECURITY_INFORMATION;
    error = ::SetSecurityInfo(handle_of(file.get()), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | inherits, nullptr,
                              nullptr, list, nullptr);
    ::LocalFree(security);
  }
  if (error != ERROR_SUCCESS) fail(EACCES, target.asked, "cannot keep its access list");
}

// The access list is kept already. The owner is whoever writes the file; attributes and other streams are not kept.
std::vector<std::string> keep_traits(const Target&, const os::Status&, const Descriptor&) { return {}; }

}  // namespace zt::io
