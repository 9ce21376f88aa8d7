#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include <malloc.h>
#include <windows.h>

#include "run/arena.h"
#include "ztensor/error.h"

namespace zt::run {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMappedFrom = std::size_t{128} << 10;

[[noreturn]] void no_memory(std::size_t size) {
  throw Error(Code::no_memory, "", "no memory for " + std::to_string(size) + " bytes");
}

// An empty buffer has an address too: borrowers may not accept a null pointer.
std::shared_ptr<std::byte> small(std::size_t size) {
  void* memory = ::_aligned_malloc(size == 0 ? 1 : size, kAlignment);
  if (memory == nullptr) no_memory(size);
  return {static_cast<std::byte*>(memory), [](std::byte* at) { ::_aligned_free(at); }};
}

std::shared_ptr<std::byte> mapped(std::size_t size) {
  void* memory = ::VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (memory == nullptr) no_memory(size);
  return {static_cast<std::byte*>(memory), [](std::byte* at) { ::VirtualFree(at, 0, MEM_RELEASE); }};
}

}  // namespace

Buffer allocate(std::size_t size) {
  try {
    std::shared_ptr<std::byte> owner = size < kMappedFrom ? small(size) : mapped(size);
    std::byte* at = owner.get();
    return {std::move(owner), {at, size}};
  } catch (const std::bad_alloc&) {  // shared_ptr allocates its count of owners
    no_memory(size);
  }
}

Buffer allocate_returned(std::size_t size) { return allocate(size); }

}  // namespace zt::run
