// Serves rows of one tensor to several threads at once. All of them share one Source; nothing is locked, and a
// compressed tensor is decoded only where rows are asked for.
//
// usage: serve FILE NAME
#include <ztensor/ztensor.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: serve FILE NAME\n";
    return 2;
  }
  constexpr std::uint64_t kRows = 16;                           // of one request
  const zt::Tensor tensor = zt::open(argv[1]).tensor(argv[2]);  // keeps the file open
  const std::uint64_t height = tensor.shape().empty() ? 0 : tensor.shape()[0];
  std::atomic<std::uint64_t> next = 0;
  std::atomic<std::uint64_t> served = 0;

  const auto serve = [&] {
    for (std::uint64_t first = next.fetch_add(kRows); first < height; first = next.fetch_add(kRows)) {
      try {
        served += tensor.read_rows<float>(first, std::min(first + kRows, height)).size();
      } catch (const zt::Error& error) {  // one request failed, and the others go on
        std::cerr << error.what() << '\n';
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(serve);
  for (std::thread& thread : threads) thread.join();
  std::cout << served << " elements served\n";
} catch (const zt::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
