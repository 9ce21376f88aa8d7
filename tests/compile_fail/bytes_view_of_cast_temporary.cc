// compiler: clang++
// expects: -Wdangling
// A cast to const& bypasses the deleted overload, but the attribute still finds it.
#include <ztensor/bytes.h>

zt::Bytes map();

std::size_t user() {
#ifdef ZT_WRONG
  const auto view = static_cast<const zt::Bytes&>(map()).view();
#else
  const zt::Bytes bytes = map();
  const auto view = bytes.view();
#endif
  return view.size();
}
