#include "device/driver.h"

#include <cstdlib>

#include "base/utf8.h"
#include "run/library.h"
#include "run/per_process.h"
#include "ztensor/error.h"

namespace zt::device {
namespace {

#ifdef _WIN32
constexpr const char* kDriver = "nvcuda.dll";
#else
constexpr const char* kDriver = "libcuda.so.1";
#endif

// Looks for one function after the other, and remembers the first that is missing.
class Finder {
 public:
  explicit Finder(const run::Library& library) : library_(library) {}
  template <class F>
  void find(F*& function, const char* name) {
    function = library_.function<F>(name);
    if (function == nullptr && missing_ == nullptr) missing_ = name;
  }
  const char* missing() const { return missing_; }

 private:
  const run::Library& library_;
  const char* missing_ = nullptr;
};

}  // namespace

struct Loaded {
  Loaded() : trouble(driver.load()) {}
  Driver driver;
  std::string trouble;
};

namespace {

// Never destroyed: other static objects may still read to a device while the program ends. A forked child loads anew,
// and the driver refuses to start in it if it ran in the parent.
Loaded& loaded() {
  static auto& each = *new run::PerProcess<Loaded>;
  return each.here();
}

}  // namespace

const Driver& Driver::get() {
  const Loaded& found = loaded();
  if (!found.trouble.empty()) throw Error(Code::unsupported, "device.driver", found.trouble);
  return found.driver;
}

std::string Driver::trouble() { return loaded().trouble; }

std::string Driver::load() {
  const char* const asked = std::getenv("ZTENSOR_CUDA_DRIVER");
  const std::string name = asked != nullptr && *asked != '\0' ? asked : kDriver;
  const run::Library library(name);
  if (!library.is_open()) return "the CUDA driver " + in_quotes(name) + " was not found: install the NVIDIA driver";
  Finder finder(library);
  finder.find(calls_.init, "cuInit");
  finder.find(calls_.error_name, "cuGetErrorName");
  finder.find(calls_.device_get, "cuDeviceGet");
  finder.find(calls_.device_count, "cuDeviceGetCount");
  finder.find(calls_.retain_primary, "cuDevicePrimaryCtxRetain");
  finder.find(calls_.push, "cuCtxPushCurrent_v2");
  finder.find(calls_.pop, "cuCtxPopCurrent_v2");
  finder.find(calls_.allocate_pinned, "cuMemHostAlloc");
  finder.find(calls_.free_pinned, "cuMemFreeHost");
  finder.find(calls_.make_stream, "cuStreamCreate");
  finder.find(calls_.free_stream, "cuStreamDestroy_v2");
  finder.find(calls_.drain, "cuStreamSynchronize");
  finder.find(calls_.make_event, "cuEventCreate");
  finder.find(calls_.free_event, "cuEventDestroy_v2");
  finder.find(calls_.record, "cuEventRecord");
  finder.find(calls_.query, "cuEventQuery");
  finder.find(calls_.wait, "cuEventSynchronize");
  finder.find(calls_.copy, "cuMemcpyHtoDAsync_v2");
  if (finder.missing() != nullptr) {
    return "the CUDA driver " + in_quotes(name) + " has no function " + finder.missing() + ": update the NVIDIA driver";
  }
  const Status status = calls_.init(0);
  if (status == 0) return "";
  std::string what = "the CUDA driver does not start: " + text_of(status, "cuInit");
  if (status != kNotInitialized) return what;
  return what + ". It ran in the process that forked this one: start processes that use CUDA by spawn";
}

std::string Driver::text_of(Status status, const char* call) const {
  const char* word = nullptr;
  if (calls_.error_name(status, &word) != 0 || word == nullptr) word = "unknown error";
  return std::string(call) + ": " + word + " (" + std::to_string(status) + ")";
}

void Driver::fail(Status status, const char* call) const {
  throw Error(status == kNoMemory ? Code::no_memory : Code::io, "", "CUDA: " + text_of(status, call));
}

}  // namespace zt::device
