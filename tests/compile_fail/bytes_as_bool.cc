// expects: static.?assert
// A byte of a file may be neither 0 nor 1, and reading such a bool is undefined: bool elements are std::uint8_t.
#include <ztensor/bytes.h>

std::size_t user(const zt::Bytes& bytes) {
#ifdef ZT_WRONG
  return bytes.as<bool>().size();
#else
  return bytes.as<std::uint8_t>().size();
#endif
}
