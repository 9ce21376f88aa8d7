// compiler: clang++
// expects: address of stack memory
#include <ztensor/bytes.h>

zt::Bytes map();

#ifdef ZT_WRONG
std::span<const std::byte> user() {
  const zt::Bytes bytes = map();
  return bytes.view();
}
#else
zt::Bytes user() {
  const zt::Bytes bytes = map();
  return bytes;
}
#endif
