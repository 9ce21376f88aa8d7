#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <zstd.h>

#include "ztensor/error.h"

namespace zt::codec {

// What a call of libzstd gives, when it can only fail for want of memory. Throws no_memory.
inline std::size_t zstd_result(std::size_t result) {
  if (ZSTD_isError(result) == 0) return result;
  throw Error(Code::no_memory, "", std::string("zstd: ") + ZSTD_getErrorName(result));
}

// Compresses at one level, without checksums. For one thread at a time.
class ZstdContext {
 public:
  explicit ZstdContext(int level) : context_(ZSTD_createCCtx()) {
    if (!context_) throw Error(Code::no_memory, "", "no memory for a zstd context");
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_checksumFlag, 0);
  }
  void set(ZSTD_cParameter parameter, int value) {
    zstd_result(ZSTD_CCtx_setParameter(context_.get(), parameter, value));
  }
  ZSTD_CCtx* get() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_;
};

}  // namespace zt::codec
