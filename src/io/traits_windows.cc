#include <string>
#include <system_error>

#include "io/traits.h"

#include <io.h>
#include <windows.h>

#include <aclapi.h>

namespace zt::io {

mode_t guarded_mode(std::uint32_t) { return 0666; }

// Windows has neither user attributes nor modes. The owner is whoever writes the file.
std::vector<std::string> keep_traits(const Target& target, const os::Status&, const Descriptor& file) {
  const auto handle_of = [](int number) { return reinterpret_cast<HANDLE>(::_get_osfhandle(number)); };
  const Descriptor old(os::openat(target.folder.get(), target.name.c_str(), O_RDONLY, 0));
  if (!old) return {};
  PACL list = nullptr;
  PSECURITY_DESCRIPTOR security = nullptr;
  DWORD error = ::GetSecurityInfo(handle_of(old.get()), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr,
                                  &list, nullptr, &security);
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
  if (error == ERROR_SUCCESS) return {};
  return {"its access list could not be kept: " + std::system_category().message(static_cast<int>(error))};
}

}  // namespace zt::io
