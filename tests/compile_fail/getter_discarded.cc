// expects: nodiscard|unused.result
#include <ztensor/tensor.h>

#include <vector>

std::vector<float> user(const zt::Tensor& tensor) {
  std::vector<float> out(tensor.elements());
#ifdef ZT_WRONG
  tensor.read<float>();  // and not into `out`
#else
  tensor.read_into(out);
#endif
  return out;
}
