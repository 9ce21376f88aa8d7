#include "ztensor/device.h"

#include <string>
#include <vector>

#include "capi/shell.h"

namespace capi = zt::capi;

zt_code zt_device_trouble(zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] { capi::give_text(capi::needed(out, "out"), zt::device_trouble()); });
}

zt_code zt_device_release_buffers(zt_error* error) {
  return capi::guard(error, [] { zt::release_device_buffers(); });
}

zt_code zt_read_to_device(const zt_source* source, const zt_device_read* reads, size_t count,
                          const zt_device_options* options, zt_error* error) {
  return capi::guard(error, [&] {
    const zt::Source& from = capi::needed(source, "source").source;
    const zt_device_options given = capi::taken(options, "zt_device_options");
    std::vector<zt::DeviceRead> wanted;
    for (const zt_device_read& read : capi::array_of(reads, count, "reads")) {
      zt::PrefetchItem item{from[read.tensor]};
      if (read.axes_count != 0) item.selection = capi::selection_of(read.axes, read.axes_count);
      wanted.push_back(
          {std::move(item), {.owner = {}, .address = read.address, .bytes = read.length, .stream = read.stream}});
    }
    zt::read_to_device(wanted,
                       {.device = given.device, .threads = given.threads, .verify = capi::verify_of(given.verify)},
                       capi::progress_of(given.progress));
  });
}
