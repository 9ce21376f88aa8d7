#include "run/arena.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include "base/checked.h"
#include "ztensor/error.h"

namespace zt::run {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugeFrom = std::size_t{8} << 20;
constexpr std::size_t kMappedFrom = std::size_t{128} << 10;

[[noreturn]] void no_memory(std::size_t size) {
  throw Error(Code::no_memory, "", "no memory for " + std::to_string(size) + " bytes");
}

std::size_t rounded(std::size_t size, std::size_t alignment) {
  const auto sum = checked::align_up(size, alignment);
  if (!sum || *sum > SIZE_MAX - kHugePage) no_memory(size);
  return static_cast<std::size_t>(*sum);
}

std::shared_ptr<std::byte> small(std::size_t size) {
  // An empty buffer has an address too: borrowers may not accept a null pointer.
  void* memory = std::aligned_alloc(kAlignment, rounded(size == 0 ? 1 : size, kAlignment));
  if (memory == nullptr) no_memory(size);
  return {static_cast<std::byte*>(memory), [](std::byte* at) { std::free(at); }};
}

// Maps the memory itself: malloc would take more memory to align it to huge pages, and would not return it at once.
std::shared_ptr<std::byte> huge(std::size_t size) {
  const std::size_t length = rounded(size, kHugePage);
  void* memory = ::mmap(nullptr, length + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) no_memory(size);
  auto* start = static_cast<std::byte*>(memory);
  const std::size_t past = reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  const std::size_t before = past == 0 ? 0 : kHugePage - past;
  if (before != 0) ::munmap(start, before);
  start += before;
  ::munmap(start + length, kHugePage - before);
#ifdef MADV_HUGEPAGE
  ::madvise(start, length, MADV_HUGEPAGE);  // if this fails, we use small pages
#endif
  return {start, [length](std::byte* at) { ::munmap(at, length); }};
}

// Pages of its own.
std::shared_ptr<std::byte> mapped(std::size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) no_memory(size);
  return {static_cast<std::byte*>(memory), [size](std::byte* at) { ::munmap(at, size); }};
}

template <class F>
Buffer buffer_of(std::size_t size, F&& make) {
  try {
    std::shared_ptr<std::byte> owner = make(size);
    std::byte* at = owner.get();
    return {std::move(owner), {at, size}};
  } catch (const std::bad_alloc&) {  // shared_ptr allocates its count of owners
    no_memory(size);
  }
}

}  // namespace

Buffer allocate(std::size_t size) { return buffer_of(size, size < kHugeFrom ? small : huge); }

Buffer allocate_returned(std::size_t size) {
  return buffer_of(size, size < kMappedFrom ? small : size < kHugeFrom ? mapped : huge);
}

}  // namespace zt::run
