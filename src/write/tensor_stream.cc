#include <bit>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "model/recipe.h"
#include "read/gather.h"
#include "write/row_stream.h"
#include "write/writer_state.h"
#include "ztensor/error.h"
#include "ztensor/writer.h"

namespace zt {

struct TensorStream::State {
  State(const std::shared_ptr<Writer::State>& to, std::string_view name, const Shape& shape, DType dtype,
        const AddOptions& options)
      : writer(to),
        place("tensor " + in_quotes(name)),
        replace(options.replace),
        rows(to->draft, name, shape, dtype, options) {}

  // Runs `work` while the Writer lives. An Error that leaves it names the tensor.
  template <class F>
  void run(F&& work) {
    const std::shared_ptr<Writer::State> held = writer.lock();
    if (!held) throw Error(Code::usage, "", place + ": the writer of the stream is gone");
    inside(place, [&] { work(*held); });
  }

  std::weak_ptr<Writer::State> writer;
  std::string place;
  bool replace;
  write::RowStream rows;
};

TensorStream::TensorStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
TensorStream::TensorStream(TensorStream&&) noexcept = default;

TensorStream& TensorStream::operator=(TensorStream&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
  }
  return *this;
}

TensorStream::~TensorStream() { cancel(); }

TensorStream::State& TensorStream::state() const {
  if (!state_) throw Error(Code::usage, "", "the stream was moved from: use the object that it moved to");
  return *state_;
}

void TensorStream::write(const ArrayView& chunk) {
  state().run([&](Writer::State&) { state_->rows.write(chunk); });
}

void TensorStream::write_elements(DType dtype, std::span<const std::byte> bytes) {
  std::vector<std::byte> swapped;
  if constexpr (std::endian::native == std::endian::big) {
    swapped.assign(bytes.begin(), bytes.end());
    read::swap_words(swapped, width_of(model::element_form(dtype)));
    bytes = swapped;
  }
  state().run([&](Writer::State&) { state_->rows.write(dtype, bytes); });
}

std::uint64_t TensorStream::rows() const { return state().rows.rows(); }

void TensorStream::finish() {
  state().run([&](Writer::State& writer) {
    state_->rows.finish();
    writer.end_tensor(state_->rows.name(), state_->replace);
  });
}

void TensorStream::cancel() noexcept {
  if (!state_) return;
  if (const auto held = state_->writer.lock()) state_->rows.cancel();
}

TensorStream Writer::stream(std::string_view name, const Shape& shape, DType dtype, const AddOptions& options) {
  state_->check_new(name, options.replace);
  return inside("tensor " + in_quotes(name), [&] {
    return TensorStream(std::make_unique<TensorStream::State>(state_, name, shape, dtype, options));
  });
}

}  // namespace zt
