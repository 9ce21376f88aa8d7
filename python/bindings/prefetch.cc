#include "ztensor/prefetch.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <tuple>

#include "ahead.h"

namespace zt::python {
namespace {

// Each axis is (start, count, step).
std::optional<Selection> to_slice(nb::handle axes) {
  if (axes.is_none()) return std::nullopt;
  Selection selection;
  for (const nb::handle axis : nb::cast<nb::list>(axes)) {
    const auto [start, count, step] = nb::cast<std::tuple<std::uint64_t, std::uint64_t, std::int64_t>>(axis);
    selection.push_back(stepped(start, count, step));
  }
  return selection;
}

Ahead<Prefetch>* start_prefetch(const OpenSource& self, const nb::list& items, std::uint64_t ahead, unsigned threads,
                                std::optional<bool> verify) {
  static_cast<void>(self.use());  // throws if it is closed
  const std::vector<PrefetchItem> wanted = to_items(items);
  // No thread but the caller's may call a Python file object.
  const PrefetchOptions options = {
      .ahead = ahead, .threads = threads, .verify = to_verify(verify), .in_background = !self.calls_python()};
  return released([&] { return new Ahead<Prefetch>(wanted, options); });
}

// (index, memory, dtype name, shape of the whole tensor). Throws why the item could not be read.
nb::tuple to_tuple(const Ahead<Prefetch>& self, const Prefetched& found) {
  found.check();
  const Tensor& tensor = self.tensor(found.index);
  Buffer memory{.owner = found.memory.owner,
                .data = found.memory.bytes.data(),
                .size = found.memory.bytes.size(),
                .writable = true};
  return nb::make_tuple(found.index, nb::cast(std::move(memory)), dtype_text(tensor.dtype()),
                        shape_tuple(tensor.shape()));
}

}  // namespace

std::vector<PrefetchItem> to_items(const nb::list& items) {
  std::vector<PrefetchItem> wanted;
  wanted.reserve(nb::len(items));
  for (const nb::handle item : items) {
    const nb::tuple pair = nb::cast<nb::tuple>(item);
    wanted.push_back({nb::cast<const Handle&>(pair[0]).tensor(), to_slice(pair[1])});
  }
  return wanted;
}

void bind_prefetch(nb::module_& module, Class<OpenSource>& source) {
  bind_ahead<Prefetch, to_tuple>(module, "Prefetch");
  source.def("prefetch", start_prefetch, nb::arg("items"), nb::arg("ahead"), nb::arg("threads"),
             nb::arg("verify").none(), nb::rv_policy::take_ownership);
}

}  // namespace zt::python
