#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "source.h"

// What Prefetch and DevicePrefetch have in common for Python.
namespace zt::python {

// A prefetch P with its tensors. Its threads never ask for the GIL. It goes on after the source is closed.
template <class P>
class Ahead {
 public:
  template <class... A>
  explicit Ahead(const std::vector<PrefetchItem>& items, A&&... more)
      : prefetch_(std::make_unique<P>(items, std::forward<A>(more)...)) {
    tensors_.reserve(items.size());
    for (const PrefetchItem& item : items) tensors_.push_back(item.tensor);
  }
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;
  ~Ahead() {
    released([this] { prefetch_.reset(); });  // waits for the threads
  }

  P& get() { return *prefetch_; }
  const Tensor& tensor(std::size_t index) const { return tensors_[index]; }

 private:
  std::unique_ptr<P> prefetch_;
  std::vector<Tensor> tensors_;
};

// Binds Ahead<P> as `name`. `to_tuple` gives what Python gets of an item, and throws why it could not be read.
template <class P, auto to_tuple>
void bind_ahead(nb::module_& module, const char* name) {
  using Self = Ahead<P>;
  Class<Self>(module, name, nb::is_final())
      .def("__len__", [](Self& self) { return released([&] { return self.get().left(); }); })
      .def("next",
           [](Self& self) {
             const Progress progress = to_progress();
             const auto found = released([&] { return self.get().next(progress); });
             return found ? nb::object(to_tuple(self, *found)) : nb::none();
           })
      .def("try_next",
           [](Self& self) {
             const auto found = released([&] { return self.get().try_next(); });
             return found ? nb::object(to_tuple(self, *found)) : nb::none();
           })
      .def(
          "take",
          [](Self& self, std::size_t index) {
            const Progress progress = to_progress();
            return to_tuple(self, released([&] { return self.get().take(index, progress); }));
          },
          nb::arg("index"))
      .def("close", [](Self& self) { released([&] { self.get().close(); }); });
}

}  // namespace zt::python
