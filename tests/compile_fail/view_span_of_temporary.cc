// expects: deleted
#include <ztensor/bytes.h>

zt::View<float> map();

std::size_t user() {
#ifdef ZT_WRONG
  return map().span().size();
#else
  const zt::View<float> view = map();
  return view.span().size();
#endif
}
