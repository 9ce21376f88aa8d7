// The same in C++.
#include <ztensor/ztensor.h>

#include <iostream>
#include <numeric>
#include <vector>

int main(int, char** argv) {
  zt::Writer writer = zt::Writer::create(argv[1]);
  writer.add("w", {3}, std::vector<float>{1, 2, 3});
  writer.finalize();
  const auto values = zt::open(argv[1]).tensor("w").read<float>();
  std::cout << ZT_CONSUMER << ' ' << std::accumulate(values.begin(), values.end(), 0.0F) << '\n';
}
