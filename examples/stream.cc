// Writes a tensor that need not fit into memory, chunk by chunk, without knowing how many rows it will have.
//
// usage: stream FILE MEGABYTES
#include <ztensor/ztensor.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: stream FILE MEGABYTES\n";
    return 2;
  }
  constexpr std::uint64_t kColumns = 1024;
  zt::Writer writer = zt::Writer::create(argv[1]);
  zt::TensorStream rows = writer.stream("samples", {zt::kUnknownRows, kColumns}, zt::DType::f32);

  std::vector<float> chunk(256 * kColumns);  // 1 MiB: as much memory as this program needs
  for (int written = 0; written < std::stoi(argv[2]); ++written) {
    for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = static_cast<float>(written);
    rows.write(chunk);
  }
  rows.finish();
  writer.finalize();  // now the file is there

  const zt::Tensor samples = zt::open(argv[1]).tensor("samples");
  std::cout << samples.shape()[0] << " rows\n";
} catch (const zt::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
