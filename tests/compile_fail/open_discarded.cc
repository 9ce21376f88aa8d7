// expects: nodiscard|unused.result
#include <ztensor/source.h>

void user() {
#ifdef ZT_WRONG
  zt::open("model.zt");
#else
  static_cast<void>(zt::open("model.zt"));
#endif
}
