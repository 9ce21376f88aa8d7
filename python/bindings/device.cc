#include "ztensor/device.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <tuple>
#include <vector>

#include "ahead.h"

namespace zt::python {
namespace {

// A Python object that owns memory of a device, and its address.
struct Arena {
  nb::object object;
  std::uint64_t address;
};

// `callable`: from a number of bytes to (the object that owns the memory, its address, a stream). Needs no GIL.
DeviceAllocator allocator_of(nb::object callable) {
  const std::shared_ptr<void> held = hold(std::move(callable));
  return [held](std::uint64_t bytes) {
    const GilHeld locked;
    const nb::object given = call(nb::handle(static_cast<PyObject*>(held.get())), nb::int_(bytes));
    auto [object, address, stream] = nb::cast<std::tuple<nb::object, std::uint64_t, std::uint64_t>>(given);
    DeviceMemory memory{.owner = {}, .address = address, .bytes = bytes, .stream = reinterpret_cast<void*>(stream)};
    memory.owner = {new Arena{std::move(object), address}, [](void* arena) {
                      auto* const last = static_cast<Arena*>(arena);
                      drop_with_gil([&] { delete last; });
                    }};
    return memory;
  };
}

// (the object that owns the memory, the offset in it, the length, the dtype's name, the shape of the whole tensor)
nb::tuple place_of(const Tensor& tensor, const DeviceMemory& memory) {
  const auto* const arena = static_cast<const Arena*>(memory.owner.get());
  const nb::object object = arena == nullptr ? nb::none() : arena->object;
  const std::uint64_t offset = arena == nullptr ? 0 : memory.address - arena->address;
  return nb::make_tuple(object, offset, memory.bytes, dtype_text(tensor.dtype()), shape_tuple(tensor.shape()));
}

// For each tensor what place_of() gives; None for tensors that are not dense. Names of one stored tensor have one place,
// unless `copy`.
nb::list device_places(const OpenSource& self, const nb::list& names, int device, nb::object allocate, bool copy,
                       std::optional<bool> verify, nb::object callback) {
  const Source source = self.use();
  std::vector<Tensor> tensors;
  for (const nb::handle name : names) tensors.push_back(find_tensor(source, name));
  const Progress progress = to_progress(std::move(callback));
  const DeviceAllocator allocator = allocator_of(std::move(allocate));
  std::vector<std::optional<std::size_t>> item_of;  // of each tensor
  std::vector<DeviceMemory> memory;                 // of each item
  released([&] {
    const auto ties = source.ties();
    std::vector<PrefetchItem> items;
    std::vector<std::size_t> known(source.size(), source.size());
    for (const Tensor& tensor : tensors) {
      if (!dense_of(tensor)) {
        item_of.emplace_back();
        continue;
      }
      std::size_t& item = known[ties[tensor.index()]];
      if (copy || item == source.size()) {
        item = items.size();
        items.push_back({tensor});
      }
      item_of.emplace_back(item);
    }
    memory = read_to_device(items, allocator,
                            {.device = device, .threads = self.options.threads, .verify = to_verify(verify)}, progress);
  });
  nb::list list;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (item_of[i]) {
      list.append(place_of(tensors[i], memory[*item_of[i]]));
    } else {
      list.append(nb::none());
    }
  }
  return list;
}

// (index, what place_of() gives).
nb::tuple to_tuple(const Ahead<DevicePrefetch>& self, const OnDevice& found) {
  found.check();
  return nb::make_tuple(found.index, place_of(self.tensor(found.index), found.memory));
}

Ahead<DevicePrefetch>* start(const OpenSource& self, const nb::list& items, int device, nb::object allocate,
                             std::uint64_t limit, unsigned threads, std::optional<bool> verify) {
  static_cast<void>(self.use());  // throws if it is closed
  const std::vector<PrefetchItem> wanted = to_items(items);
  const DeviceOptions options = {
      .device = device, .threads = threads != 0 ? threads : self.options.threads, .verify = to_verify(verify)};
  DeviceAllocator allocator = allocator_of(std::move(allocate));
  return released([&] { return new Ahead<DevicePrefetch>(wanted, std::move(allocator), options, limit); });
}

}  // namespace

void bind_device(nb::module_& module, Class<OpenSource>& source) {
  module.def("device_trouble", guarded(+[] { return released([] { return device_trouble(); }); }));
  module.def("release_buffers", guarded(+[] { released([] { release_device_buffers(); }); }));
  bind_ahead<DevicePrefetch, to_tuple>(module, "DevicePrefetch");
  source
      .def("device_places", device_places, nb::arg("names"), nb::arg("device"), nb::arg("allocate"), nb::arg("copy"),
           nb::arg("verify").none(), nb::arg("progress").none())
      .def("device_prefetch", start, nb::arg("items"), nb::arg("device"), nb::arg("allocate"), nb::arg("limit"),
           nb::arg("threads"), nb::arg("verify").none(), nb::rv_policy::take_ownership)
      .def("calls_python", [](const OpenSource& self) { return self.calls_python(); });
}

}  // namespace zt::python
