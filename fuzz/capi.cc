// Uses the C interface over a file of any format in memory. Laws: what the index states is what reads give, a call that
// fails says why, and a read into memory of another size is refused.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ztensor/c.h"

namespace {

constexpr std::size_t kMost = std::size_t{1} << 20;  // bytes of a tensor that is read

void expect(bool law) {
  if (!law) std::abort();
}

void expect_told(zt_code code, const zt_error& error) {
  if (code == ZT_OK) return;
  expect(code == error.code && code != ZT_ERROR_INTERNAL && error.message[0] != '\0');
}

void read_part(const zt_source* source, std::size_t tensor, std::size_t part) {
  zt_error error{};
  error.size = sizeof(error);
  zt_part_info info{};
  info.size = sizeof(info);
  const zt_code known = zt_part_get(source, tensor, part, &info, &error);
  expect_told(known, error);
  if (known != ZT_OK || info.bytes > kMost) return;
  std::vector<char> out(static_cast<std::size_t>(info.bytes) + 1);
  const zt_code read = zt_part_read(source, tensor, part, out.data(), out.size() - 1, ZT_VERIFY_NEVER, &error);
  expect_told(read, error);
  expect(zt_part_read(source, tensor, part, out.data(), out.size(), ZT_VERIFY_NEVER, nullptr) != ZT_OK);
  zt_bytes bytes{};
  const zt_code mapped = zt_part_map(source, tensor, part, ZT_VERIFY_NEVER, &bytes, &error);
  expect_told(mapped, error);
  expect(mapped != ZT_OK || info.mappable);
  if (mapped == ZT_OK && read == ZT_OK) {
    expect(bytes.length == info.bytes && (bytes.length == 0 || std::memcmp(bytes.data, out.data(), bytes.length) == 0));
  }
  zt_bytes_free(&bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  zt_error error{};
  error.size = sizeof(error);
  zt_open_options options{};
  options.size = sizeof(options);
  options.threads = 1;
  options.limits.index_bytes = std::uint64_t{1} << 20;
  options.limits.decoded_bytes = std::uint64_t{1} << 24;
  zt_source* source = nullptr;
  const zt_code opened = zt_open_memory(data, size, "input", nullptr, nullptr, &options, &source, &error);
  expect_told(opened, error);
  if (opened != ZT_OK) return 0;
  zt_bytes text{};
  expect_told(zt_source_info_json(source, &text, &error), error);
  zt_bytes_free(&text);
  expect_told(zt_source_attributes_json(source, &text, &error), error);
  zt_bytes_free(&text);
  const std::size_t tensors = zt_source_tensors(source);
  for (std::size_t tensor = 0; tensor < tensors && tensor < 100; ++tensor) {
    zt_tensor_info info{};
    info.size = sizeof(info);
    const zt_code known = zt_tensor_get(source, tensor, &info, &error);
    expect_told(known, error);
    if (known != ZT_OK) continue;
    expect((zt_tensor_check(source, tensor, &error) == ZT_OK) == info.readable);
    expect_told(zt_tensor_attributes_json(source, tensor, &text, &error), error);
    zt_bytes_free(&text);
    for (std::size_t part = 0; part < info.parts && part < 10; ++part) read_part(source, tensor, part);
    if (info.rank == 0 || info.shape[0] == 0 || info.bytes > kMost) continue;
    std::vector<char> row(static_cast<std::size_t>(info.bytes / info.shape[0]));
    expect_told(zt_tensor_read_rows(source, tensor, 0, 1, row.data(), row.size(), &error), error);
  }
  zt_source_close(source);
  return 0;
}
