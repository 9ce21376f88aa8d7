// expects: deleted
#include <ztensor/bytes.h>

zt::Bytes map();

std::size_t user() {
#ifdef ZT_WRONG
  return map().as<float>().size();
#else
  const zt::Bytes bytes = map();
  return bytes.as<float>().size();
#endif
}
