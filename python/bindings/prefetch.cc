#include "ztensor/prefetch.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <tuple>

#include "source.h"

namespace zt::python {
namespace {

// A Prefetch, as `_ztensor.Prefetch`. Its threads never ask for the GIL. It goes on after the source is closed.
class OpenPrefetch {
 public:
  OpenPrefetch(const std::vector<PrefetchItem>& items, const PrefetchOptions& options)
      : prefetch_(std::make_unique<Prefetch>(items, options)) {
    tensors_.reserve(items.size());
    for (const PrefetchItem& item : items) tensors_.push_back(item.tensor);
  }
  OpenPrefetch(const OpenPrefetch&) = delete;
  OpenPrefetch& operator=(const OpenPrefetch&) = delete;
  ~OpenPrefetch() {
    released([this] { prefetch_.reset(); });  // waits for the threads
  }

  Prefetch& get() { return *prefetch_; }
  const Tensor& tensor(std::size_t index) const { return tensors_[index]; }

 private:
  std::unique_ptr<Prefetch> prefetch_;
  std::vector<Tensor> tensors_;
};

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

OpenPrefetch* start_prefetch(const OpenSource& self, const nb::list& items, std::uint64_t ahead, unsigned threads,
                             std::optional<bool> verify) {
  static_cast<void>(self.use());  // throws if it is closed
  const std::vector<PrefetchItem> wanted = to_items(items);
  // No thread but the caller's may call a Python file object.
  const PrefetchOptions options = {
      .ahead = ahead, .threads = threads, .verify = to_verify(verify), .in_background = !self.calls_python()};
  return released([&] { return new OpenPrefetch(wanted, options); });
}

// (index, memory, dtype name, shape of the whole tensor). Throws why the item could not be read.
nb::tuple to_tuple(const OpenPrefetch& self, const Prefetched& found) {
  found.check();
  const Tensor& tensor = self.tensor(found.index);
  Buffer memory{.owner = found.memory.owner,
                .data = found.memory.bytes.data(),
                .size = found.memory.bytes.size(),
                .writable = true};
  return nb::make_tuple(found.index, nb::cast(std::move(memory)), dtype_text(tensor.dtype()),
                        shape_tuple(tensor.shape()));
}

nb::object next_item(OpenPrefetch& self) {
  const Progress progress = to_progress();
  const auto found = released([&] { return self.get().next(progress); });
  return found ? nb::object(to_tuple(self, *found)) : nb::none();
}

nb::object try_next_item(OpenPrefetch& self) {
  const auto found = released([&] { return self.get().try_next(); });
  return found ? nb::object(to_tuple(self, *found)) : nb::none();
}

nb::tuple take_item(OpenPrefetch& self, std::size_t index) {
  const Progress progress = to_progress();
  return to_tuple(self, released([&] { return self.get().take(index, progress); }));
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
  Class<OpenPrefetch>(module, "Prefetch", nb::is_final())
      .def("__len__", [](OpenPrefetch& self) { return released([&] { return self.get().left(); }); })
      .def("next", next_item)
      .def("try_next", try_next_item)
      .def("take", take_item, nb::arg("index"))
      .def("close", [](OpenPrefetch& self) { released([&] { self.get().close(); }); });
  source.def("prefetch", start_prefetch, nb::arg("items"), nb::arg("ahead"), nb::arg("threads"),
             nb::arg("verify").none(), nb::rv_policy::take_ownership);
}

}  // namespace zt::python
